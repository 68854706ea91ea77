"""Who opened what and when, and what contents and physicians are about, as arrays."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from app.infra.errors import Refused

MOST_CONTENTS, MOST_TAGS = 8000, 600  # of those that are left, the most frequent


class Interaction(NamedTuple):
    """Somebody opened something; `time` in any unit that grows."""

    user: str
    item: str
    time: float


class Weighted(NamedTuple):
    """A content or a physician has a tag."""

    owner: str
    tag: str
    weight: float


@dataclass(frozen=True, slots=True)
class Dataset:
    """`user`, `item`, `time`: one for each opening, sorted by physician and time, no pair twice.

    `content_tags`: contents × tags; `physician_tags`: physicians × tags, or None.
    """

    users: tuple[str, ...]
    items: tuple[str, ...]
    tags: tuple[str, ...]
    user: Any
    item: Any
    time: Any
    content_tags: Any
    physician_tags: Any = None


def dataset(
    interactions: Iterable[Interaction],
    content_tags: Iterable[Weighted],
    physician_tags: Iterable[Weighted] | None = None,
) -> Dataset:
    """Arrays of three tables. Raises Refused when they do not speak of the same contents."""
    import numpy as np

    first: dict[tuple[str, str], float] = {}
    for user, item, time in interactions:
        first[user, item] = min(time, first.get((user, item), time))
    tagged, held = list(content_tags), list(physician_tags or ())
    kept = _most_frequent([item for _, item in first] + [one.owner for one in tagged])
    items = {item: n for n, item in enumerate(kept)}
    tags = {tag: n for n, tag in enumerate(_most_frequent([one.tag for one in tagged], MOST_TAGS))}
    users = {user: n for n, user in enumerate(sorted({user for user, _ in first}))}
    _same_contents(first, tagged)
    rows = np.array(
        [(users[u], items[i], t) for (u, i), t in first.items() if i in items], dtype=float
    ).reshape(-1, 3)
    rows = rows[np.lexsort((rows[:, 1], rows[:, 2], rows[:, 0]))]
    return Dataset(
        tuple(users), tuple(items), tuple(tags),
        rows[:, 0].astype(int), rows[:, 1].astype(int), rows[:, 2],
        _matrix(tagged, items, tags), _matrix(held, users, tags) if held else None,
    )  # fmt: skip


def _matrix(table: list[Weighted], owners: dict[str, int], tags: dict[str, int]) -> Any:
    import numpy as np

    found = np.zeros((len(owners), len(tags)))
    for owner, tag, weight in table:
        if owner in owners and tag in tags:
            found[owners[owner], tags[tag]] = max(weight, found[owners[owner], tags[tag]])
    return found


def _most_frequent(names: list[str], most: int = MOST_CONTENTS) -> list[str]:
    count: dict[str, int] = {}
    for name in names:
        count[name] = count.get(name, 0) + 1
    return sorted(sorted(count, key=lambda name: (-count[name], name))[:most])


def _same_contents(first: dict[tuple[str, str], float], tagged: list[Weighted]) -> None:
    if not first:
        raise Refused("互动文件里没有记录。第一行应为列名，之后每行一次打开：user,item,time。")
    if not tagged:
        raise Refused("内容标签文件里没有记录。第一行应为列名，之后每行一个标签：item,tag,weight。")
    opened, known = {item for _, item in first}, {one.owner for one in tagged}
    if not opened & known:
        raise Refused(
            f"两个文件没有相同的内容：互动里有“{min(opened)}”等，标签里有“{min(known)}”等。"
            f"请检查两个文件的内容编号列。"
        )
