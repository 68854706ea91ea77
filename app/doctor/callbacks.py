"""Can the platforms reach us? We check our own address as they do: a signed GET with an echo."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator

import httpx

from app.bootstrap import Parts
from app.connectors.callback_crypto import Secrets, seal, sign
from app.doctor.finding import Finding, attention, bad, good

TIMEOUT = httpx.Timeout(5.0, connect=3.0)
SLOW_S = 1.0  # WeCom gives a URL check no longer
ADVICE = {
    403: "签名不符：检查 TOKEN 与 AES_KEY、本机时钟，以及反向代理是否改动了参数",
    404: "反向代理没有把 /callbacks/ 转给本产品",
    502: "反向代理找不到 web 进程，请启动它",
    503: "反向代理找不到 web 进程，请启动它",
}


def addresses(parts: Parts) -> Iterator[Finding]:
    """Both addresses, as far as their platform is set up."""
    here, now_s = parts.settings, int(parts.clock().timestamp())
    if here.wecom_token and here.wecom_aes_key and here.wecom_corp_id:
        yield _check("wecom", here.yishu_base_url, *_wecom(
            Secrets(here.wecom_token, here.wecom_aes_key, here.wecom_corp_id), now_s
        ))  # fmt: skip
    if here.oa_token and here.oa_aes_key and here.oa_app_id:
        yield _check("oa", here.yishu_base_url, *_official_account(here.oa_token, now_s))


def _wecom(ours: Secrets, now_s: int) -> tuple[dict[str, str], str]:
    """The query of a URL check, and the answer it must get."""
    echo = secrets.token_hex(8)
    sealed = seal(ours, echo.encode(), timestamp=now_s, nonce=secrets.token_hex(8))
    query = {
        "msg_signature": sealed.signature, "timestamp": sealed.timestamp, "nonce": sealed.nonce,
        "echostr": sealed.encrypt,
    }  # fmt: skip
    return query, echo


def _official_account(token: str, now_s: int) -> tuple[dict[str, str], str]:
    echo, nonce, stamp = secrets.token_hex(8), secrets.token_hex(8), str(now_s)
    signature = sign(token, stamp, nonce)
    return {"signature": signature, "timestamp": stamp, "nonce": nonce, "echostr": echo}, echo


def _check(source: str, base: str, query: dict[str, str], echo: str) -> Finding:
    address = f"{base}/callbacks/{source}/main"
    began = time.monotonic()
    try:
        answer = httpx.get(address, params=query, timeout=TIMEOUT)
    except httpx.HTTPError as problem:
        return bad(
            f"callbacks.{source}", f"{address} 无法访问（{type(problem).__name__}）",
            "启动 web，检查域名解析、防火墙和证书",
        )  # fmt: skip
    took_s = time.monotonic() - began
    if answer.status_code != 200:
        advice = ADVICE.get(answer.status_code, "看 web 的日志")
        return bad(f"callbacks.{source}", f"{address} 回答 {answer.status_code}", advice)
    if answer.text != echo:
        return bad(
            f"callbacks.{source}", f"{address} 回答的不是校验文字",
            "这个地址后面不是本产品，或代理改动了回答",
        )  # fmt: skip
    if took_s > SLOW_S:
        return attention(
            f"callbacks.{source}", f"{address} 用了 {took_s:.1f} 秒",
            "平台的地址校验只等 1 秒：检查网络与负载",
        )  # fmt: skip
    return good(f"callbacks.{source}", f"{address} 通过地址校验（{took_s * 1000:.0f} 毫秒）")
