"""The simulated platforms' world, quick at finding people and honest about what a call did."""

from __future__ import annotations

import threading
from typing import Any

from app.sandbox.world import Json, Person, Relation, World
from faults import company


class Watched(World):
    """A world that finds people at once, and tells a call what it noted on account of it."""

    _noted = threading.local()
    _index: dict[str, Person] | None = None
    _sides: dict[tuple[str, str], Relation]

    def begin_call(self) -> set[str]:
        """The kinds of notes that this thread makes from now on."""
        self._noted.kinds = kinds = set[str]()
        return kinds

    def note(self, kind: str, name: str, **detail: Any) -> Json:
        """See World."""
        if hasattr(self._noted, "kinds"):
            self._noted.kinds.add(kind)
        return super().note(kind, name, **detail)

    def person(self, *, external: str = "", openid: str = "", key: str = "") -> Person | None:
        """See World."""
        if self._index is None or key:
            return super().person(external=external, openid=openid, key=key)
        return self._index.get(external or openid)

    def relation(self, userid: str, external: str) -> Relation | None:
        """See World. Relations are only added."""
        for side in self.relations[len(self._sides) :]:
            self._sides[side.userid.lower(), side.external_userid] = side
        return self._sides.get((userid.lower(), external))

    def learn(self) -> None:
        """Everybody is here: remember who has which id."""
        self._sides = {}
        everybody = self.persons.values()
        self._index = {p.external_userid: p for p in everybody if p.external_userid}
        self._index |= {p.openid or company.follower_id(int(p.key[1:])): p
                        for p in everybody if p.key.startswith("f")}  # fmt: skip
