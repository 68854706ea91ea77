"""医生: search, and the page of one physician."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app import accounts, consent, content, court, identity, journey, reps, tagging
from app.accounts.models import Role
from app.consent import Through
from app.flows.allowed.permission import standings
from app.flows.pages import meetings, own_choices
from app.identity import Identifier, Physician
from app.journey import Happened
from app.recommend import Suggestion
from app.web import auth
from app.web.console import bp, visible
from app.web.console.identity import judgements
from app.web.console.identity.drawing import drawn
from app.web.console.insights.insight_words import page_number
from app.web.console.tags.court import viewer
from app.web.context import parts
from app.web.own_words import own_words
from app.web.policy import allow

PAGE = 30
COMPLIANCE = (Role.ADMIN, Role.REVIEWER)
CHANNELS = (("", _l("全部")), ("wecom", _l("企微")), ("oa", _l("公众号")), ("page", _l("内容")))


@bp.get("/physicians/")
def physicians() -> str:
    """The list; state is in the URL."""
    text = request.args.get("q", "").strip()
    page = page_number()
    here = parts()
    with here.db.reading() as session:
        found, total = identity.search(
            session, text, only=visible.limit(), limit=PAGE, offset=(page - 1) * PAGE
        )
        one_ids = [physician.one_id for physician in found]
        weights = tagging.weights(session, one_ids, here.clock())
        names = {tag.id: tag.name for tag in visible.tags(session)}
        last = journey.last_at(session, one_ids)
    rows = [
        (
            physician,
            [names[w.tag_id] for w in _strongest(weights[physician.one_id]) if w.tag_id in names],
            last.get(physician.one_id),
        )
        for physician in found
    ]
    return render_template(
        "console/physicians/physicians.html", rows=rows, total=total, q=text, page=page,
        pages=max(1, -(-total // PAGE)),
        url=lambda number: url_for("console.physicians", q=text or None, page=number),
    )  # fmt: skip


@bp.get("/physicians/<one_id>")
def physician(one_id: str) -> str:
    """Who, identities with evidence, tags with reasons, journey, permission."""
    here = parts()
    now = here.clock()
    channel = request.args.get("channel", "")
    with here.db.reading() as session:
        person = visible.physician(session, one_id)
        rows = identity.identifiers_of(session, person.one_id)
        judged = identity.judgements(session, identifier_ids=[row.id for row in rows], limit=8)
        reasons = tagging.reasons(session, person.one_id, now)
        folded = tagging.folded_by(
            session, {(one.source, one.raw) for told in reasons.values() for one in told if one.raw}
        )
        weights = tagging.weights(session, [person.one_id], now)[person.one_id]
        entries = journey.timeline(session, person.one_id, channel=channel, limit=60)
        return render_template(
            "console/physicians/physician.html",
            person=person,
            identifiers=_identifiers(session, person, rows),
            lines=judgements.lines(session, judged),
            users=accounts.names(session),
            judges=judgements.JUDGES,
            drawing=drawn(
                identity.graph(session, person.one_id),
                person.anchor_id,
                strangers=auth.actor().role in judgements.JUDGES,
            ),
            conflicts=identity.conflicts_of(session, person.one_id),
            tags={tag.id: tag for tag in visible.tags(session)},
            weights=_strongest(weights, 40),
            reasons=reasons,
            stories=tagging.history(session, person.one_id, 60),
            cases=court.listing(session, viewer(), one_id=person.one_id, limit=8)[0],
            names=court.words(session),
            folded=folded,
            relations=reps.relations_of(session, person.one_id),
            reps=reps.reps_by_id(session),
            entries=entries,
            titles=content.titles(session, [e.content_version_id for e in entries]),
            moved=meetings.moved(session, [e.content_version_id for e in entries]),
            channel=channel,
            channels=CHANNELS,
            permission=_permission(session, person, now),
            ledger=consent.ledger(session, person.one_id)[:8],
            wishes=own_words(session, person.one_id, reps.reps_by_id(session)),
            leaves=_leaves(session, person.one_id),
            deleted=tagging.deleted_own(session, person.one_id),
            suggestions=_suggestions(session, person),
            Happened=Happened,
        )


@bp.post("/physicians/<one_id>/erasure")
@allow(*COMPLIANCE)
def erasure_done(one_id: str) -> Response:
    """What the physician asked to be erased is erased."""
    here = parts()
    with here.db.transaction() as session:
        person = visible.physician(session, one_id)
        own_choices.erasure_done(session, person.one_id, actor=auth.actor().key, now=here.clock())
    flash(_("删除资料的请求已结束。"))
    return redirect(url_for("console.physician", one_id=one_id))


def _leaves(session: Session, one_id: str) -> bool:
    """Whether whoever looks may close a request for erasure here."""
    asked = consent.own(session, [one_id]).get(one_id, consent.NOTHING_CHOSEN).leaves
    return asked and auth.actor().role in COMPLIANCE


def _identifiers(
    session: Session, person: Physician, rows: Sequence[Identifier]
) -> list[tuple[Identifier, list[identity.Step]]]:
    anchor = next((row for row in rows if row.id == person.anchor_id), None)
    return [
        (row, identity.explain(session, anchor, row) if anchor and row.id != anchor.id else [])
        for row in rows
    ]


def _strongest(weights: dict[int, tagging.Weight], limit: int = 4) -> list[tagging.Weight]:
    return sorted(weights.values(), key=lambda weight: -weight.value)[:limit]


def _permission(
    session: Session, person: Physician, now: datetime
) -> list[tuple[str, consent.Verdict]]:
    has_rep = reps.rep_for(session, person.one_id) is not None
    kinds = {row.kind for row in identity.identifiers_of(session, person.one_id)}
    told = []
    for through, name in ((Through.REP, _("企业微信")), (Through.ACCOUNT, _("公众号"))):
        known = standings(session, [person.one_id], through, now)[person.one_id]
        facts = consent.ContactFacts(
            through=through, permitted=known.permitted, opted_out=known.opted_out,
            content_usable=True, rep_active=has_rep, connected=has_rep,
            follows=identity.Kind.OPENID in kinds, contacted_at=known.contacted_at,
            spared_by=known.spared_by, wished_days=known.own.days,
        )  # fmt: skip
        told.append((name, consent.may_contact(facts, consent.rules(session), now)))
    return told


def _suggestions(
    session: Session, person: Physician
) -> list[tuple[Suggestion, str, Sequence[str]]]:
    mine = select(Identifier.id).where(Identifier.one_id == person.one_id)
    rows = session.scalars(
        select(Suggestion)
        .where(Suggestion.identifier_id.in_(mine))
        .order_by(Suggestion.id.desc())
        .limit(5)
    ).all()
    return [
        (row, content.get_version(session, row.content_version_id).title,
         visible.sentences(session, row.reasons))
        for row in rows
    ]  # fmt: skip
