"""The weights of very many physicians as arrays, to the last bit those of `weights`. Needs numpy.

What fades is worked out by Python's own power: numpy's is another one on some machines.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.identity.models import Identifier
from app.infra.columns import Columns
from app.infra.many import among
from app.tagging.models import Source, TagAssertion
from app.tagging.read import FAINT
from app.tagging.reliability import ANY_TAG, Reliabilities, trust
from app.tagging.rules import DAY_S
from app.tagging.shape import Shape, shape
from app.tagging.values import values

_1970 = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Weights:
    """Whose (a place in the list that was asked for), which tag, and how much; by place and tag."""

    place: Any
    tag: Any
    value: Any


def in_arrays(session: Session, one_ids: Sequence[str], now: datetime) -> Weights:
    """What these physicians, each named once, have; faint ones are left out."""
    import numpy as np

    known, trusted = shape(session), trust(session)
    tags = np.array(sorted(known.half_lives), dtype=np.int64)
    place, tag, source, confidence, at = _rows(session, one_ids)
    column = np.searchsorted(tags, tag)
    counts = np.append(tags, -1)[column] == tag  # of tags that are in use
    place, column, confidence, at = (one[counts] for one in (place, column, confidence, at))
    sources = sorted(set(source))
    number = {name: at for at, name in enumerate(sources)}
    code = np.array([number[name] for name in source], dtype=np.int64)[counts]
    strong = _reliability(trusted, sources, tags)[code, column]
    own = number.get(Source.PHYSICIAN, -1)
    fading = np.where(code == own, 1.0, _fading(known, tags, column, at, now))
    strong = strong * np.clip(confidence, -1.0, 1.0) * fading
    who, value = _noisy_or(place * len(tags) + column, code, strong)
    held = Weights(who // len(tags), tags[who % len(tags)], value)
    return _without_excluded(session, held, one_ids, known, now)


def _rows(session: Session, one_ids: Sequence[str]) -> tuple[Any, Any, list[str], Any, Any]:
    """What was said: about whom (a place in the list), which tag, by which source, how sure, when
    (microseconds since 1970)."""
    import numpy as np

    numbers, owners = _NUMBERS.all(session, {"ids": one_ids})
    places = {one_id: place for place, one_id in enumerate(one_ids)}
    order = np.argsort(numbers)
    numbers, place = (
        numbers[order],
        np.array([places[one] for one in owners], dtype=np.int64)[order],
    )
    who, *said = _SAID.all(session, {"ids": numbers.tolist()})
    return place[np.searchsorted(numbers, who)], *said


def _reliability(trusted: Reliabilities, sources: Sequence[str], tags: Any) -> Any:
    """Sources × tags."""
    import numpy as np

    usual = [trusted.of(source, ANY_TAG).value for source in sources]
    found = np.repeat(np.array(usual)[:, None], len(tags), axis=1)
    row, column = ({one: at for at, one in enumerate(of)} for of in (sources, tags.tolist()))
    for (source, tag), known in trusted.known.items():
        if source in row and tag in column:
            found[row[source], column[tag]] = known.value
    return found


def _fading(known: Shape, tags: Any, column: Any, at: Any, now: datetime) -> Any:
    """How much each is worth by its age, as `rules.decay`."""
    import numpy as np

    half_lives = [known.half_lives[tag] for tag in tags.tolist()]
    whole_s = np.array([np.inf if days is None else days * DAY_S for days in half_lives])
    age_s = np.maximum((now - _1970) // timedelta(microseconds=1) - at, 0) / 1e6
    return np.array([2.0**power for power in (-age_s / whole_s[column]).tolist()])


def _noisy_or(key: Any, code: Any, strong: Any) -> tuple[Any, Any]:
    """Each key once, with its weight as `rules.weight` works it out of what sources say."""
    import numpy as np

    order = np.argsort(key * (code.max(initial=0) + 1) + code, kind="stable")
    key, code, strong = key[order], code[order], strong[order]
    first = _starts(key, code)
    claims = np.maximum(np.maximum.reduceat(strong, first), 0.0)
    denials = np.minimum(np.minimum.reduceat(strong, first), 0.0)
    key = key[first]
    first = _starts(key)
    doubt, kept = (np.multiply.reduceat(one, first) for one in (1.0 - claims, 1.0 + denials))
    told, alone = np.add.reduceat(claims > 0, first), np.add.reduceat(claims, first)
    value = np.where(told == 1, alone, 1.0 - doubt) * kept  # of one source as it said it
    return key[first][value >= FAINT], value[value >= FAINT]


def _starts(*columns: Any) -> Any:
    """Where one of these is another than before."""
    import numpy as np

    changed = np.ones(len(columns[0]), dtype=bool)
    changed[1:] = np.any([one[1:] != one[:-1] for one in columns], axis=0)
    return np.flatnonzero(changed)


def _without_excluded(
    session: Session, held: Weights, one_ids: Sequence[str], known: Shape, now: datetime
) -> Weights:
    """As `read.drop_excluded`; where two are alike, and the newer one holds, it is asked itself."""
    import numpy as np

    categories = {name: at for at, name in enumerate(sorted(set(known.exclusive.values())), 1)}
    of = {tag: categories[name] for tag, name in known.exclusive.items()}
    tag, where = np.unique(held.tag, return_inverse=True)
    category = np.array([of.get(one, 0) for one in tag.tolist()], dtype=np.int64)[where]
    some = np.flatnonzero(category)
    _, pair = np.unique(np.stack((held.place, category))[:, some], axis=1, return_inverse=True)
    best = np.zeros(len(some))
    np.maximum.at(best, pair, held.value[some])
    lost = held.value[some] < best[pair]
    alike = np.flatnonzero(~lost & (np.bincount(pair, ~lost)[pair] > 1))
    asked = [one_ids[place] for place in np.unique(held.place[some[alike]]).tolist()]
    told = values(session, asked, now) if asked else {}
    for at in alike.tolist():
        lost[at] = held.tag[some[at]] not in told[one_ids[held.place[some[at]]]]
    stays = np.ones(len(held.tag), dtype=bool)
    stays[some[lost]] = False
    return Weights(held.place[stays], held.tag[stays], held.value[stays])


_NUMBERS = Columns(select(Identifier.id, Identifier.one_id).where(among(Identifier.one_id, "ids")))
_SAID = Columns(
    select(
        TagAssertion.identifier_id, TagAssertion.tag_id, TagAssertion.source,
        TagAssertion.confidence, TagAssertion.at,
    ).where(among(TagAssertion.identifier_id, "ids"), TagAssertion.superseded_at.is_(None))
)  # fmt: skip
