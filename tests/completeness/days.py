"""Two days of a small company: one on which all goes well, and one whose callbacks may be lost.

Only what a platform still shows can be found. So whoever goes on the second day came on the
first: what comes and goes between two pulls leaves no trace on the platform.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from app import links
from app.sandbox.world import Person
from tests.completeness.pulling import pull
from tests.scenarios.conftest import Line

PEOPLE = 12


def first_day(line: Line) -> None:
    """Six contacts and three followers; then the first look, an import."""
    for number in range(PEOPLE):
        key = f"p{number:02d}"
        # ids that do not depend on what happened before: two worlds must compare
        line.world.persons[key] = Person(
            key=key, name=f"医生{number:02d}", unionid=f"oU{number:02d}",
            external_userid=f"wm{number:02d}", openid=f"oA{number:02d}",
        )  # fmt: skip
    with line.parts.db.transaction() as session:
        links.create_code(
            session, kind="wecom", scene="hall-af", name="房颤展台", tag_keys=["af"],
            now=line.clock(),
        )  # fmt: skip
    for number in range(PEOPLE // 2):
        line.clock.tick(seconds=7)
        line.do("add_contact", userid=f"rep0{number % 2 + 1}", person=f"p{number:02d}")
        if number % 2 == 0:
            line.do("follow", person=f"p{number:02d}")
    pull(line)


def second_day(line: Line) -> None:
    """Contacts that come, change and go; followers; tags."""
    for verb, arguments in _steps():
        line.clock.tick(seconds=7)
        line.do(verb, **arguments)


def _steps() -> Iterator[tuple[str, dict[str, Any]]]:
    for number in range(PEOPLE):
        who, rep = f"p{number:02d}", f"rep0{number % 2 + 1}"
        other = f"rep0{2 - number % 2}"
        if number < 2:
            yield "delete_contact", {"userid": rep, "person": who, "by": "rep"}
        elif number < 4:
            yield "edit_contact", {"userid": rep, "person": who, "tag_ids": ["et1"],
                                   "remark": f"备注{number}", "phones": [f"1991234{number:04d}"]}  # fmt: skip
            yield "add_contact", {"userid": other, "person": who, "state": "hall-af"}
        elif number >= 6:
            yield "add_contact", {"userid": rep, "person": who,
                                  "state": "hall-af" if number % 3 else ""}  # fmt: skip
            if number % 4 == 0:
                yield "add_contact", {"userid": other, "person": who}
                yield "edit_contact", {"userid": other, "person": who, "tag_ids": ["et1"]}
            yield "follow", {"person": who}
        if number in (0, 4):
            yield "unfollow", {"person": who}
    yield "new_tag", {"group": "专科", "name": "新标签"}
    yield "rename_tag", {"tag_id": "et2", "name": "改了名"}
