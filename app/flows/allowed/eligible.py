"""Which contents may go to whom through a rep, and why the others may not: the terms of contents,
the rep's products, rules that marketing approved, topics that a physician has switched off, and
physicians who are not the rep's.

Everything is read once for many physicians and contents (`compiled`), and is asked when a day is
planned, when a list or the sidebar is shown, and when anything is sent. What is not known, and what
cannot be evaluated, counts against. Consent, caps and quiet hours are `permission.py`'s.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import consent, content, feedback, reps, segments, tagging
from app.consent import Own, Reason
from app.content import Content, ContentVersion, Usable
from app.feedback import Scope, StopRule
from app.flows.allowed.content_terms import compiled as compiled_terms
from app.identity import Identifier, Physician
from app.infra import log
from app.infra.clock import local
from app.infra.errors import NotFound, Refused
from app.recommend.day.eligibility import UNKNOWN, Compiled, Whom
from app.reps import Rep
from app.segments.asking import which
from app.segments.nodes import SegmentIs

CHUNK = 1000
WAITS = Reason("not_mine", "代表说不是自己的客户，等市场部确认")
UNWANTED_TOPIC = Reason("unwanted_topic", "医生不希望收到该主题")
NOT_MINE = Reason("not_mine", "市场部已确认不由这位代表负责")
Library = Mapping[int, Mapping[int, float]]  # content → its tags
Why = Mapping[int, tuple[Reason, ...]]  # content → every rule that keeps it away
NOTHING: Why = MappingProxyType({})
_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class Stop:
    """A rule of marketing, or a topic that is off, for this library: `people` None: everybody."""

    contents: frozenset[int]
    people: frozenset[str] | None
    reason: Reason


@dataclass(slots=True)
class Eligible:
    """Verdicts for one rep (or none) over these physicians and all contents."""

    compiled: Compiled
    whom: Mapping[str, Whom]
    stops: Sequence[Stop] = ()
    held: Mapping[str, bool] = field(default_factory=dict)  # not the rep's; True: undecided

    def barred(self, one_id: str) -> Why:
        """Contents that may not go to this physician, each with every reason."""
        found = self.compiled.barred(self.whom.get(one_id, Whom()))
        for stop in self.stops:
            if stop.people is None or one_id in stop.people:
                found = _with(found, stop.contents, stop.reason)
        if one_id in self.held:
            why = WAITS if self.held[one_id] else NOT_MINE
            found = _with(found, self.compiled.terms, why)
        return found

    def reasons(self, one_id: str, content_id: int) -> tuple[Reason, ...]:
        """Why this content may not go to this physician; empty: it may."""
        if content_id not in self.compiled.terms:
            return (UNKNOWN,)
        return self.barred(one_id).get(content_id, ())


def compiled(
    session: Session,
    rep: Rep | None,
    library: Library,
    one_ids: Collection[str],
    now: datetime,
    known: Mapping[str, Whom] | None = None,
    chosen: Mapping[str, Own] | None = None,
) -> Eligible:
    """For these physicians; without a rep what reaches physicians by itself. Rules look at this
    library, the terms of contents at all there are. `known`, `chosen`: what `whom` and
    `consent.own` say, when they have been asked."""
    people = sorted(set(one_ids))
    brands = None if rep is None else reps.brands_of(session, rep.id)
    chosen = consent.own(session, people) if chosen is None else chosen
    return Eligible(
        compiled_terms(session, brands),
        whom(session, people) if known is None else known,
        [*_stops(session, rep, library, people, now), *_topics_off(session, library, chosen, now)],
        {} if rep is None else feedback.claims.held(session, people, rep.id),
    )  # fmt: skip


def reasons_for(
    session: Session, rep: Rep | None, one_id: str, version: ContentVersion, now: datetime
) -> tuple[Reason, ...]:
    """Why one content may not go to one physician; whether it is approved is asked elsewhere."""
    library = library_of(session, [version])
    return compiled(session, rep, library, [one_id], now).reasons(one_id, version.content_id)


def as_usable(session: Session, version: ContentVersion) -> Usable:
    """A version with its brand and tags, whether it may be sent or not."""
    brand = session.scalar(select(Content.brand_id).where(Content.id == version.content_id))
    return Usable(version, brand, content.topics_of(session, [version.id])[version.id])


def library_of(session: Session, versions: Sequence[ContentVersion]) -> Library:
    """Of these versions, whether they may be sent or not."""
    topics = content.topics_of(session, [version.id for version in versions])
    return {version.content_id: topics[version.id] for version in versions}


def without_barred(
    session: Session, one_id: str, versions: Sequence[ContentVersion], now: datetime
) -> list[ContentVersion]:
    """Those that a physician who asks us directly may get."""
    library = library_of(session, versions)
    barred = compiled(session, None, library, [one_id], now).barred(one_id)
    return [version for version in versions if version.content_id not in barred]


def rule_reason(rule: StopRule) -> Reason:
    """What people read where a rule stops something."""
    day = local(rule.until)
    text = f"市场规则 {rule.id}：{day.month}月{day.day}日前不推荐"
    return Reason(f"rule:{rule.id}", text, rule.until)


def stopped_contents(
    session: Session, rule: StopRule | feedback.rules.What, library: Library
) -> frozenset[int]:
    """Contents of the library that a rule is about; its tags stand for narrower ones as well."""
    if rule.content_id is not None and not rule.tag_ids:
        return frozenset({rule.content_id})
    return _about(session, rule.tag_ids, library)


def people_of(
    session: Session, rule: StopRule | feedback.rules.What, people: Collection[str], now: datetime
) -> frozenset[str] | None:
    """Those of these physicians for whom a rule holds; None: everybody, also when its segment
    cannot be evaluated."""
    if rule.scope == Scope.PERSON:
        owner = session.scalar(select(Identifier.one_id).where(Identifier.id == rule.identifier_id))
        return frozenset({owner} if owner else ())
    if rule.scope != Scope.SEGMENT:
        return None
    try:
        assert rule.segment_id is not None
        segment = segments.saved.get(session, rule.segment_id)
        (members,) = which(session, [SegmentIs(segment.name)], people, now)
    except (Refused, NotFound, segments.Unparseable, segments.Behind) as problem:
        _log.warning("segment of a rule cannot be evaluated", why=str(problem))
        return None
    return frozenset(members)


def _stops(
    session: Session, rep: Rep | None, library: Library, people: Sequence[str], now: datetime
) -> list[Stop]:
    found = []
    for rule in feedback.rules.in_force(session, now):
        if rule.scope == Scope.REP and (rep is None or rule.rep_id != rep.id):
            continue
        contents = stopped_contents(session, rule, library)
        if contents:
            found.append(Stop(contents, people_of(session, rule, people, now), rule_reason(rule)))
    return found


def _topics_off(
    session: Session, library: Library, chosen: Mapping[str, Own], now: datetime
) -> list[Stop]:
    """What physicians have switched off on their own pages; safety notices reach them anyway."""
    off: dict[int, set[str]] = {}
    for one_id, own in chosen.items():
        for tag in own.topics:
            off.setdefault(tag, set()).add(one_id)
    if not off:
        return []
    notices = content.safety_notices(session, now)
    usual = {one: its for one, its in library.items() if one not in notices}
    return [
        Stop(_about(session, [tag], usual), frozenset(whose), UNWANTED_TOPIC)
        for tag, whose in sorted(off.items())
    ]


def _about(session: Session, tag_ids: Iterable[int], library: Library) -> frozenset[int]:
    """Contents of the library with one of these tags, or with a narrower one."""
    shape = tagging.shape(session)
    tags = {
        narrower
        for tag in tagging.standing(session, dict.fromkeys(tag_ids, 1.0))
        for narrower in shape.family(tag)
    }
    return frozenset(one for one, its in library.items() if not tags.isdisjoint(its))


def whom(session: Session, people: Sequence[str]) -> dict[str, Whom]:
    """What decides about these physicians."""
    found = {}
    for start in range(0, len(people), CHUNK):
        rows = session.execute(
            select(
                Physician.one_id, Physician.verified, Physician.province, Physician.specialty
            ).where(Physician.one_id.in_(people[start : start + CHUNK]))
        )
        for one_id, verified, province, specialty in rows:
            found[one_id] = Whom(verified, province, specialty)
    return found


def _with(found: Why, contents: Collection[int], reason: Reason) -> Why:
    return {**found, **{one: (*found.get(one, ()), reason) for one in contents}}
