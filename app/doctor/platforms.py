"""Can we reach the platforms, do they take our secret, and do their clocks agree with ours?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from app.bootstrap import Parts
from app.connectors.errors import BadCredential
from app.connectors.official_account.client import OfficialAccount
from app.connectors.wecom.client import WeCom
from app.doctor.database import skew
from app.doctor.finding import Finding, bad, good
from app.infra.errors import YishuError

TIMEOUT = httpx.Timeout(8.0, connect=3.0)


def wecom(parts: Parts) -> Iterator[Finding]:
    """WeCom, if it is set up."""
    here = parts.settings
    if here.wecom_corp_id and here.wecom_secret:
        client = parts.outside.wecom[here.wecom_corp_id]
        yield from _platform("wecom", "企业微信", here.wecom_api_base, client)


def official_account(parts: Parts) -> Iterator[Finding]:
    """The Official Account, if it is set up."""
    here = parts.settings
    if here.oa_app_id and here.oa_secret:
        client = parts.outside.official_accounts[here.oa_app_id]
        yield from _platform("oa", "公众号", here.oa_api_base, client)


def _platform(
    check: str, name: str, base: str, client: WeCom | OfficialAccount
) -> Iterator[Finding]:
    began = datetime.now(UTC)
    try:
        answer = httpx.head(base, timeout=TIMEOUT)
    except httpx.HTTPError as problem:
        yield bad(
            f"platforms.{check}", f"{name}接口 {base} 无法访问（{type(problem).__name__}）",
            "检查出口网络、代理和 DNS；期间消息留在发件箱",
        )  # fmt: skip
        return
    theirs = _date(answer.headers.get("Date", ""))
    if theirs is not None:
        middle = began + (datetime.now(UTC) - began) / 2
        yield skew(f"clock.{check}", f"{name}平台", (middle - theirs).total_seconds())
    try:
        client.obtain_token()
    except YishuError as problem:
        advice = (
            "检查 SECRET 与 ID 是否属于同一个应用"
            if isinstance(problem, BadCredential)
            else "检查平台后台的可信 IP 与权限；平台繁忙时稍后再试"
        )
        yield bad(f"platforms.{check}", f"{name}可以访问，但拿不到令牌：{problem}", advice)
        return
    try:
        client.knock()  # a token that we keep says nothing about today
    except YishuError as problem:
        yield bad(
            f"platforms.{check}", f"{name}可以访问，但接口没有正常回答：{problem}",
            "多半是平台故障：消息和收件会等待并自动再试；持续如此请看平台公告",
        )  # fmt: skip
        return
    yield good(f"platforms.{check}", f"{name}可以访问，接口正常，令牌有效")


def _date(header: str) -> datetime | None:
    try:
        return parsedate_to_datetime(header).astimezone(UTC)
    except ValueError:
        return None
