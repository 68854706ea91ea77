"""Writing marks to WeCom: claim and commit, call, record and commit; one call for a side."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from sqlalchemy.orm import Session

from app import delivery, tagging
from app.connectors import errors
from app.connectors.wecom.client import WeCom
from app.delivery import Gate, Limits
from app.delivery.channels import Delivered
from app.flows import Outside
from app.infra import log
from app.infra.clock import Clock
from app.infra.db import Database
from app.infra.errors import Permanent, Transient, YishuError
from app.tagging import Todo, mark_calls

API = "externalcontact/mark_tag"
PIECE = 8  # sides that are called for side by side
OF_THE_RELATION = errors.NotAFriend | errors.PersonGone | errors.OutOfReach
OF_THE_APP = errors.BadCredential | errors.NotAllowed
REFUSED_S = 300.0
WORDS = {
    40068: "企业微信里没有这个标签", 40126: "企业标签的数量已到平台上限",
    40144: "这位客户的标签数量已到平台上限",
}  # fmt: skip
_log = log.get(__name__)


def write_due(
    db: Database,
    outside: Outside,
    clock: Clock,
    limits: Limits,
    *,
    limit: int = 200,
    stop: Callable[[], bool] = lambda: False,
) -> int:
    """Make the calls that are due; returns how many."""
    made = 0
    with ThreadPoolExecutor(PIECE, thread_name_prefix="mark") as pool:
        while made < limit and not stop():
            todos = _claim(db, clock, limits)
            if todos is None:
                break
            began = clock()
            for todo, called in pool.map(lambda todo: (todo, _call(outside, todo)), todos):
                _record(db, todo, *called, began, clock, limits)
            made += len(todos)
    return made


def _claim(db: Database, clock: Clock, limits: Limits) -> list[Todo] | None:
    """Some sides, as far as the platform takes calls now; None when there are none left."""
    with db.reading() as session:
        due = mark_calls.due_sides(session, clock(), PIECE)
    todos, closed = [], set()
    for contact_id, corp_id in due:
        if corp_id in closed:
            continue
        with db.transaction() as session:
            now = clock()
            if not Gate(session, corp_id, now, limits).enter_call(API):
                closed.add(corp_id)
                continue
            todo = mark_calls.claim_side(session, contact_id, now)
        if todo is not None:
            todos.append(todo)
    return todos if todos or (due and not closed) else None


def _call(outside: Outside, todo: Todo) -> tuple[Exception | None, bool]:
    """What went wrong, and whether it is done."""
    wecom = outside.wecom[todo.corp_id]
    try:
        wecom.mark_tag(
            todo.userid, todo.external_userid, list(todo.add.values()), list(todo.remove.values())
        )
    except errors.OutcomeUnknown as problem:
        return problem, _is_done(wecom, todo)
    except Exception as problem:  # whatever happened must be recorded
        return problem, False
    return None, True


def _is_done(wecom: WeCom, todo: Todo) -> bool:
    """Whether the contact shows what a call was to do that nobody answered. Else it is made again,
    and a rep who takes the mark away meanwhile is not heard."""
    try:
        sides = wecom.get_customer(todo.external_userid).followers
    except Exception:  # nobody answers this either
        return False
    shown = {tag.tag_id for side in sides if side.userid == todo.userid for tag in side.tags}
    return shown.issuperset(todo.add.values()) and shown.isdisjoint(todo.remove.values())


def _record(
    db: Database,
    todo: Todo,
    answer: Exception | None,
    done: bool,
    began: datetime,
    clock: Clock,
    limits: Limits,
) -> None:
    if answer is None or isinstance(answer, YishuError):
        with db.transaction() as session:  # by itself: a claim locks the account before the side
            delivery.note_call(
                session, todo.corp_id, API, answer or Delivered(), began=began, now=clock(),
                limits=limits,
            )  # fmt: skip
    with db.transaction() as session:
        _keep(session, todo, None if done else answer, clock())
    if answer is not None and not done:
        kind, code = type(answer).__name__, getattr(answer, "code", 0)
        _log.warning("mark not written", contact_id=todo.contact_id, error=kind, errcode=code)


def _keep(session: Session, todo: Todo, answer: Exception | None, now: datetime) -> None:
    if answer is None:
        mark_calls.record_done(session, todo, now)
    elif isinstance(answer, Transient | OF_THE_APP) or not isinstance(answer, Permanent):
        unsure = isinstance(answer, errors.OutcomeUnknown) or not isinstance(answer, YishuError)
        wait_s = REFUSED_S if isinstance(answer, OF_THE_APP) else None
        if isinstance(answer, errors.RateLimited):
            wait_s = answer.retry_after_s
        mark_calls.record_failed(session, todo, words_of(answer), now, wait_s=wait_s, unsure=unsure)
    elif isinstance(answer, OF_THE_RELATION):
        mark_calls.set_aside(session, todo, words_of(answer))
    else:
        mark_calls.record_refused(session, todo, words_of(answer), now)
        tagging.look_at_list(session)  # the tag may have been deleted


def words_of(answer: Exception) -> str:
    """For people: what the platform said."""
    code = getattr(answer, "code", 0)
    if code in WORDS:
        return f"{WORDS[code]}（{code}）"
    return str(answer) if isinstance(answer, YishuError) else type(answer).__name__
