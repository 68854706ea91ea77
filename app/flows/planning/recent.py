"""One recent thing that a physician did, for a reason: what happened, with no name of any rep."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import content, recommend, tagging
from app.identity import Identifier
from app.journey import Happened, Touchpoint
from app.recommend.fit.forms import Form

RECENT = timedelta(days=60)
CHUNK = 1000
LONGEST_TITLE = 18  # a reason has room for thirty characters
SAID = {
    Happened.CONTENT_READ: (Form.READ, Form.READ_SOMETHING),
    Happened.CONTENT_OPENED: (Form.OPENED, Form.OPENED_SOMETHING),
    Happened.MESSAGE_RECEIVED: (Form.WROTE, Form.WROTE),
    Happened.MENU_USED: (Form.USED_MENU, Form.USED_MENU),
    Happened.FOLLOWED: (Form.FOLLOWED, Form.FOLLOWED),
}  # as it is said, and without the title


def facts(session: Session, one_ids: Sequence[str], now: datetime) -> dict[str, str]:
    """The newest such thing by ONE ID, in Chinese; whoever did nothing of the kind is missing."""
    newest = _newest(session, one_ids, now)
    titles = content.titles(session, [version for _, _, version in newest.values()])
    found = {}
    for one_id, (kind, at, version_id) in newest.items():
        title = titles.get(version_id or 0, "")
        form, without_title = SAID[kind]
        if form is not without_title and not title:
            continue
        if tagging.tells_hidden(session, title):
            form = without_title
        found[one_id] = form.say(when=recommend.ago(at, now), title=_cut(title))
    return found


def _newest(
    session: Session, one_ids: Sequence[str], now: datetime
) -> dict[str, tuple[Happened, datetime, int | None]]:
    place = func.row_number().over(
        partition_by=Identifier.one_id, order_by=(Touchpoint.at.desc(), Touchpoint.id.desc())
    )
    found = {}
    for start in range(0, len(one_ids), CHUNK):
        ranked = (
            select(
                Identifier.one_id, Touchpoint.kind, Touchpoint.at, Touchpoint.content_version_id,
                place.label("place"),
            )
            .join(Identifier, Identifier.id == Touchpoint.identifier_id)
            .where(
                Identifier.one_id.in_(one_ids[start : start + CHUNK]),
                Touchpoint.kind.in_(list(SAID)),
                Touchpoint.at > now - RECENT,
                Touchpoint.at <= now,
            )
            .subquery()
        )  # fmt: skip
        for one_id, kind, at, version_id, _ in session.execute(
            select(ranked).where(ranked.c.place == 1)
        ):
            found[one_id] = (Happened(kind), at, version_id)
    return found


def _cut(title: str) -> str:
    return title if len(title) <= LONGEST_TITLE else title[: LONGEST_TITLE - 1] + "…"
