"""`yishu identity rebuild`: every ONE ID again from the evidence, at one look or group by group."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any

import typer
from sqlalchemy.exc import OperationalError

from app import identity
from app.bootstrap import Parts, build
from app.cli.output import Json, show, teller
from app.linkage.splink_settings import OPTIONAL

PIECE = 20  # components of one transaction, so that the product goes on meanwhile
TRIES = 5  # of a piece that got into a worker's way
HOW = {"at_once": "全部一次算出，其中 {written:,} 组逐一核对", "one_by_one": "逐组计算"}


def rebuild(
    one_by_one: Annotated[
        bool,
        typer.Option(help="Write every group anew, also those that are stored as they should be."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Compute every ONE ID again from the evidence and the judgements; the product may run.

    Where scipy is installed (the extra `linkage`), all are computed at once in memory, and only
    groups that are stored otherwise are written anew. Else, or with --one-by-one, each is computed.
    """
    begun = time.perf_counter()
    parts = build(process="cli")
    tell = teller(begun, as_json)
    found, how = (None, "one_by_one") if one_by_one else _look(parts, tell)
    pieces = _all_pieces(parts) if found is None else _pieces_of(found.components)
    looked = changed = 0
    for piece in pieces:
        changed += _rebuild(parts, piece)
        looked += len(piece)
        if looked % (PIECE * 100) == 0:
            tell(f"{looked:,} groups of identifiers computed")
    with parts.db.reading() as session:
        left = identity.quality.quarantined(session)
    number = found.looked if found else looked
    took, memory = time.perf_counter() - begun, _peak_mb()
    data = {"components": number, "written": looked, "changed": changed, "left_alone": left,
            "how": how, "seconds": round(took, 1), "peak_mb": memory}  # fmt: skip
    show(data, _told(data), as_json)


def _told(data: dict[str, Any]) -> str:
    changed, left = data["changed"], data["left_alone"]
    how = HOW[data["how"]].format(written=data["written"])
    text = f"重新计算了 {data['components']:,} 组身份（{how}，{data['seconds']:.0f} 秒"
    text += f"，内存 {data['peak_mb']:,} MB），" if data["peak_mb"] else "），"
    text += f"{changed:,} 个身份换了 ONE ID。" if changed else "与现有结果完全一致。"
    if left:
        text += f"另有 {left:,} 个身份所在的组过大，没有计算，请在“治理 → 身份”查看。"
    return text


def _look(parts: Parts, tell: Callable[[str], None]) -> tuple[identity.Doubtful | None, str]:
    """What is to be computed again, when all can be looked at in memory; and how it is done."""
    if not identity.bulk.available():
        tell(f"scipy is not installed, so each group is computed; for millions: {OPTIONAL}")
        return None, "one_by_one"
    try:
        with parts.db.reading() as session:
            return identity.doubtful(session, tell), "at_once"
    except ValueError as problem:
        tell(f"each group is computed: {problem}")
        return None, "one_by_one"


def _all_pieces(parts: Parts) -> Iterator[Sequence[int]]:
    last = 0
    while piece := _components_after(parts, last):
        yield piece
        last = piece[-1]


def _pieces_of(components: Sequence[int]) -> Iterator[Sequence[int]]:
    return (components[i : i + PIECE] for i in range(0, len(components), PIECE))


def _peak_mb() -> int:
    """0 where the system does not tell (Windows)."""
    try:
        import resource
    except ImportError:
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // (1024**2 if sys.platform == "darwin" else 1024)


def _components_after(parts: Parts, last: int) -> Sequence[int]:
    with parts.db.reading() as session:
        return identity.components_after(session, last, PIECE)


def _rebuild(parts: Parts, piece: Sequence[int]) -> int:
    for left in reversed(range(TRIES)):
        try:
            with parts.db.transaction() as session:
                return identity.rebuild(session, now=parts.clock(), components=piece)
        except OperationalError:  # a deadlock, or the database was away for a moment
            if not left:
                raise
    raise AssertionError
