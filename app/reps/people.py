"""Reps: employees with a WeCom userid."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from app.infra.db import insert_once
from app.infra.errors import NotFound, Refused
from app.reps.models import Rep

MOST_A_DAY = 20
EARLIEST, LATEST = 7 * 60, 20 * 60  # minutes after midnight: nobody is woken by a plan


def ensure_rep(
    session: Session, corp_id: str, userid: str, *, now: datetime, name: str = ""
) -> Rep:
    """The rep with this userid (case does not matter), created when new."""
    key = userid.lower()
    rep = find_rep(session, corp_id, key)
    if rep is None:
        values = {
            "corp_id": corp_id, "userid": key, "name": name or userid, "team": "", "active": True,
            "daily_at_minute": 9 * 60, "daily_limit": 5, "prefers_group_task": False,
            "created_at": now,
        }  # fmt: skip
        insert_once(session, Rep, values, "corp_id", "userid")  # two contacts may come at once
        rep = session.scalars(select(Rep).where(Rep.corp_id == corp_id, Rep.userid == key)).one()
    if name and rep.name != name:
        rep.name = name
    session.flush()
    return rep


def find_rep(session: Session, corp_id: str, userid: str) -> Rep | None:
    """The rep with this userid."""
    return session.scalar(_BY_USERID, {"corp": corp_id, "userid": userid.lower()})


def get_rep(session: Session, rep_id: int) -> Rep:
    """The rep. Raises NotFound."""
    rep = session.get(Rep, rep_id)
    if rep is None:
        raise NotFound("没有这位代表。")
    return rep


def active_reps(session: Session) -> Sequence[Rep]:
    """Reps who work here, by team and name."""
    chosen = select(Rep).where(Rep.active.is_(True)).order_by(Rep.team, Rep.userid)
    return session.scalars(chosen).all()


def reps_by_id(session: Session) -> dict[int, Rep]:
    """All reps, also those who left."""
    return {rep.id: rep for rep in session.scalars(select(Rep))}


def leave(session: Session, rep: Rep, at: datetime) -> bool:
    """The rep left the company: no suggestion and no message goes through this rep any more. False
    where newer news was heard."""
    return _stands(session, rep, False, at)


def come_back(session: Session, rep: Rep, at: datetime) -> bool:
    """The rep works here, again or still. False where newer news was heard."""
    return _stands(session, rep, True, at)


def step_aside(session: Session, rep: Rep) -> None:
    """The userid is another rep's from now on; whoever this one was is nobody any more."""
    rep.active, rep.userid = False, f"{rep.userid[:40]}~{rep.id}"
    session.flush()


def set_day(
    session: Session,
    rep: Rep,
    *,
    at_minute: int | None = None,
    limit: int | None = None,
    prefers_group_task: bool | None = None,
) -> None:
    """When the daily list comes, how long it is, and how adopted content is sent.

    Raises Refused for times and numbers that would disturb.
    """
    if at_minute is not None:
        if not EARLIEST <= at_minute <= LATEST:
            raise Refused("每日建议的时间请选在 07:00 到 20:00 之间。")
        rep.daily_at_minute = at_minute
    if limit is not None:
        if not 0 <= limit <= MOST_A_DAY:
            raise Refused(f"每日建议的数量请选 0 到 {MOST_A_DAY}。")
        rep.daily_limit = limit
    if prefers_group_task is not None:
        rep.prefers_group_task = prefers_group_task
    session.flush()


def _stands(session: Session, rep: Rep, active: bool, at: datetime) -> bool:
    if rep.told_at is not None and at < rep.told_at:
        return False
    rep.active, rep.told_at = active, at
    session.flush()
    return True


_BY_USERID = select(Rep).where(Rep.corp_id == bindparam("corp"), Rep.userid == bindparam("userid"))
