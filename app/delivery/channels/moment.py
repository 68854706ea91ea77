"""客户朋友圈: who may see a moment, then the moment that the rep confirms in WeCom."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from app.connectors.errors import NotSent
from app.delivery.channels import Delivered, Message, Platforms
from app.infra.errors import Transient


def view(platforms: Platforms, message: Message) -> Delivered:
    """Let one contact see it: a mark of our own tag, which may be set twice."""
    payload = message.payload
    wecom = platforms.wecom[payload["corp_id"]]
    wecom.mark_tag(payload["userid"], payload["external_userid"], [payload["tag_id"]], [])
    return Delivered()


def ask(platforms: Platforms, message: Message) -> Delivered:
    """Ask for the moment; the picture before it may be sent any number of times."""
    payload = message.payload
    moments = platforms.wecom[payload["corp_id"]].moments
    try:
        media_id = moments.cover(_cover())
    except Transient as problem:
        raise NotSent(f"the picture was not taken: {problem}") from problem
    job_id = moments.add(
        payload["userid"], payload["tag_id"], payload["text"], title=payload["title"],
        url=payload["url"], media_id=media_id,
    )  # fmt: skip
    return Delivered(job_id)


@cache
def _cover() -> bytes:
    return (Path(__file__).parent / "cover.png").read_bytes()
