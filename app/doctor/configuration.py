"""Are the settings complete and sane? Says which, never what they hold."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from app.bootstrap import Parts
from app.connectors.callback_crypto import Secrets
from app.doctor.finding import Finding, attention, bad, good
from app.infra.crypto import INDEX_KEY_ID
from app.infra.settings import Settings

LOOPBACK = ("localhost", "127.0.0.1", "::1")
SECRET_LENGTH = 32
WECOM = ("wecom_corp_id", "wecom_agent_id", "wecom_secret", "wecom_token", "wecom_aes_key")
OA = ("oa_app_id", "oa_secret", "oa_token", "oa_aes_key")


def settings(parts: Parts) -> Iterator[Finding]:
    """The address, the session secret, and what only a demonstration may have."""
    here = parts.settings
    address = urlsplit(here.yishu_base_url)
    if address.scheme == "https":
        yield good("settings.base_url", f"YISHU_BASE_URL 使用 https：{address.netloc}")
    elif is_local(here):
        yield attention(
            "settings.base_url", f"YISHU_BASE_URL 是本机地址 {here.yishu_base_url}",
            "只适合体验；正式使用请设为平台能访问的 https 地址",
        )  # fmt: skip
    else:
        yield bad(
            "settings.base_url", f"YISHU_BASE_URL 不是 https：{here.yishu_base_url}",
            "在反向代理上启用 TLS，并把地址改为 https://…",
        )  # fmt: skip
    if address.scheme == "https" and not here.yishu_proxies:  # we speak no TLS ourselves
        yield attention(
            "settings.proxies", "YISHU_PROXIES 是 0：所有人看起来来自代理的同一个地址",
            "设为前面反向代理的层数（通常是 1），否则全公司共用每分钟 10 次登录",
        )  # fmt: skip
    if len(here.yishu_secret_key) >= SECRET_LENGTH:
        yield good("settings.secret", "YISHU_SECRET_KEY 长度足够")
    else:
        yield attention(
            "settings.secret", f"YISHU_SECRET_KEY 短于 {SECRET_LENGTH} 个字符",
            "换成更长的随机文字；登录会全部失效一次",
        )  # fmt: skip
    if here.yishu_demo and not is_local(here):
        yield bad("settings.demo", "YISHU_DEMO 已打开，演示账号对外可见", "设为 false 后重启 web")
    if here.yishu_api_token and not is_local(here):
        yield attention(
            "settings.api_token", "YISHU_API_TOKEN 还在，它拥有全部权限",
            "在 治理 → 账号与令牌 建立正式令牌后删除它",
        )  # fmt: skip


def keys(parts: Parts) -> Iterator[Finding]:
    """How the keys are laid out. That they can be read is known: the parts were built with them."""
    names = [part.partition(":")[0] for part in parts.settings.yishu_encryption_keys.split(",")]
    if INDEX_KEY_ID in names:
        yield good("settings.keys", f"加密密钥可用，共 {len(names) - 1} 个，索引密钥独立")
    else:
        yield attention(
            "settings.keys", "加密密钥可用，但没有单独的 index 密钥",
            "最旧的密钥因此永远不能移除；新安装请用 k1:…,index:…",
        )  # fmt: skip


def accounts(parts: Parts) -> Iterator[Finding]:
    """WeCom and the Official Account: all settings, or none."""
    for check, name, wanted in (("wecom", "企业微信", WECOM), ("oa", "公众号", OA)):
        missing = [one.upper() for one in wanted if not getattr(parts.settings, one)]
        if len(missing) == len(wanted):
            yield attention(
                f"settings.{check}", f"没有连接{name}", "需要时按 docs/operations.md 设置"
            )
        elif missing:
            yield bad(
                f"settings.{check}", f"{name}的设置不完整，缺少 {'、'.join(missing)}", "补上后重启"
            )
        elif not _is_aes_key(getattr(parts.settings, f"{check}_aes_key")):
            yield bad(
                f"settings.{check}", f"{check.upper()}_AES_KEY 不可用",
                "复制平台页面上的 43 个字母和数字",
            )  # fmt: skip
        else:
            yield good(f"settings.{check}", f"{name}的设置完整")


def is_local(settings: Settings) -> bool:
    """The product is tried out on one machine."""
    return urlsplit(settings.yishu_base_url).hostname in LOOPBACK


def _is_aes_key(text: str) -> bool:
    try:
        return len(Secrets("", text, "").key) == 32
    except ValueError:
        return False
