"""An identity graph is drawn without boxes on top of each other, whatever its shape."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from app.identity import Identifier
from app.identity.graph import Apart, Graph, Link
from app.web.console.identity.drawing import HIGH, MOST, WIDE, Drawing, drawn
from tests.conftest import NOON


def node(number: int) -> Identifier:
    return Identifier(id=number, kind="openid", value=f"o{number}", status="active", one_id="YS1")


def graph(size: int, pairs: list[tuple[int, int]], strangers: int = 0) -> Graph:
    links = [Link(a, b, ("crm.import",), 1, NOON, NOON) for a, b in pairs]
    apart = [Apart(1, node(1000 + n), "cannot_link") for n in range(strangers)]
    return Graph([node(n) for n in range(1, size + 1)], links, apart)


def overlap(drawing: Drawing) -> bool:
    return any(
        abs(a.x - b.x) < WIDE and abs(a.y - b.y) < HIGH for a, b in combinations(drawing.boxes, 2)
    )


def test_the_anchor_stands_first_and_others_by_their_distance() -> None:
    drawing = drawn(graph(4, [(1, 2), (2, 3)], strangers=1), 1, strangers=True)
    at = {box.row.id: (box.x, box.role) for box in drawing.boxes}
    xs = [at[key][0] for key in (1, 2, 3, 4, 1000)]
    assert xs == sorted(set(xs))  # each further right than the one before
    assert [at[key][1] for key in (1, 2, 4, 1000)] == ["anchor", "mine", "mine", "apart"]
    assert [line.apart is not None for line in drawing.lines] == [False, False, True]
    hidden = drawn(graph(2, [(1, 2)], strangers=1), 1, strangers=False)
    assert {box.row.id for box in hidden.boxes} == {1, 2}


@given(
    size=st.integers(1, 60),
    pairs=st.lists(st.tuples(st.integers(1, 60), st.integers(1, 60)), max_size=80),
    strangers=st.integers(0, 4),
    anchor=st.one_of(st.none(), st.integers(1, 60)),
)
def test_every_shape_fits(
    size: int, pairs: list[tuple[int, int]], strangers: int, anchor: int | None
) -> None:
    known = sorted({(a, b) for a, b in pairs if a < b <= size})
    drawing = drawn(graph(size, known, strangers), anchor, strangers=True)
    assert not overlap(drawing)
    mine = [box for box in drawing.boxes if box.role != "apart"]
    assert len(mine) == min(size, MOST)
    assert drawing.left_out == size - len(mine)
    for box in drawing.boxes:
        assert 0 <= box.x <= drawing.width - WIDE
        assert 0 <= box.y <= drawing.height - HIGH
    shown = {box.row.id for box in drawing.boxes}
    assert sum(line.link is not None for line in drawing.lines) == sum(
        a in shown and b in shown for a, b in known
    )
