"""The life of a content version as a table, and what an approval needs. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from datetime import datetime

from app.content.models import Stage
from app.infra.errors import Refused

ALLOWED: Mapping[Stage, frozenset[Stage]] = {
    Stage.DRAFT: frozenset({Stage.IN_REVIEW}),
    Stage.IN_REVIEW: frozenset({Stage.APPROVED, Stage.DRAFT}),
    Stage.APPROVED: frozenset({Stage.WITHDRAWN}),
    Stage.WITHDRAWN: frozenset(),
}
NAMES = {
    Stage.DRAFT: "草稿",
    Stage.IN_REVIEW: "待审批",
    Stage.APPROVED: "已批准",
    Stage.WITHDRAWN: "已撤回",
}


EXPIRED = "内容已过期"


def check_move(now: Stage, to: Stage) -> None:
    """Raises Refused for a move that the table does not allow."""
    if to not in ALLOWED[now]:
        raise Refused(f"“{NAMES[now]}”的内容不能变为“{NAMES[to]}”。")


def check_approver(writers: Collection[str], approver: str) -> None:
    """Four eyes: nobody approves what they wrote, or what they had a hand in."""
    if approver in writers:
        raise Refused("作者不能审批自己的内容，请由另一位医学审核人员审批。")


def problem_at(
    stage: Stage, valid_from: datetime | None, valid_until: datetime | None, now: datetime
) -> str:
    """Why a version cannot be used at `now`, or "". The interval is half-open."""
    if stage == Stage.WITHDRAWN:
        return "内容已撤回"
    if stage != Stage.APPROVED:
        return "内容尚未批准"
    if valid_from is None or valid_until is None:
        return "内容没有有效期"
    if now < valid_from:
        return "内容尚未生效"
    return EXPIRED if now >= valid_until else ""


def fingerprint(fields: Mapping[str, object]) -> bytes:
    """SHA-256 over what was approved, in canonical form."""
    text = json.dumps(fields, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).digest()
