"""QR codes through which physicians arrive, and what their scenes say about who comes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from app.infra.direct import Direct
from app.infra.errors import NotFound, Refused
from app.links.models import ChannelCode

LONGEST = {"wecom": 30, "oa": 64}  # `state` of a contact way; `scene_str` of an account's code
LONGEST_WELCOME = 600  # the platforms allow more; nobody reads more
_SCENE = re.compile(r"[A-Za-z0-9_.:-]+")


def create_code(
    session: Session,
    *,
    kind: str,
    scene: str,
    name: str,
    tag_keys: Sequence[str] = (),
    rep_id: int | None = None,
    welcome_text: str = "",
    config_id: str = "",
    qr_url: str = "",
    now: datetime,
) -> ChannelCode:
    """A QR code's scene and what it means.

    Raises Refused for a used scene, and for one that a platform would not carry: scenes are seen
    by everybody who scans, so they hold short keys and never a person's data.
    """
    if kind not in LONGEST:
        raise Refused("渠道只有企业微信（wecom）和公众号（oa）。")
    if not 0 < len(scene) <= LONGEST[kind] or not _SCENE.fullmatch(scene):
        raise Refused("场景值只用字母、数字和 _ . : -；长度：企业微信不超过 30，公众号不超过 64。")
    if not name.strip():
        raise Refused("请填写渠道名称。")
    if len(welcome_text) > LONGEST_WELCOME:
        raise Refused(f"欢迎语最多 {LONGEST_WELCOME} 字。")
    if find_code(session, kind, scene) is not None:
        raise Refused(f"场景值 {scene} 已经使用。")
    code = ChannelCode(
        kind=kind, scene=scene, name=name.strip(), tag_keys=list(tag_keys), rep_id=rep_id,
        welcome_text=welcome_text.strip(), config_id=config_id, qr_url=qr_url, created_at=now,
    )  # fmt: skip
    session.add(code)
    session.flush()
    return code


def find_code(session: Session, kind: str, scene: str) -> ChannelCode | None:
    """What a scene or `State` means, also of a retired code: printed ones live on."""
    if not scene:
        return None
    found = _BY_SCENE.first(session, {"kind": kind, "scene": scene})
    return session.get(ChannelCode, found) if found is not None else None


def retire_code(session: Session, code_id: int) -> ChannelCode:
    """The code is no longer offered; who scans it anyway is still understood."""
    code = session.get(ChannelCode, code_id)
    if code is None:
        raise NotFound("没有这个渠道。")
    code.active = False
    session.flush()
    return code


def codes(session: Session) -> Sequence[ChannelCode]:
    """All channel codes."""
    return session.scalars(select(ChannelCode).order_by(ChannelCode.id)).all()


_BY_SCENE = Direct(
    select(ChannelCode.id).where(
        ChannelCode.kind == bindparam("kind"), ChannelCode.scene == bindparam("scene")
    ),
    int,
)
