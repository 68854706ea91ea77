"""Whom a campaign can reach now, through whom, and why the others are left out.

The same look serves the preview and the run, so what marketing sees is what happens.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import islice

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import consent, delivery, recommend, reps, segments
from app.campaigns import CampaignWay
from app.consent import NOTHING_CHOSEN, Through, Verdict
from app.content import ContentVersion
from app.flows.allowed import eligible
from app.flows.allowed.history import have_it_already
from app.flows.allowed.permission import account_facts, held_back, standings
from app.flows.planning.candidates import Considered, consider
from app.flows.planning.suggest import card_time, good_day
from app.identity.models import Identifier, Kind
from app.infra import workdays
from app.journey import Happened, Touchpoint
from app.recommend import Candidate
from app.recommend.day.way import MOMENTS_A_MONTH
from app.reps import RelationState, Rep, RepContact

CHUNK = 1000
SPREAD_DAYS = 10  # working days over which one run's suggestions may be spread
ANSWER_WINDOW = timedelta(hours=48)  # after a follower's message we may answer freely
TASK_HOURS = frozenset({"quiet_hours"})


@dataclass(frozen=True, slots=True)
class RepShare:
    """What one rep gets of a campaign: candidates by day, best first."""

    rep: Rep
    considered: Considered
    by_day: dict[date, list[Candidate[str]]]

    @property
    def size(self) -> int:
        """How many physicians."""
        return sum(len(chosen) for chosen in self.by_day.values())


@dataclass(frozen=True, slots=True)
class Follower:
    """One follower of the Official Account; `by_template`: the 48 hours are over."""

    row: Identifier
    verdict: Verdict
    by_template: bool


@dataclass(slots=True)
class Reach:
    """Everybody whom the campaign reaches, and how many it does not, by reason."""

    size: int
    shares: list[RepShare] = field(default_factory=list)
    followers: list[Follower] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)

    @property
    def planned(self) -> int:
        """How many physicians are reached."""
        return sum(share.size for share in self.shares) + len(self.followers)

    @property
    def people(self) -> list[str]:
        """Their ONE IDs."""
        found = [follower.row.one_id for follower in self.followers]
        for share in self.shares:
            found += [c.person for chosen in share.by_day.values() for c in chosen]
        return found


def reach(
    session: Session,
    expression: str,
    way: CampaignWay,
    version: ContentVersion,
    now: datetime,
    *,
    app_id: str,
    template_id: str = "",
    campaign_id: int | None = None,
) -> Reach:
    """Who is reached by this content in this way now. Raises Unparseable, Refused."""
    wanted = segments.members(session, expression, now)
    found = Reach(len(wanted))
    spared = held_back(session, wanted, now, campaign_id)
    if spared is None:
        found.left_out["suppression_unknown"] = len(wanted)
        return found
    found.left_out["suppressed"] = len(spared)
    wanted -= spared.keys()
    if way is CampaignWay.OA_MESSAGE:
        _by_account(session, found, wanted, version, app_id, template_id, now)
    else:
        _by_reps(session, found, wanted, way, version, now, campaign_id)
    return found


def _by_reps(
    session: Session,
    found: Reach,
    wanted: set[str],
    way: CampaignWay,
    version: ContentVersion,
    now: datetime,
    campaign_id: int | None,
) -> None:
    shared = _nearest_reps(session, wanted)
    found.left_out["no_rep"] += len(wanted) - sum(len(mine) for mine in shared.values())
    usable = eligible.as_usable(session, version)
    by_task = way is CampaignWay.GROUP_TASK
    for rep_id, mine in sorted(shared.items()):
        rep = reps.get_rep(session, rep_id)
        considered = consider(
            session, rep, now, only=[usable], wanted=mine,
            through=Through.GROUP_TASK if by_task else Through.REP, campaign_id=campaign_id,
        )  # fmt: skip
        if way is CampaignWay.MOMENT:
            _without_moments(session, considered, now)
        found.left_out.update(considered.left_out)
        ranked = sorted(considered.candidates, key=lambda c: (-c.fit.score, c.order))
        if by_task or way is CampaignWay.MOMENT:
            by_day = {good_day(now): ranked}
        else:
            by_day = _spread(session, rep, ranked, version, now)
            found.left_out["daily_limit"] += len(ranked) - sum(map(len, by_day.values()))
        found.shares.append(RepShare(rep, considered, by_day))
    found.left_out = +found.left_out


def _without_moments(session: Session, considered: Considered, now: datetime) -> None:
    """Leave out who has seen as many of our moments this month as anybody may."""
    ids = {one_id: contact.id for one_id, contact in considered.contacts.items()}
    seen = delivery.moments_this_month(session, list(ids.values()), now)
    full = {one_id for one_id, row in ids.items() if seen[row] >= MOMENTS_A_MONTH}
    kept = [c for c in considered.candidates if c.person not in full]
    considered.left_out["moments_used"] += len(considered.candidates) - len(kept)
    considered.candidates = kept


def _nearest_reps(session: Session, wanted: set[str]) -> dict[int, set[str]]:
    """Each physician's one rep: connected, active, not switched off where there is another, with
    the newest chat."""
    newest: dict[str, tuple[bool, datetime, int]] = {}
    everybody = sorted(wanted)
    chosen = consent.own(session, everybody)
    for start in range(0, len(everybody), CHUNK):
        rows = session.execute(
            select(Identifier.one_id, RepContact.rep_id, RepContact.last_chat_at, RepContact.since)
            .join(RepContact, RepContact.identifier_id == Identifier.id)
            .join(Rep, Rep.id == RepContact.rep_id)
            .where(
                Identifier.one_id.in_(everybody[start : start + CHUNK]),
                RepContact.state == RelationState.CONNECTED,
                Rep.active.is_(True),
            )
        )
        for row in rows:
            welcome = row.rep_id not in chosen.get(row.one_id, NOTHING_CHOSEN).reps
            chat = (welcome, row.last_chat_at or row.since, -row.rep_id)
            newest[row.one_id] = max(newest.get(row.one_id, chat), chat)
    shared: dict[int, set[str]] = defaultdict(set)
    for one_id, (*_, rep) in newest.items():
        shared[-rep].add(one_id)
    return shared


def _spread(
    session: Session,
    rep: Rep,
    ranked: list[Candidate[str]],
    version: ContentVersion,
    now: datetime,
) -> dict[date, list[Candidate[str]]]:
    """As many a day as the rep still takes, today and on the following working days on which the
    content may be sent."""
    ends = version.valid_until
    days = [
        day
        for day in workdays.workdays_from(good_day(now), SPREAD_DAYS)
        if ends is None or card_time(rep, day, 1, now) < ends
    ]
    taken = recommend.count_of_day(session, rep.id, days)
    by_day: dict[date, list[Candidate[str]]] = {}
    rest = iter(ranked)
    for day in days:
        chosen = list(islice(rest, max(0, rep.daily_limit - taken[day])))
        if chosen:
            by_day[day] = chosen
    return by_day


def _by_account(
    session: Session,
    found: Reach,
    wanted: set[str],
    version: ContentVersion,
    app_id: str,
    template_id: str,
    now: datetime,
) -> None:
    followers = _followers(session, wanted, app_id)
    found.left_out["not_following"] += len(wanted) - len(followers)
    known = standings(session, list(followers), Through.ACCOUNT, now)
    rules = consent.rules(session)
    free = _may_be_answered(session, [row.id for row in followers.values()], now)
    had = have_it_already(session, list(followers), version.content_id, now)
    library = eligible.library_of(session, [version])
    chosen = {one_id: known[one_id].own for one_id in followers}
    may_get = eligible.compiled(session, None, library, list(followers), now, chosen=chosen)
    for one_id, row in sorted(followers.items()):
        facts = account_facts(known[one_id], content_problem="", follows=True)
        verdict = consent.may_contact(facts, rules, now)
        if not verdict.allowed and not {r.code for r in verdict.reasons} <= TASK_HOURS:
            found.left_out[verdict.code] += 1
        elif against := may_get.reasons(one_id, version.content_id):
            found.left_out[against[0].code] += 1
        elif one_id in had:
            found.left_out["had_it_already"] += 1
        elif row.id not in free and not template_id:
            found.left_out["window_closed"] += 1
        else:
            found.followers.append(Follower(row, verdict, row.id not in free))
    found.left_out = +found.left_out


def _followers(session: Session, wanted: set[str], app_id: str) -> dict[str, Identifier]:
    found: dict[str, Identifier] = {}
    everybody = sorted(wanted)
    for start in range(0, len(everybody), CHUNK):
        rows = session.scalars(
            select(Identifier)
            .where(
                Identifier.one_id.in_(everybody[start : start + CHUNK]),
                Identifier.kind == Kind.OPENID,
                Identifier.namespace == app_id,
            )
            .order_by(Identifier.id)
        )
        found.update({row.one_id: row for row in rows if row.value})
    return found


def _may_be_answered(session: Session, ids: Iterable[int], now: datetime) -> set[int]:
    """Followers who wrote to the account within the platform's window."""
    wanted, found = list(ids), set()
    for start in range(0, len(wanted), CHUNK):
        rows = session.execute(
            select(Touchpoint.identifier_id, func.max(Touchpoint.at).label("at"))
            .where(
                Touchpoint.identifier_id.in_(wanted[start : start + CHUNK]),
                Touchpoint.kind == Happened.MESSAGE_RECEIVED,
                Touchpoint.at > now - ANSWER_WINDOW,
            )
            .group_by(Touchpoint.identifier_id)
        )
        found |= {row.identifier_id for row in rows}
    return found
