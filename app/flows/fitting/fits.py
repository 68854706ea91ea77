"""The best contents of physicians: read where a night has worked them out and nothing about them
has changed since, scored now otherwise. The result is the same (`tests/recommend/test_fits.py`).
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from app import tagging
from app.flows.fitting.basis import Basis, basis
from app.flows.fitting.fits_many import by_kernel
from app.flows.fitting.interests import in_order, interests_at, many_of
from app.flows.fitting.scoring import interests_of
from app.identity.marked import marked
from app.infra.direct import Direct
from app.infra.many import among
from app.recommend import Scored
from app.recommend.fit import fit_rows, kernel
from app.recommend.fit.fit_models import FitNight, PhysicianFit
from app.recommend.fit.fit_rows import LONG
from app.tagging import Weight

CHUNK = 1000


@dataclass(frozen=True, slots=True)
class Asked:
    """`seen`: how much of each tag was sent lately; `without`: contents that may not be it."""

    seen: Mapping[int, float] = field(default_factory=dict)
    without: Container[int] = ()


@dataclass(slots=True)
class Fits:
    """Of some physicians. `interests`: of those who had to be scored; `weights`: of those who were
    looked at."""

    session: Session
    basis: Basis
    rows: dict[str, bytes]
    weights: dict[str, Mapping[int, Weight]] = field(default_factory=dict)
    interests: dict[str, Mapping[int, float]] = field(default_factory=dict)

    def bound(self, one_id: str, without: Container[int] = ()) -> float:
        """No content but these has a better score for this physician, whatever was sent lately.
        Infinity: not known; minus infinity: nothing fits."""
        body = self.rows.get(one_id)
        return math.inf if body is None else fit_rows.bound(body, self.basis.shelf, without)

    def best(self, asked: Mapping[str, Asked], limit: int) -> dict[str, list[Scored]]:
        """The best fits of each, best first; of those that were read only the parts that say
        most are there, see `whole`."""
        found: dict[str, list[Scored]] = {}
        for one_id, one in asked.items():
            body = self.rows.get(one_id)
            if body is not None:
                fits = fit_rows.best(body, self.basis.shelf, limit, one.seen, one.without)
                if fits is not None:
                    found[one_id] = fits
        missing = {one_id: one for one_id, one in asked.items() if one_id not in found}
        late = [one_id for one_id in missing if one_id not in self.interests]
        if late:
            self.interests.update(interests_at(self.session, late, self.basis))
        found |= self._by_long_rows(missing, limit)
        for one_id, one in missing.items():
            if one_id not in found:
                found[one_id] = self.basis.scorer.best(
                    self.interests[one_id], limit, seen=one.seen, without=one.without
                )
        return found

    def _by_long_rows(self, asked: Mapping[str, Asked], limit: int) -> dict[str, list[Scored]]:
        """Of those for whom a row made now says enough."""
        if not asked or not kernel.is_warm():
            return {}
        many = many_of(self.interests[one_id] for one_id in asked)
        rows = by_kernel(list(asked), many, self.basis, LONG)
        found = {}
        for one_id, body in rows:
            one = asked[one_id]
            fits = fit_rows.best(body, self.basis.shelf, limit, one.seen, one.without, LONG)
            if fits is not None:
                found[one_id] = fits
        return found

    def whole(self, one_id: str, fit: Scored, asked: Asked) -> Scored:
        """The same fit with all its parts; `look_at` those first who are many."""
        self.look_at([one_id])
        mine = self.interests[one_id]
        return fit_rows.whole(self.basis.shelf, fit.piece, mine, asked.seen)

    def look_at(self, one_ids: Iterable[str]) -> None:
        """Read the tags of these at once, with where they come from."""
        wanted = [one_id for one_id in one_ids if one_id not in self.weights]
        if wanted:
            held = tagging.weights(self.session, wanted, self.basis.moment)
            mine = interests_of(self.session, held, self.basis.response, self.basis.moment)
            self.weights.update(held)
            self.interests.update({one_id: in_order(own) for one_id, own in mine.items()})


def fits_of(session: Session, one_ids: Sequence[str], now: datetime) -> Fits:
    """Of these physicians."""
    here = basis(session, now)
    return Fits(session, here, rows_of(session, one_ids, here))


def rows_of(session: Session, one_ids: Sequence[str], here: Basis) -> dict[str, bytes]:
    """Rows of the newest night that are still true. Marks are read first: whose mark is followed
    meanwhile has either a mark here or no row there."""
    night = current_night(session, here)
    if night is None:
        return {}
    late = marked(session, one_ids)
    wanted = [one_id for one_id in one_ids if one_id not in late]
    found: dict[str, bytes] = {}
    for start in range(0, len(wanted), CHUNK):
        some = {"ids": wanted[start : start + CHUNK], "night": night}
        found.update(_ROWS.all(session, some))
    return found


def current_night(session: Session, here: Basis) -> int | None:
    """The newest night, when it goes by what holds now, and changes are followed."""
    if not here.followed:
        return None
    newest = _NEWEST.first(session, {})
    return newest[0] if newest and newest[1] == night_name(here) else None


def night_name(here: Basis) -> str:
    """What a night keeps as its basis."""
    return f"{here.digest[:40]}{here.followed[-24:]}"


def _pair(one_id: str, body: bytes) -> tuple[str, bytes]:
    return one_id, body


def _night(night_id: int, name: str) -> tuple[int, str]:
    return night_id, name


_ROWS = Direct(
    select(PhysicianFit.one_id, PhysicianFit.body).where(
        among(PhysicianFit.one_id, "ids"), PhysicianFit.night_id == bindparam("night")
    ),
    _pair,
    large=True,
)
_NEWEST = Direct(select(FitNight.id, FitNight.basis).order_by(FitNight.id.desc()).limit(1), _night)
