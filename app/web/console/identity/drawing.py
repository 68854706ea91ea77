"""Where the boxes and lines of an identity graph go. Pure: numbers are units of an SVG.

The anchor stands left; whoever is linked to it stands one column further, and so on. Whoever is
kept apart stands in a column of their own, right of all others.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from app.identity import Identifier
from app.identity.graph import Apart, Graph, Link

WIDE, HIGH, BETWEEN, BELOW, EDGE = 190, 50, 150, 20, 6
BULGE = 60  # of a line between two of one column
MOST = 24  # boxes; more are told in words


@dataclass(frozen=True, slots=True)
class Box:
    """An identifier at its place (upper left corner)."""

    row: Identifier
    x: int
    y: int
    role: str  # anchor, mine or apart
    width: int = WIDE
    height: int = HIGH


@dataclass(frozen=True, slots=True)
class Line:
    """A link as an SVG path, with the middle where its label goes."""

    path: str
    x: int
    y: int
    link: Link | None = None
    apart: Apart | None = None


@dataclass(frozen=True, slots=True)
class Drawing:
    """`left_out`: how many identifiers were too many to draw."""

    width: int
    height: int
    boxes: Sequence[Box]
    lines: Sequence[Line]
    left_out: int


def drawn(graph: Graph, anchor_id: int | None, *, strangers: bool) -> Drawing:
    """The drawing of a graph; `strangers`: also who is kept apart."""
    apart = list(graph.apart)[:MOST] if strangers else []
    columns = _columns(graph, anchor_id)
    left_out = len(graph.identifiers) - sum(map(len, columns))
    if apart:
        columns.append(list({one.other.id: one.other for one in apart}.values()))
    height = max(len(column) for column in columns) * (HIGH + BELOW) + 2 * EDGE
    outside = {one.other.id for one in apart}
    boxes = {
        box.row.id: box
        for number, column in enumerate(columns)
        for box in _column(column, number, height, anchor_id, outside)
    }
    lines = [_line(boxes[a.a_id], boxes[a.b_id], link=a) for a in graph.links
             if a.a_id in boxes and a.b_id in boxes]  # fmt: skip
    lines += [_line(boxes[one.mine_id], boxes[one.other.id], apart=one) for one in apart
              if one.mine_id in boxes]  # fmt: skip
    width = len(columns) * (WIDE + BETWEEN) - BETWEEN + BULGE + 2 * EDGE
    return Drawing(width, height, list(boxes.values()), lines, left_out)


def _columns(graph: Graph, anchor_id: int | None) -> list[list[Identifier]]:
    """By the number of links from the anchor; without any link in the last column."""
    near: Mapping[int, set[int]] = defaultdict(set)
    for link in graph.links:
        near[link.a_id].add(link.b_id)
        near[link.b_id].add(link.a_id)
    rows = {row.id: row for row in graph.identifiers}
    far = {anchor_id: 0} if anchor_id is not None and anchor_id in rows else {}
    queue = deque(far)
    while queue:
        here = queue.popleft()
        for there in sorted(near[here] - far.keys()):
            far[there] = far[here] + 1
            queue.append(there)
    alone = max(far.values(), default=-1) + 1
    columns: dict[int, list[Identifier]] = defaultdict(list)
    for row in sorted(rows.values(), key=lambda row: (far.get(row.id, alone), row.id))[:MOST]:
        columns[far.get(row.id, alone)].append(row)
    return [columns[number] for number in sorted(columns)] or [[]]


def _column(
    rows: Sequence[Identifier],
    number: int,
    height: int,
    anchor_id: int | None,
    outside: Iterable[int],
) -> list[Box]:
    top = (height - len(rows) * (HIGH + BELOW)) // 2
    x = EDGE + number * (WIDE + BETWEEN)
    roles: dict[int | None, str] = {anchor_id: "anchor"} | dict.fromkeys(outside, "apart")
    return [
        Box(row, x, top + place * (HIGH + BELOW), roles.get(row.id, "mine"))
        for place, row in enumerate(rows)
    ]


def _line(a: Box, b: Box, link: Link | None = None, apart: Apart | None = None) -> Line:
    a, b = sorted((a, b), key=lambda box: (box.x, box.y))
    start, end = (a.x + WIDE, a.y + HIGH // 2), (b.x, b.y + HIGH // 2)
    if a.x == b.x:
        end = (b.x + WIDE, b.y + HIGH // 2)
        bend = start[0] + BULGE
        path = f"M{start[0]} {start[1]} C{bend} {start[1]} {bend} {end[1]} {end[0]} {end[1]}"
        return Line(path, start[0] + BULGE * 3 // 4, (start[1] + end[1]) // 2, link, apart)
    middle, height = (start[0] + end[0]) // 2, (start[1] + end[1]) // 2
    path = f"M{start[0]} {start[1]} C{middle} {start[1]} {middle} {end[1]} {end[0]} {end[1]}"
    if apart:  # under the stranger, out of the way of what bulges into the gap
        middle, height = b.x + WIDE // 2, b.y + HIGH + BELOW // 2
    return Line(path, middle, height, link, apart)
