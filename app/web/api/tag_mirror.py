"""GET /tag-mirror: which tags WeCom mirrors and how that stands; choosing, repairing."""

from __future__ import annotations

from dataclasses import asdict

from flask import Response, jsonify
from pydantic import Field

from app import accounts, tagging
from app.web import auth
from app.web.api import bp
from app.web.api.asking import Asked, body
from app.web.context import parts
from app.web.policy import MIRRORERS, allow


class MirrorBody(Asked):
    """A tag by its key; false takes our marks away, never those of people."""

    tag: str = Field(min_length=1, max_length=60)
    mirrored: bool


@bp.get("/tag-mirror")
def get_tag_mirror() -> Response:
    """Figures of all, and each mirrored tag with its state in WeCom."""
    with parts().db.reading() as session:
        whole = tagging.mirror_standing(session)
        counts, rows = tagging.counts_by_tag(session), tagging.mirrors(session)
        items = []
        for tag in tagging.tags(session):
            row, number = rows.get(tag.id), counts.get(tag.id)
            if tag.mirrored or row is not None:
                items.append({
                    "tag": tag.key, "mirrored": tag.mirrored,
                    "state": row.state if row else "planned", "made_by_us": bool(row and row.made),
                    "error": row.error if row else "", "marks": asdict(number) if number else {},
                })  # fmt: skip
    return jsonify(equal=whole.is_equal, items=items, **asdict(whole))


@bp.post("/tag-mirror")
@allow(*MIRRORERS, token=True)
def choose_tag_mirror() -> Response:
    """Mirror a tag in WeCom, or stop."""
    asked, here, who = body(MirrorBody), parts(), auth.actor()
    with here.db.transaction() as session:
        tag = tagging.choose_mirrored(
            session, asked.tag, asked.mirrored, actor=who.key, now=here.clock()
        )
        action = "tag.mirrored" if asked.mirrored else "tag.unmirrored"
        accounts.audit(session, who.key, action, "tag", tag.key, now=here.clock())
    return jsonify(tag=tag.key, mirrored=tag.mirrored)


@bp.post("/tag-mirror/repair")
@allow(*MIRRORERS, token=True)
def repair_tag_mirror() -> Response:
    """Do again whatever stands still; returns how much that is."""
    here, who = parts(), auth.actor()
    with here.db.transaction() as session:
        number = tagging.repair_mirror(session, here.clock())
        accounts.audit(session, who.key, "tag.mirror_repaired", "tag", "", now=here.clock())
    return jsonify(number=number)
