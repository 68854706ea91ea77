"""治理 → 复核: two who may be one physician, side by side; a key decides, the next one follows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app import accounts, identity, linkage
from app.flows.allowed.permission import CONSENT_CHANNEL
from app.flows.identity import judgement
from app.flows.identity.judgement import Person
from app.flows.identity.link_decision import Verdict, decide, is_void, undo, waits_for_second
from app.infra.clock import midnight
from app.infra.errors import Refused, YishuError
from app.linkage import LinkCandidate, State
from app.web import auth
from app.web.console import bp
from app.web.console.identity.desk_answer import desk_answer
from app.web.console.identity.differences import Piece, differences
from app.web.console.identity.judgements import JUDGES
from app.web.context import parts
from app.web.numbers import asked_row, asked_rows
from app.web.policy import allow

MOST_BESIDES = 50
REASON = "复核台：比对资料"  # of whoever gives none
ROWS = (_l("职称"), _l("科室"), _l("医院"), _l("城市"))
COLUMNS = {
    "name": _l("姓名"),
    "hospital": _l("医院"),
    "department": _l("科室"),
    "title": _l("职称"),
    "phone": _l("手机号"),
    "city": _l("城市"),
}
LEVELS = {
    ("name", "exact"): _l("相同"),
    ("name", "pinyin"): _l("同音不同字"),
    ("name", "one_character"): _l("差一个字"),
    ("name", "surname"): _l("只有姓相同"),
    ("hospital", "same"): _l("同一家"),
    ("hospital", "contained"): _l("名称互相包含"),
    ("hospital", "same_city"): _l("同城，名称不同"),
    ("hospital", "apart"): _l("不可能是同一家"),
    ("title", "next"): _l("相差一级"),
    ("phone", "last_4"): _l("尾号相同"),
    ("phone", "first_7"): _l("号段相同"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One attribute of both, in pieces of which some differ."""

    label: str
    sides: tuple[list[Piece], list[Piece]]

    @property
    def differs(self) -> bool:
        """True when both say something, and not the same."""
        return any(piece.differs for side in self.sides for piece in side)


@dataclass(frozen=True, slots=True)
class Case:
    """A pair as the desk shows it."""

    candidate: LinkCandidate
    sides: tuple[Person, Person]
    rows: list[Row]
    void: bool = False
    """What was known has changed since somebody called them one person."""

    @property
    def first_by(self) -> str | None:
        """Who called them one person and waits for somebody to agree."""
        return self.candidate.decided_by if waits_for_second(self.candidate) else None

    @property
    def conflict(self) -> str | None:
        """Why a rule keeps them apart, when that is the question."""
        found = self.candidate.weights.get(linkage.CONFLICT)
        return found["level"] if found else None


@bp.get("/governance/desk")
@allow(*JUDGES)
def desk() -> str:
    """The next case, or `?case=`; with `?queue=unsure` those that somebody could not tell."""
    here, who = parts(), auth.actor()
    with here.db.reading() as session:
        case = _case(session, who.key, here.clock())
        return render_template(
            "console/identity/desk.html", case=case, pace=_pace(session, who.key), queue=_queue(),
            **_words(session),
        )  # fmt: skip


@bp.get("/governance/desk/case")
@allow(*JUDGES)
def desk_case() -> str:
    """Only the case, to be loaded ahead."""
    here, who = parts(), auth.actor()
    with here.db.reading() as session:
        case = _case(session, who.key, here.clock())
        return render_template(
            "console/identity/_case.html", case=case, queue=_queue(), **_words(session)
        )


@bp.post("/governance/desk/<int:candidate_id>")
@allow(*JUDGES)
def decide_case(candidate_id: int) -> Response:
    """Same, different or unsure."""
    here, who = parts(), auth.actor()
    text = request.form.get("verdict", "")
    try:
        with here.db.transaction() as session:
            if text not in set(Verdict):
                raise Refused("请选择“同一人”“不是同一人”或“看不出”。")
            verdict = Verdict(text)
            void = is_void(session, linkage.get(session, candidate_id))
            made = decide(
                session, candidate_id, verdict, actor=who.key, now=here.clock(),
                reason=request.form.get("reason", "").strip()[:500] or REASON,
                shown=request.form.getlist("shown")[:2],
            )  # fmt: skip
            waits = waits_for_second(made)
            accounts.audit(
                session, who.key, f"linkage.{verdict}", "candidate", candidate_id, now=here.clock()
            )
    except YishuError as problem:
        return _answer(candidate_id, str(problem), sound=False)
    told = _("已记下您的判断，还需另一位同事确认。") if waits else _("已记录，按 u 可以撤销。")
    if waits and void:
        told = _("之前的判断之后资料有变化，已作废。您的判断记为第一次，还需另一位同事确认。")
    return _answer(None, told)


@bp.post("/governance/desk/undo")
@allow(*JUDGES)
def undo_case() -> Response:
    """Take back what one decided last, and look at it again."""
    here, who = parts(), auth.actor()
    try:
        with here.db.transaction() as session:
            last = linkage.last_of(session, who.key)
            if last is None:
                return _answer(None, _("您还没有可以撤销的判断。"), sound=False)
            undo(session, last.id, actor=who.key, now=here.clock())
            accounts.audit(
                session, who.key, "linkage.undone", "candidate", last.id, now=here.clock()
            )
    except YishuError as problem:
        return _answer(None, str(problem), sound=False)
    return _answer(last.id, _("已撤销，请重新判断。"))


def _answer(case: int | None, text: str, *, sound: bool = True) -> Response:
    """For the script, what to say and the figures; else the desk again."""
    here, who = parts(), auth.actor()
    if request.accept_mimetypes.best == "application/json":
        with here.db.reading() as session:
            found = _pace(session, who.key)
        return desk_answer(case, text, found, sound=sound)
    flash(text, "success" if sound else "error")
    return redirect(url_for("console.desk", case=case, queue=request.form.get("queue") or None))


def _pace(session: Session, actor: str) -> linkage.Pace:
    now = parts().clock()
    return linkage.pace(session, actor, now, midnight(now), _queue())


def _queue() -> State:
    return State.UNSURE if request.values.get("queue") == State.UNSURE else State.OPEN


def _case(session: Session, actor: str, now: datetime) -> Case | None:
    """What is asked for, or what comes next; what is no question any more is passed over."""
    besides = set(asked_rows("besides")[:MOST_BESIDES])
    wanted = asked_row("case")
    while True:
        row = (
            linkage.get(session, wanted)
            if wanted
            else linkage.next_for(session, actor, besides, _queue())
        )
        if row is None:
            return None
        case = _show(session, row, now)
        if case is not None:
            return case
        wanted = None
        besides.add(row.id)


def _show(session: Session, row: LinkCandidate, now: datetime) -> Case | None:
    """None when the two are one ONE ID by now, or nothing is known of one."""
    owners = identity.owners(session, (row.a_id, row.b_id))
    people = {one.one_id: one for one in judgement.persons(session, owners.values(), now)}
    sides = [people.get(owners.get(one, "")) for one in (row.a_id, row.b_id)]
    a, b = sides
    if a is None or b is None or a is b:
        return None
    values = [(str(_("姓名")), a.name, b.name)]
    values += [(str(label), x, y) for label, x, y in zip(ROWS, a.lines, b.lines, strict=True)]
    rows = [Row(label, differences(x, y)) for label, x, y in values]
    return Case(row, (a, b), rows, is_void(session, row))


def _words(session: Session) -> dict[str, object]:
    return {
        "users": accounts.names(session), "columns": COLUMNS, "channels": CONSENT_CHANNEL,
        "verdicts": Verdict,
    }  # fmt: skip


@bp.app_template_filter("level_name")
def level_name(level: str, column: str) -> str:
    """How well a column agrees, in words."""
    known = {"same": _("相同"), "exact": _("相同"), "else": _("不同")}
    return str(LEVELS.get((column, level)) or known.get(level) or _("有一方未知"))
