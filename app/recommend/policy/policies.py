"""The life of a policy: written, judged by the log, tried with a few reps, live, replaced.

One is live, at most one is on trial. What only changes who is held out needs no gate, because it
changes no suggestion; it goes live at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.infra.db import insert_once
from app.infra.errors import NotFound, Refused
from app.recommend.policy.drawing import Knobs, unit
from app.recommend.policy.policy_models import Policy, PolicyState
from app.recommend.taught import heads

SYSTEM = "system"
CANARY_SHARE, CANARY_REPS = 0.05, 2  # of reps on trial, and at least so many
LEAST_FLOOR = 0.01  # without one, nothing can be learned about other policies later
MOST = {"alpha": 1.0, "floor": 0.2, "holdout": 0.2}
S = PolicyState
ALLOWED: Mapping[PolicyState, frozenset[PolicyState]] = {
    S.DRAFT: frozenset({S.ASKED, S.LIVE, S.RETIRED}),
    S.ASKED: frozenset({S.GATED, S.FAILED, S.RETIRED}),
    S.FAILED: frozenset({S.ASKED, S.RETIRED}),
    S.GATED: frozenset({S.ASKED, S.CANARY, S.RETIRED}),
    S.CANARY: frozenset({S.LIVE, S.ROLLED_BACK}),
    S.LIVE: frozenset({S.RETIRED, S.ROLLED_BACK}),
    S.RETIRED: frozenset({S.LIVE}),
    S.ROLLED_BACK: frozenset(),
}


@dataclass(frozen=True, slots=True)
class Settings:
    """What people choose; `holdout_from`: connected physicians below which nobody is held out."""

    name: str
    alpha: float = 0.0
    floor: float = 0.0
    top: int = 10
    holdout: float = 0.05
    holdout_from: int = 500
    worth: Mapping[str, float] = field(default_factory=lambda: dict(heads.WORTH))
    reason: str = ""


# On the first day nothing was learned that could be explored, and of a few hundred physicians
# twenty that are held out say nothing within a year: so the best by tags for everybody, and the
# holdout begins by itself when there are enough of them.
STARTER = Settings("起步策略")


def check(settings: Settings) -> None:
    """Raises Refused with what must change."""
    if not settings.name.strip():
        raise Refused("请给策略起一个名字。")
    for name, words in (("alpha", "探索强度"), ("floor", "探索底线"), ("holdout", "对照组比例")):
        value = getattr(settings, name)
        if not 0 <= value <= MOST[name]:
            raise Refused(f"{words}须在 0 到 {MOST[name]:g} 之间，现在是 {value:g}。")
    if not 2 <= settings.top <= 10:
        raise Refused(f"每位医生的备选内容须在 2 到 10 篇之间，现在是 {settings.top}。")
    if settings.alpha and settings.floor < LEAST_FLOOR:
        raise Refused(f"要探索就须有至少 {LEAST_FLOOR:.0%} 的探索底线，否则以后无法评估其他策略。")
    if not 0 <= settings.holdout_from <= 10_000_000:
        raise Refused("对照组的起始医生数须是 0 或更大的整数。")
    worth = [settings.worth.get(head, 0.0) for head in heads.WORTH]
    if set(settings.worth) - set(heads.WORTH) or min(worth) < 0 or sum(worth) <= 0:
        raise Refused("采用、打开、读完的分值须是 0 或更大，并且不能都是 0。")


def knobs(policy: Policy) -> Knobs:
    """What of it decides which content is drawn."""
    return Knobs(policy.alpha, policy.floor, policy.top)


def live(session: Session) -> Policy | None:
    """The one that is live; None before the first plan of the product."""
    return _one(session, S.LIVE)


def on_trial(session: Session) -> Policy | None:
    """The canary."""
    return _one(session, S.CANARY)


def current(session: Session, now: datetime) -> Policy:
    """The one that is live, or the starter as it will be; for pages, which may not write."""
    return live(session) or _row(STARTER, 1, SYSTEM, now, S.LIVE)


def ensure(session: Session, now: datetime) -> Policy:
    """The one that is live; writes the starter when there is none."""
    found = live(session)
    if found is not None:
        return found
    row = _row(STARTER, 1, SYSTEM, now, S.LIVE)
    values = {
        name: getattr(row, name)
        for name in ("version", "name", "state", "alpha", "floor", "top", "holdout",
                     "holdout_from", "worth", "author", "reason", "share", "ended_by",
                     "created_at", "live_at")
    }  # fmt: skip
    insert_once(session, Policy, values, "version")  # another plan may be as fast
    return by_version(session, 1)


def of_rep(policies: tuple[Policy, Policy | None], rep_id: int) -> Policy:
    """Of (live, canary), the one that a rep's plans follow."""
    usual, trial = policies
    return trial if trial is not None and is_on_trial(trial, rep_id) else usual


def is_on_trial(policy: Policy, rep_id: int) -> bool:
    """Whether a rep belongs to the few whom this policy is, or was, tried with."""
    return _place(policy.version, rep_id) < policy.share


def by_version(session: Session, version: int) -> Policy:
    """Raises NotFound."""
    row = session.scalar(select(Policy).where(Policy.version == version))
    if row is None:
        raise NotFound("没有这个策略。")
    return row


def listing(session: Session, limit: int = 100) -> Sequence[Policy]:
    """All of them, newest first."""
    return session.scalars(select(Policy).order_by(Policy.version.desc()).limit(limit)).all()


def draft(session: Session, settings: Settings, *, by: str, now: datetime) -> Policy:
    """A new version; nothing follows it yet. Raises Refused."""
    check(settings)
    ensure(session, now)
    _lock(session)
    newest = session.scalar(select(func.max(Policy.version))) or 0
    row = _row(settings, newest + 1, by, now, S.DRAFT)
    session.add(row)
    session.flush()
    return row


def hold_out(
    session: Session, share: float, start: int, *, by: str, reason: str, now: datetime
) -> Policy:
    """The live policy with another holdout, live at once; also for reps who try another one."""
    _lock(session)  # first: what is live may be changing
    before = ensure(session, now)
    session.refresh(before)
    settings = Settings(before.name, before.alpha, before.floor, before.top, share, start,
                        dict(before.worth), reason)  # fmt: skip
    row = draft(session, settings, by=by, now=now)
    _make_live(session, row, by, now)
    _hold_out_alike(session, row)
    return row


def ask_gate(session: Session, version: int) -> Policy:
    """A worker judges it by the log. Raises Refused when it is past that."""
    row = _locked(session, version)
    _move(row, S.ASKED)
    row.gate = None
    session.flush()
    return row


def next_asked(session: Session) -> Policy | None:
    """The one that waits longest for the gate."""
    chosen = select(Policy).where(Policy.state == S.ASKED).order_by(Policy.version).limit(1)
    return session.scalar(chosen)


def note_gate(session: Session, version: int, verdict: Mapping[str, Any]) -> Policy | None:
    """What the gate says; None when somebody was faster or took the question back."""
    row = _locked(session, version)
    if row.state != S.ASKED:
        return None
    _move(row, S.GATED if verdict["passed"] else S.FAILED)
    row.gate = dict(verdict)
    session.flush()
    return row


def start_trial(session: Session, version: int, rep_ids: Sequence[int], now: datetime) -> Policy:
    """From the next plans on some of these reps follow it, with the live one's holdout: a trial
    is about suggestions alone. Raises Refused."""
    row = _locked(session, version)
    other = on_trial(session)
    if other is not None and other.id != row.id:
        raise Refused(f"第 {other.version} 版正在试行，请先结束它。")
    if len(rep_ids) <= CANARY_REPS:
        raise Refused(f"至少需要 {CANARY_REPS + 1} 位在岗代表才能试行。")
    _move(row, S.CANARY)
    row.share, row.canary_at = trial_share(version, rep_ids), now
    row.canary, row.judged_on = None, None
    _hold_out_alike(session, ensure(session, now))
    return row


def trial_share(version: int, rep_ids: Sequence[int]) -> float:
    """The share of hashes under which `CANARY_SHARE` of reps lie, and at least `CANARY_REPS`."""
    places = sorted(_place(version, rep_id) for rep_id in rep_ids)
    least = places[min(CANARY_REPS, len(places)) - 1] if places else 0.0
    return max(CANARY_SHARE, least + 1e-9)


def note_judgement(
    session: Session, version: int, begun: datetime, figures: Mapping[str, Any], day: date
) -> bool:
    """The nightly judgement of a trial; False when that which `begun` then is over meanwhile, or
    began anew."""
    row = _locked(session, version)
    if (row.state, row.canary_at) != (S.CANARY, begun):
        return False
    row.canary, row.judged_on = dict(figures), day
    session.flush()
    return True


def go_live(session: Session, version: int, *, by: str, now: datetime) -> Policy:
    """All reps follow it from the next plans on. Raises Refused."""
    row = _locked(session, version)
    if row.state != S.CANARY:
        raise Refused("只有试行中的策略才能全面启用。")
    _make_live(session, row, by, now)
    return row


def roll_back(
    session: Session, version: int, why: Mapping[str, Any], *, by: str, now: datetime
) -> tuple[Policy, Policy | None]:
    """Stop a trial, or go back from the live one to the one before. `why`: a code with figures.
    Returns what is stopped, and the trial that begins anew because of it."""
    row, anew = _locked(session, version), None
    if row.state == S.LIVE:
        before = session.scalar(
            select(Policy)
            .where(Policy.state == S.RETIRED, Policy.live_at.is_not(None))
            .order_by(Policy.ended_at.desc(), Policy.version.desc())
            .limit(1)
        )
        if before is None:
            raise Refused("这是第一个策略，没有更早的可以退回。")
        _move(row, S.ROLLED_BACK)
        _move(before, S.LIVE)
        before.ended_at, before.ended, before.ended_by = None, None, ""
        _hold_out_alike(session, before)
        if knobs(before) != knobs(row):
            anew = _begin_anew(session, now)
    else:
        _move(row, S.ROLLED_BACK)
    row.ended, row.ended_by, row.ended_at = dict(why), by, now
    session.flush()
    return row, anew


def discard(session: Session, version: int, *, by: str, now: datetime) -> Policy:
    """A draft that nobody wants any more."""
    row = _locked(session, version)
    if row.state in (S.LIVE, S.CANARY):
        raise Refused("生效或试行中的策略不能放弃，请先退回。")
    _move(row, S.RETIRED)
    row.ended, row.ended_by, row.ended_at = {"code": "discarded"}, by, now
    session.flush()
    return row


def _make_live(session: Session, row: Policy, by: str, now: datetime) -> None:
    before = live(session)
    _move(row, S.LIVE)
    row.live_at = now
    if before is not None and before.id != row.id:
        _move(before, S.RETIRED)
        before.ended, before.ended_by, before.ended_at = (
            {"code": "followed", "version": row.version}, by, now,
        )  # fmt: skip
    session.flush()


def _hold_out_alike(session: Session, usual: Policy) -> None:
    """A trial is about suggestions alone: it holds out as the one that is live now."""
    session.flush()
    trial = on_trial(session)
    if trial is not None:
        trial.holdout, trial.holdout_from = usual.holdout, usual.holdout_from
    session.flush()


def _begin_anew(session: Session, now: datetime) -> Policy | None:
    """A trial is compared with what is live: other reps get something else from now on."""
    trial = on_trial(session)
    if trial is not None:
        trial.canary_at, trial.canary, trial.judged_on = now, None, None
    return trial


def _row(settings: Settings, version: int, by: str, now: datetime, state: PolicyState) -> Policy:
    return Policy(
        version=version, name=settings.name.strip()[:80], state=state, alpha=settings.alpha,
        floor=settings.floor, top=settings.top, holdout=settings.holdout,
        holdout_from=settings.holdout_from, worth=dict(settings.worth), author=by,
        reason=settings.reason.strip()[:300], share=0.0, ended_by="", created_at=now,
        live_at=now if state is S.LIVE else None,
    )  # fmt: skip


def _one(session: Session, state: PolicyState) -> Policy | None:
    chosen = select(Policy).where(Policy.state == state).order_by(Policy.version.desc()).limit(1)
    return session.scalar(chosen)


def _move(row: Policy, to: PolicyState) -> None:
    if to not in ALLOWED[PolicyState(row.state)]:
        raise Refused("策略的状态刚刚变了，请刷新页面再试。")
    row.state = to


def _locked(session: Session, version: int) -> Policy:
    _lock(session)
    row = by_version(session, version)
    session.refresh(row)
    return row


def _lock(session: Session) -> None:
    """One at a time changes states. In one order."""
    session.flush()
    session.scalars(select(Policy.id).order_by(Policy.id).with_for_update()).all()


def _place(version: int, rep_id: int) -> float:
    return unit(f"trial:{version}:{rep_id}")
