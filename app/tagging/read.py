"""What holds now, how strongly, and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, not_, or_, select
from sqlalchemy.orm import Session

from app.identity.models import Identifier
from app.tagging.held import Line
from app.tagging.models import Source, TagAssertion
from app.tagging.reliability import Trust, trust
from app.tagging.rules import Asserted, shares, strength, weight
from app.tagging.shape import Shape, shape

FAINT = 0.05  # a weaker tag is not shown and not used
CHUNK = 500


@dataclass(frozen=True, slots=True)
class Weight:
    """A tag's effective weight, and the assertion that carries most of it."""

    tag_id: int
    value: float
    source: str
    evidence: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Reason:
    """One assertion about a person, for people to read; the shares of a tag sum to its weight."""

    id: int
    tag_id: int
    source: str
    evidence: str
    actor: str
    at: datetime
    strength: float
    share: float
    trust: Trust
    raw: str = ""  # the foreign name that was read as this tag

    def text(self, now: datetime) -> str:
        """来自企微标签「房颤」 · 王敏 · 12 天前."""
        against = "（反对）" if self.strength < 0 else ""
        return f"来自{self.evidence} · {ago(self.at, now)}{against}"


@dataclass(frozen=True, slots=True)
class _Row:
    one_id: str
    id: int
    tag_id: int
    source: str
    confidence: float
    at: datetime
    evidence: str
    actor: str
    raw: str
    trust: Trust

    @property
    def asserted(self) -> Asserted:
        return Asserted(self.source, self.confidence, self.at, self.trust.value)


def weights(
    session: Session, one_ids: Iterable[str], now: datetime
) -> dict[str, dict[int, Weight]]:
    """Tags of many persons: {one_id: {tag_id: Weight}}; faint ones are left out."""
    wanted = list(dict.fromkeys(one_ids))
    known = shape(session)
    found: dict[str, dict[int, Weight]] = {one_id: {} for one_id in wanted}
    for start in range(0, len(wanted), CHUNK):
        mine = Identifier.one_id.in_(wanted[start : start + CHUNK])
        for (one_id, tag_id), rows in _grouped(session, mine).items():
            if tag_id in known.half_lives:
                held = _weigh(tag_id, rows, known.half_lives[tag_id], now)
                if held.value >= FAINT:
                    found[one_id][tag_id] = held
    for held_by_one in found.values():
        drop_excluded(held_by_one, known)
    return found


def reasons(
    session: Session, one_id: str, now: datetime, *, before_case: int | None = None
) -> dict[int, list[Reason]]:
    """Every active assertion about one person by tag, strongest first. `before_case`: as if this
    tag case had no verdict."""
    known = shape(session)
    found: dict[int, list[Reason]] = {}
    for (_, tag_id), rows in _grouped(session, Identifier.one_id == one_id, before_case).items():
        if tag_id not in known.half_lives:
            continue
        half_life = known.half_lives[tag_id]
        split = shares([row.asserted for row in rows], half_life, now)
        told = [
            Reason(row.id, tag_id, row.source, row.evidence, row.actor, row.at,
                   strength(row.asserted, half_life, now), share, row.trust, row.raw)
            for row, share in zip(rows, split, strict=True)
        ]  # fmt: skip
        found[tag_id] = sorted(told, key=lambda reason: (-abs(reason.strength), reason.id))
    return found


def lines_of(
    session: Session, one_ids: Sequence[str], *, before_case: int | None = None
) -> dict[str, dict[int, list[Line]]]:
    """The active assertions about these persons by tag, without their words; see `reasons`."""
    rows = session.execute(
        select(
            Identifier.one_id, TagAssertion.tag_id, TagAssertion.id, TagAssertion.source,
            TagAssertion.confidence, TagAssertion.at,
        )
        .join(Identifier, Identifier.id == TagAssertion.identifier_id)
        .where(Identifier.one_id.in_(one_ids), _hold(before_case))
    )  # fmt: skip
    found: dict[str, dict[int, list[Line]]] = {one_id: {} for one_id in one_ids}
    known = trust(session)
    for one_id, tag_id, number, source, confidence, at in rows:
        asserted = Asserted(source, confidence, at, known.of(source, tag_id).value)
        line = Line(number, asserted)
        found[one_id].setdefault(tag_id, []).append(line)
    return found


@dataclass(frozen=True, slots=True)
class Story:
    """A line in the history of one person's tags: an assertion began or ended."""

    at: datetime
    begins: bool
    tag_id: int
    source: str
    evidence: str
    actor: str
    denies: bool
    overruled_by: int | None


def history(session: Session, one_id: str, limit: int = 200) -> list[Story]:
    """What was asserted about one person and superseded, newest first."""
    rows = session.scalars(
        select(TagAssertion)
        .join(Identifier, Identifier.id == TagAssertion.identifier_id)
        .where(Identifier.one_id == one_id)
        .order_by(TagAssertion.id.desc())
        .limit(limit)
    )
    told: list[Story] = []
    for row in rows:
        said = (row.tag_id, row.source, row.evidence, row.actor, row.confidence < 0)
        told.append(Story(row.at, True, *said, None))
        if row.superseded_at is not None:
            told.append(Story(row.superseded_at, False, *said, row.overruled_by))
    return sorted(told, key=lambda story: story.at, reverse=True)[:limit]


def holders(session: Session, tag_id: int, now: datetime, at_least: float) -> set[str]:
    """ONE IDs for whom the tag holds with at least this weight, narrower tags included."""
    known = shape(session)
    family = known.family(tag_id)
    mine = TagAssertion.tag_id.in_(sorted(family.keys() | known.rivals(family)))
    held: dict[str, dict[int, Weight]] = defaultdict(dict)
    for (one_id, found_id), rows in _grouped(session, mine).items():
        if found_id in known.half_lives:
            held[one_id][found_id] = _weigh(found_id, rows, known.half_lives[found_id], now)
    found = set()
    for one_id, tags in held.items():
        drop_excluded(tags, known)
        if any(tags[t].value * family[t] >= at_least for t in tags if t in family):
            found.add(one_id)
    return found


def ago(moment: datetime, now: datetime) -> str:
    """今天, 昨天, or N 天前."""
    days = max(0, (now - moment).days)
    return {0: "今天", 1: "昨天"}.get(days, f"{days} 天前")


def _weigh(tag_id: int, rows: Sequence[_Row], half_life: int | None, now: datetime) -> Weight:
    top = max(rows, key=lambda row: (strength(row.asserted, half_life, now), row.id))
    value = weight((row.asserted for row in rows), half_life, now)
    return Weight(tag_id, value, top.source, top.evidence, top.at)


def drop_excluded(held: dict[int, Weight], shape: Shape) -> None:
    """Of tags that exclude each other the strongest holds; equal ones: the newest."""
    best: dict[str, Weight] = {}
    for tag_id in [t for t in held if t in shape.exclusive]:
        category, mine = shape.exclusive[tag_id], held[tag_id]
        other = best.get(category)
        if other is None or (mine.value, mine.at, tag_id) > (other.value, other.at, other.tag_id):
            best[category] = mine
    for tag_id in [t for t in held if t in shape.exclusive]:
        if best[shape.exclusive[tag_id]].tag_id != tag_id:
            del held[tag_id]


def _hold(before_case: int | None) -> ColumnElement[bool]:
    """Assertions that hold, or would if this case had no verdict."""
    hold = TagAssertion.superseded_at.is_(None)
    if before_case is None:
        return hold
    verdict = and_(
        TagAssertion.source == Source.VERDICT, TagAssertion.ref.startswith(f"case:{before_case}:")
    )
    return and_(or_(hold, TagAssertion.overruled_by == before_case), not_(verdict))


def _grouped(
    session: Session, whose: ColumnElement[bool], before_case: int | None = None
) -> dict[tuple[str, int], list[_Row]]:
    rows = session.execute(
        select(
            Identifier.one_id, TagAssertion.id, TagAssertion.tag_id, TagAssertion.source,
            TagAssertion.confidence, TagAssertion.at, TagAssertion.evidence, TagAssertion.actor,
            TagAssertion.raw,
        )
        .join(Identifier, Identifier.id == TagAssertion.identifier_id)
        .where(whose, _hold(before_case))
        .order_by(TagAssertion.id)
    )  # fmt: skip
    groups: dict[tuple[str, int], list[_Row]] = defaultdict(list)
    known = trust(session)
    for row in rows:
        groups[row.one_id, row.tag_id].append(_Row(*row, known.of(row.source, row.tag_id)))
    return groups
