"""The rows of many physicians at once: by the kernel where numba is, one by one otherwise. Both
give the same bytes."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from app.flows.basis import Basis
from app.flows.interests import interests_at
from app.recommend import fit_rows, kernel
from app.recommend.fit_rows import KEPT


def bodies(
    session: Session, one_ids: Sequence[str], here: Basis, *, fast: bool | None = None
) -> list[tuple[str, bytes]]:
    """(ONE ID, row) of each. `fast`: by the kernel; None: where numba is installed."""
    interests = interests_at(session, one_ids, here)
    if kernel.has_numba() if fast is None else fast:
        return by_kernel(one_ids, interests, here, KEPT)
    return [(one_id, _one(interests[one_id], here, KEPT)) for one_id in one_ids]


def _one(interests: Mapping[int, float], here: Basis, kept: int) -> bytes:
    return fit_rows.pack(fit_rows.kept_of(here.scorer.best(interests, kept)))


def by_kernel(
    one_ids: Sequence[str], interests: Mapping[str, Mapping[int, float]], here: Basis, kept: int
) -> list[tuple[str, bytes]]:
    """(ONE ID, row of the best `kept`) of each. Needs numba."""
    import numpy as np

    if not one_ids or not here.pieces:
        return [(one_id, b"") for one_id in one_ids]
    ready, whole, place = _ready(here, sorted({own for of in interests.values() for own in of}))
    mine = [interests[one_id] for one_id in one_ids]
    begin = np.cumsum([0, *(len(of) for of in mine)], dtype=np.int64)
    own = np.array([place[tag] for of in mine for tag in of], dtype=np.uint16)
    weight = np.array([value for of in mine for value in of.values()], dtype=np.float64)
    group = np.zeros(len(mine), dtype=np.int32)
    people = kernel.Physicians(begin, own, weight, group)
    found = kernel.fits_many(ready, whole, people, kept=kept)
    packed, number = _packed(found, here)
    return [
        (
            one_id,
            packed[at, : number[at]].tobytes() if found.sure[at] else _one(mine[at], here, kept),
        )
        for at, one_id in enumerate(one_ids)
    ]


def _packed(found: kernel.Fits, here: Basis) -> tuple[Any, Any]:
    """Physicians × contents as `fit_rows` packs them, and how many each has."""
    import numpy as np

    form = np.dtype([
        ("content", "<u4"), ("affinity", "<f8"), ("tag", "<i4", 3), ("part", "<f4", 3),
    ])  # fmt: skip
    ids = np.array([piece.content_id for piece in here.pieces], dtype=np.uint32)
    packed = np.zeros(found.content.shape, dtype=form)
    packed["content"] = ids[np.maximum(found.content, 0)]
    packed["affinity"], packed["tag"], packed["part"] = found.affinity, found.tag, found.part
    return packed, (found.content >= 0).sum(1)


def _ready(here: Basis, tags: Sequence[int]) -> tuple[kernel.Kernel, kernel.Whole, dict[int, int]]:
    """The library's table as the kernel takes it, for these own tags and those that were asked for
    before; kept while the basis is."""
    import numpy as np

    from app.recommend.table import table

    with _lock:
        known = _kept.get(here.digest)
        if known is None or not known[2].keys() >= set(tags):
            about = {tag for piece in here.pieces for tag in piece.tags}
            own = sorted({*tags, *about, *(known[2] if known else ())})
            made = table(here.shelf.scorer, own)
            everybody = np.ones((1, len(here.pieces)), dtype=bool)
            known = kernel.kernel(made, everybody), kernel.whole_of(made), dict(made.own)
            _kept.clear()  # some 50 MB at full size: one is enough
            _kept[here.digest] = known
        return known


_lock = threading.Lock()
_kept: dict[str, tuple[kernel.Kernel, kernel.Whole, dict[int, int]]] = {}
