"""What an invitation to a meeting says beside its text: when, and where or by which link."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from app.content.models import ContentVersion
from app.infra.clock import SHANGHAI
from app.infra.errors import Refused

KIND = "meeting"
FIELDS = ("starts_at", "ends_at", "place")
USUAL = timedelta(hours=1)
LONGEST_PLACE = 200


def fill(version: ContentVersion, fields: Mapping[str, str]) -> None:
    """Take the meeting from a form; times are China's. Raises Refused."""
    if "starts_at" in fields:
        version.starts_at = _time(fields["starts_at"])
    if "ends_at" in fields:
        version.ends_at = _time(fields["ends_at"])
    if "place" in fields:
        version.place = fields["place"].strip()
    if version.starts_at is None:
        raise Refused("请填写会议的开始时间。")
    version.ends_at = version.ends_at or version.starts_at + USUAL
    if version.ends_at <= version.starts_at:
        raise Refused("会议的结束时间要晚于开始时间。")
    if len(version.place or "") > LONGEST_PLACE:
        raise Refused(f"地点最多 {LONGEST_PLACE} 字。")
    if not version.place and not version.url:
        raise Refused("请填写会议地点，或以 https:// 开头的线上会议链接。")


def clear(version: ContentVersion) -> None:
    """Other kinds have none of it."""
    version.starts_at = version.ends_at = None
    version.place = ""


def sealed(version: ContentVersion) -> dict[str, Any]:
    """What approval seals of it; nothing for other kinds, whose seals stay as they are."""
    if version.kind != KIND:
        return {}
    times = {name: getattr(version, name) for name in ("starts_at", "ends_at")}
    return {name: at and int(at.timestamp()) for name, at in times.items()} | {
        "place": version.place
    }


def valid_until(version: ContentVersion, wanted: datetime, now: datetime) -> datetime:
    """Nobody is invited to what is over. Raises Refused when it is already."""
    if version.kind != KIND or version.ends_at is None:
        return wanted
    if version.ends_at <= now:
        raise Refused("会议已经结束，不能批准。")
    return min(wanted, version.ends_at)


def _time(text: str) -> datetime | None:
    if not text.strip():
        return None
    try:
        return datetime.fromisoformat(text.strip()).replace(tzinfo=SHANGHAI)
    except ValueError:
        raise Refused("看不懂会议时间，请重新选择。") from None
