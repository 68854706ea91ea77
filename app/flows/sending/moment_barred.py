"""Who may not see a moment any more that was marked for it: asked again until it is published.

Only what stays counts. The cap does not: the moment was counted when the contact was marked, and
what came after it was judged with it. A pace that the physician has chosen does, with the mark left
out: it is itself a contact. Lists that cannot be evaluated are asked at the next look.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import campaigns, content, reps
from app.consent import Through
from app.content import ContentVersion
from app.delivery import Dispatch
from app.delivery.moment_models import Moment, MomentViewer
from app.delivery.moments import MARKED
from app.flows.allowed import eligible
from app.flows.allowed.permission import asker, was_somebody_else
from app.identity import Identifier
from app.reps import Rep

PASSES = frozenset({"cap", "suppression_unknown"})
SPLIT = "身份已拆分，这条内容是按拆分前的医生选的"
NOT_SHOWN = "平台没有把朋友圈展示给这位医生"
Marked = tuple[Dispatch, Identifier]


@dataclass(frozen=True, slots=True)
class Barred:
    """A contact that is marked and must not see it, and why."""

    dispatch_id: int
    external_userid: str
    why: str


def why_over(session: Session, row: Moment, now: datetime) -> str:
    """Why nobody may see it any more: its content or its campaign; empty while it may go on."""
    version = content.get_version(session, row.content_version_id)
    return content.problem(session, version, now) or campaigns.why_stopped(session, row.campaign_id)


def barred(session: Session, row: Moment, now: datetime) -> tuple[Barred, ...]:
    """Those of its marked contacts that may not be reached by it any more."""
    rep = reps.get_rep(session, row.rep_id)
    version = content.get_version(session, row.content_version_id)
    by_campaign: dict[int | None, list[Marked]] = {}
    for dispatch, person in _marked(session, row):
        by_campaign.setdefault(dispatch.campaign_id, []).append((dispatch, person))
    found: list[Barred] = []
    for campaign_id, marked in by_campaign.items():
        why = _against(session, rep, version, campaign_id, marked, now)
        found += [
            Barred(dispatch.id, dispatch.payload.get("external_userid", ""), why[dispatch.id])
            for dispatch, _ in marked
            if why[dispatch.id]
        ]
    return tuple(found)


def _marked(session: Session, row: Moment) -> list[Marked]:
    rows = session.execute(
        select(Dispatch, Identifier)
        .join(MomentViewer, MomentViewer.dispatch_id == Dispatch.id)
        .join(Identifier, Identifier.id == MomentViewer.identifier_id)
        .where(
            MomentViewer.moment_id == row.id, Dispatch.state.in_(MARKED),
            Dispatch.receipt.is_(None),
        )
        .order_by(Dispatch.id)
    )  # fmt: skip
    return [(dispatch, person) for dispatch, person in rows]


def _against(
    session: Session,
    rep: Rep,
    version: ContentVersion,
    campaign_id: int | None,
    marked: Sequence[Marked],
    now: datetime,
) -> dict[int, str]:
    """What speaks against each, by message; empty words: nothing."""
    people = [person for _, person in marked]
    ask = asker(session, rep, people, Through.REP, now, campaign_id=campaign_id)
    library = eligible.library_of(session, [version])
    may_get = eligible.compiled(session, rep, library, {one.one_id for one in people}, now)
    over, found = campaigns.why_stopped(session, campaign_id), {}
    for dispatch, person in marked:
        split = was_somebody_else(dispatch, person.split_at, now)
        mine = ask
        if ask.known[person.one_id].own.days is not None:
            mine = asker(
                session, rep, [person], Through.REP, now, before=dispatch, campaign_id=campaign_id
            )
        reasons = (
            *mine.verdict(person, now).reasons, *may_get.reasons(person.one_id, version.content_id)
        )  # fmt: skip
        words = [over, SPLIT if split else "", *(r.text for r in reasons if r.code not in PASSES)]
        found[dispatch.id] = "；".join(word for word in words if word)
    return found
