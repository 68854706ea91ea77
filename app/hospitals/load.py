"""A checked list becomes institutions and names. The same list again changes nothing.

    preview(session, rows)           what would happen, nothing is written
    for part in parts(rows): take(session, part, …)      a transaction for each

First all institutions, then their further names: a name in brackets never takes the place of an
institution that is called so. What belongs to another institution of the city is told, not moved.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.hospitals import places, written
from app.hospitals.models import Institution, InstitutionAlias
from app.hospitals.names import Kind
from app.hospitals.normalise import key
from app.hospitals.rows import REJECTED, Remark, Row, Said, fill

SLICE = 500  # rows of a transaction, so that callbacks can be written between
AT_ONCE = 500


@dataclass(slots=True)
class Done:
    """Figures: new, changed, unchanged, aliases; and what there is to say."""

    figures: Counter[str] = field(default_factory=Counter)
    remarks: list[Remark] = field(default_factory=list)

    def add(self, other: Done) -> None:
        """Both together."""
        self.figures += other.figures
        self.remarks += other.remarks


@dataclass(frozen=True, slots=True)
class Part:
    """Some rows, and whether their institutions or their further names are meant."""

    rows: Sequence[Row]
    further: bool


def parts(rows: Sequence[Row]) -> Iterator[Part]:
    """Everything in the order in which it is to be taken."""
    ordered = sorted(rows, key=lambda row: (not row.place, row.line))
    for further in (False, True):
        for start in range(0, len(ordered), SLICE):
            yield Part(ordered[start : start + SLICE], further)


def distinct(rows: Sequence[Row]) -> tuple[list[Row], list[Remark]]:
    """Each institution of a file once: the first row stands, later ones add their names."""
    found: dict[tuple[str, str], Row] = {}
    remarks = []
    for row in rows:
        first = found.setdefault((key(row.name), row.place), row)
        if first is not row:
            remarks.append(Remark(row.line, Said.SAME, row.name, str(first.line)))
            found[key(row.name), row.place] = replace(
                first,
                aliases=tuple(dict.fromkeys((*first.aliases, *row.aliases))),
                held=tuple(dict.fromkeys((*first.held, *row.held))),
            )
    return list(found.values()), remarks


def preview(session: Session, rows: Sequence[Row], now: datetime) -> Done:
    """What the list would do; nothing is written."""
    done, book = Done(), _Book(session, rows)
    with session.no_autoflush:
        for part in parts(rows):
            done.add(_Maker(book, "preview", None, now).take(part))
    session.expunge_all()  # what was tried stays untold
    return done


def take(session: Session, part: Part, *, source: str, actor: str, now: datetime) -> Done:
    """Store one part. Written names are not looked at again: see `written.settle_after`."""
    written.changing(session)
    maker = _Maker(_Book(session, part.rows), source, actor, now)
    with session.no_autoflush:
        done = maker.take(part)
    session.add_all(owner for owner, _alias in maker.added)
    session.flush()
    for owner, alias in maker.added:
        alias.institution_id = owner.id
    session.add_all(alias for _owner, alias in maker.added)
    session.flush()
    return done


Named = tuple[Institution, InstitutionAlias]


class _Book:
    """The names with the keys of some rows, and their institutions, as they are and become."""

    def __init__(self, session: Session, rows: Sequence[Row]) -> None:
        self.names: dict[str, dict[str, Named]] = defaultdict(dict)
        wanted = sorted({one for row in rows for one in _keys(row)})
        for start in range(0, len(wanted), AT_ONCE):
            few = InstitutionAlias.key.in_(wanted[start : start + AT_ONCE])
            for owner, alias in session.execute(_NAMED.where(few)):
                self.names[alias.key][alias.place] = (owner, alias)

    def find(self, name: str, place: str) -> Named | Said | None:
        """The name in this city; without a city, the only one; SEVERAL when there are more."""
        here = self.names.get(key(name), {})
        if place in here or place:
            return here.get(place)
        owners = {id(owner) for owner, _alias in here.values()}
        return Said.SEVERAL if len(owners) > 1 else next(iter(here.values()), None)


class _Maker:
    """Takes rows, one after the other."""

    def __init__(self, book: _Book, source: str, actor: str | None, now: datetime) -> None:
        self.book, self.source, self.actor, self.now = book, source, actor, now
        self.added: list[Named] = []
        self.done = Done()

    def take(self, part: Part) -> Done:
        """All rows of a part."""
        for row in part.rows:
            if part.further:
                self._further(row)
            else:
                self._institution(row)
        return self.done

    def _institution(self, row: Row) -> None:
        known = self.book.find(row.name, row.place) or self._placeless(row)
        if isinstance(known, Said):
            return self._say(row, known, row.name)
        if known is None:
            return self._new(row)
        owner, alias = known
        if alias.kind != Kind.OFFICIAL:
            return self._say(row, Said.IS_ALIAS, row.name, owner.name)
        changed = fill(owner, row)
        if changed:
            owner.updated_at = self.now
        self.done.figures["changed" if changed else "unchanged"] += 1
        return None

    def _further(self, row: Row) -> None:
        official = self.book.find(row.name, row.place)
        if official is None or isinstance(official, Said):
            return
        owner, _alias = official
        for name, kind in row.aliases:
            here = self.book.find(name, row.place)
            if here is None:
                self._add_name(owner, name, row, kind)
                self.done.figures["aliases"] += 1
            elif isinstance(here, Said) or here[0] is not owner:
                other = "" if isinstance(here, Said) else here[0].name
                self._say(row, Said.TAKEN, name, other)
        for name in row.held:
            self._say(row, Said.HELD, name, row.name)
        parent = self.book.find(row.parent, row.place) if row.parent else None
        if isinstance(parent, tuple) and parent[0] is not owner and not parent[0].parent_id:
            owner.parent_id = parent[0].id

    def _placeless(self, row: Row) -> Named | None:
        """The institution of this name whose city was not known until now."""
        known = self.book.names.get(key(row.name), {})
        if not row.place or list(known) != [""] or known[""][1].kind != Kind.OFFICIAL:
            return None
        owner, alias = known.pop("")
        alias.place, alias.province = row.place, places.province(row.province)
        known[row.place] = (owner, alias)
        return owner, alias

    def _new(self, row: Row) -> None:
        made = Institution(
            name=row.name, level="", province="", province_code="", city="", city_code="",
            active=True, source=self.source, created_at=self.now, updated_at=self.now,
        )  # fmt: skip
        fill(made, row)
        self._add_name(made, row.name, row, Kind.OFFICIAL)
        self.done.figures["new"] += 1

    def _add_name(self, owner: Institution, name: str, row: Row, kind: str) -> None:
        alias = InstitutionAlias(
            name=name, key=key(name), place=row.place, province=places.province(row.province),
            kind=kind, source=self.source, confirmed_by=self.actor, at=self.now,
        )  # fmt: skip
        self.added.append((owner, alias))
        self.book.names[alias.key][alias.place] = (owner, alias)

    def _say(self, row: Row, code: Said, name: str, other: str = "") -> None:
        self.done.remarks.append(Remark(row.line, code, name, other))
        self.done.figures["rejected" if code in REJECTED else code] += 1


def _keys(row: Row) -> Iterator[str]:
    yield key(row.name)
    yield from (key(name) for name, _kind in row.aliases)
    if row.parent:
        yield key(row.parent)


_NAMED = select(Institution, InstitutionAlias).join(
    InstitutionAlias, InstitutionAlias.institution_id == Institution.id
)
