"""Similar conversations: several of today's suggestions with one content, adopted with one tap.

Each is judged by itself, in a transaction of its own, as if it had been tapped alone; the page says
how many went which way and why the others did not.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import Response, abort, flash, request
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app import content, delivery, identity
from app.identity import Identifier
from app.recommend import State, Suggestion
from app.recommend.day.way import By
from app.web.context import parts
from app.web.numbers import row_number
from app.web.rep import answers, bp, entry
from app.web.rep.lines import OPEN, Line, lines_of
from app.web.rep.way_words import by_name

MOST = 50  # of one tap: a list has no more


@dataclass(frozen=True, slots=True)
class Group:
    """Open suggestions of one content; `ways`: how many would go which way, `shut`: to how
    many nothing may be sent now."""

    version_id: int
    title: str
    lines: Sequence[Line]
    ways: Counter[By]
    shut: int
    moment: int  # how many may see a moment


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one of them: its way, or why it was not sent."""

    way: By | None
    name: str
    why: str = ""


def groups_of(lines: Sequence[Line]) -> list[Group]:
    """Those of which two or more can be handled together, the largest first."""
    alike: dict[int, list[Line]] = {}
    for line in lines:
        if line.open and line.choice is not None:
            alike.setdefault(line.row.content_version_id, []).append(line)
    found = [_group(version, some) for version, some in alike.items()]
    several = [group for group in found if group.ways.total() > 1]
    return sorted(several, key=lambda group: (-len(group.lines), group.version_id))


@bp.post("/together/<int:version_id>")
def together(version_id: int) -> Response:
    """Adopt the chosen suggestions of one content."""
    wanted = [row_number(text) for text in request.form.getlist("suggestion")[:MOST]]
    if not wanted:
        flash(_("没有勾选医生，什么都没有发出。"))
        return entry.back("")
    by = By.MOMENT if request.form.get("by") == By.MOMENT else By.TASK
    batch = f"together:{secrets.token_hex(8)}"
    done = [_adopt(one, version_id, by, batch) for one in sorted(set(wanted))]
    _begin(batch)
    for text in _told([one for one in done if one is not None]):
        flash(text)
    return entry.back("")


def _begin(batch: str) -> None:
    """Everybody who is to see the moment is on its list."""
    here = parts()
    with here.db.transaction() as session:
        rep = entry.known(session)
        moment = delivery.moments.find_moment(session, batch, rep.id) if rep is not None else None
        if moment is not None:
            delivery.moments.begin(moment, here.clock())


def _adopt(suggestion_id: int, version_id: int, by: By, batch: str) -> Done | None:
    """None for what has been answered meanwhile."""
    here = parts()
    with here.db.transaction() as session:
        rep, row = answers.own(session, suggestion_id)
        if row.content_id != content.get_version(session, version_id).content_id:
            abort(404)  # a newer version may have begun since the page was opened
        if State(row.state) not in OPEN:
            return None
        now: datetime = here.clock()
        (line,) = lines_of(session, rep, [row], now, (By.MOMENT,))
        way = line.choice.with_others(by) if line.choice is not None else None
        answers.give(session, rep, row, "adopt", now, way=way or "", batch=batch)
        return _done(session, row)


def _done(session: Session, row: Suggestion) -> Done:
    identifier = session.get_one(Identifier, row.identifier_id)
    name = identity.get_physician(session, identifier.one_id).name or str(_("您的医生"))
    if row.state == State.ADOPTED:
        return Done(By(row.way), name)
    return Done(None, name, str(row.verdict.get("refused", "")))


def _told(done: Sequence[Done]) -> list[str]:
    """How many went which way, then a line for each that was not sent."""
    ways = Counter(one.way for one in done if one.way is not None)
    sent = " · ".join(f"{by_name(by)} {number}" for by, number in sorted(ways.items()))
    said = [str(_("已处理 %(n)s 位：%(ways)s", n=ways.total(), ways=sent))] if ways else []
    if By.TASK in ways or By.MOMENT in ways:
        said.append(str(_("还差一步：请在企业微信里逐条确认发送，医生才会收到。")))
    said += [
        str(_("%(name)s 没有发出：%(why)s", name=one.name, why=one.why))
        for one in done
        if one.way is None
    ]
    return said or [str(_("这些建议刚刚已处理过。"))]


def _group(version_id: int, lines: Sequence[Line]) -> Group:
    ways = [line.with_others(By.TASK) for line in lines]
    return Group(
        version_id, lines[0].title, lines, Counter(by for by in ways if by is not None),
        sum(by is None for by in ways),
        sum(line.with_others(By.MOMENT) is By.MOMENT for line in lines),
    )  # fmt: skip
