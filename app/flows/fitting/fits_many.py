"""The rows of many physicians at once: by the kernel where numba is, one by one otherwise. Both
give the same bytes."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from app.flows.fitting.basis import Basis
from app.flows.fitting.interests import Many, interests_at, many_at
from app.recommend.fit import fit_rows, kernel
from app.recommend.fit.fit_rows import KEPT

MOST = 2**16  # own tags whose places are kept in two bytes


def bodies(
    session: Session, one_ids: Sequence[str], here: Basis, *, fast: bool | None = None
) -> list[tuple[str, bytes]]:
    """(ONE ID, row) of each. `fast`: by the kernel; None: where numba is installed."""
    if kernel.has_numba() if fast is None else fast:
        return by_kernel(one_ids, many_at(session, one_ids, here), here, KEPT)
    interests = interests_at(session, one_ids, here)
    return [(one_id, _one(interests[one_id], here, KEPT)) for one_id in one_ids]


def _one(interests: Mapping[int, float], here: Basis, kept: int) -> bytes:
    return fit_rows.pack(fit_rows.kept_of(here.scorer.best(interests, kept)))


def by_kernel(
    one_ids: Sequence[str], many: Many, here: Basis, kept: int
) -> list[tuple[str, bytes]]:
    """(ONE ID, row of the best `kept`) of each. Needs numba."""
    import numpy as np

    if not one_ids or not here.pieces:
        return [(one_id, b"") for one_id in one_ids]
    ready, whole, tags = _ready(here, np.unique(many.own))
    begin = np.searchsorted(many.place, np.arange(len(one_ids) + 1))
    own = np.searchsorted(tags, many.own).astype(np.uint16 if len(tags) <= MOST else np.uint32)
    group = np.zeros(len(one_ids), dtype=np.int32)
    people = kernel.Physicians(begin, own, many.value, group)
    found = kernel.fits_many(ready, whole, people, kept=kept)
    rows = _packed(found, here)
    for at in np.flatnonzero(found.sure == 0).tolist():
        mine = slice(begin[at], begin[at + 1])
        interests = dict(zip(many.own[mine].tolist(), many.value[mine].tolist(), strict=True))
        rows[at] = _one(interests, here, kept)
    return list(zip(one_ids, rows, strict=True))


def _packed(found: kernel.Fits, here: Basis) -> list[bytes]:
    """The row of each, as `fit_rows` packs it."""
    import numpy as np

    form = np.dtype([
        ("content", "<u4"), ("affinity", "<f8"), ("tag", "<i4", 3), ("part", "<f4", 3),
    ])  # fmt: skip
    ids = np.array([piece.content_id for piece in here.pieces], dtype=np.uint32)
    packed = np.zeros(found.content.shape, dtype=form)
    packed["content"] = ids[np.maximum(found.content, 0)]
    packed["affinity"], packed["tag"], packed["part"] = found.affinity, found.tag, found.part
    first = np.arange(len(packed)) * packed.strides[0]
    last = first + (found.content >= 0).sum(1) * form.itemsize
    whole = packed.tobytes()
    return [whole[a:b] for a, b in zip(first.tolist(), last.tolist(), strict=True)]


def _ready(here: Basis, wanted: Any) -> tuple[kernel.Kernel, kernel.Whole, Any]:
    """The library's table as the kernel takes it, for these own tags and those that were asked for
    before, and all of these in their order; kept while the basis is."""
    import numpy as np

    from app.recommend.fit.table import table

    with _lock:
        known = _kept.get(here.digest)
        if known is None or not np.isin(wanted, known[2]).all():
            about = {tag for piece in here.pieces for tag in piece.tags}
            own = np.array(
                sorted({*wanted.tolist(), *about, *(known[2].tolist() if known else ())})
            )
            made = table(here.shelf.scorer, own.tolist())
            everybody = np.ones((1, len(here.pieces)), dtype=bool)
            known = kernel.kernel(made, everybody), kernel.whole_of(made), own
            _kept.clear()  # some 50 MB at full size: one is enough
            _kept[here.digest] = known
        return known


_lock = threading.Lock()
_kept: dict[str, tuple[kernel.Kernel, kernel.Whole, Any]] = {}
