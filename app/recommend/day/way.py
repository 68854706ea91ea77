"""In which way a suggestion reaches its physician: of the ways that are allowed the best, and why.

What the physician wishes goes before what is opened more; what the rep prefers decides between
ways that are opened about as often. A way that consent, the policy or the platform forbids is never
chosen: it is kept with its reason and the moment when it becomes possible. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from app.consent.policy import Reason, Verdict
from app.infra.clock import local, midnight

MOMENTS_A_MONTH = 4  # of the company's, for one contact: ours, below what the platform may show
REPLIES, REPLY_WINDOW = 5, timedelta(hours=48)  # of the account, after a follower has written
NEARLY = 0.8  # ways that are opened so often as the best one are alike
WAITS = "quiet_hours"  # a message waits for their end, so they forbid no way


class By(StrEnum):
    """Ways of a suggestion; the values are those of `TrackedLink.channel`."""

    REP = "wecom"  # text and link for the rep, to be forwarded by hand
    TASK = "group_task"  # 企业群发: the rep confirms, the platform delivers
    ACCOUNT = "oa"  # a service message of the Official Account
    MOMENT = "moment"  # 客户朋友圈: the rep confirms, chosen contacts see it


NAMES: Mapping[By, str] = {
    By.REP: "一对一发送",
    By.TASK: "企业群发（需确认）",
    By.ACCOUNT: "公众号消息",
    By.MOMENT: "客户朋友圈（需确认）",
}


class Wished(StrEnum):
    """How a physician wants to be reached."""

    REP = "rep"
    ACCOUNT = "account"
    ANY = "any"


WISHES: Mapping[Wished, frozenset[By]] = {
    Wished.REP: frozenset({By.REP}),
    Wished.ACCOUNT: frozenset({By.ACCOUNT}),
    Wished.ANY: frozenset(By),
}
WISHED_FOR = {Wished.REP: "医生希望代表联系", Wished.ACCOUNT: "医生希望用公众号"}
WISH_FAILS = {
    Wished.REP: "医生希望代表联系，现在不行", Wished.ACCOUNT: "医生希望用公众号，现在不行",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Used:
    """How far the platform's budgets for one contact are used up.

    `replies_left`: service messages that the account may still answer with, None when the 48 hours
    are over; `moments`: of the company's, this month; the month's group tasks are the policy's.
    """

    task_today: bool = False
    replies_left: int | None = None
    moments: int = 0


@dataclass(frozen=True, slots=True)
class Option:
    """One way: the share that is opened, what forbids it, how long its message would wait."""

    by: By
    rate: float
    barrier: Reason | None = None
    waits_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """`by` is None when no way is allowed; `open`: the allowed ones, best first; `wanted`: those of
    them that the physician's wish leaves."""

    by: By | None
    why: str
    open: tuple[Option, ...] = ()
    shut: tuple[Option, ...] = ()
    wanted: frozenset[By] = frozenset()

    def allows(self, by: By | None) -> bool:
        """May it go this way?"""
        return any(option.by is by for option in self.open)

    def with_others(self, by: By) -> By | None:
        """The way when several are handled at once: `by` where that is allowed and wanted."""
        return by if by in self.wanted else self.by

    def barrier(self, by: By) -> Reason | None:
        """What forbids this way."""
        return next((option.barrier for option in self.shut if option.by is by), None)

    def stored(self) -> dict[str, Any]:
        """What is kept with a suggestion."""
        return {
            "by": self.by, "why": self.why,
            "open": {option.by.value: round(option.rate, 4) for option in self.open},
            "shut": [
                {"by": o.by.value, "code": o.barrier.code, "why": o.barrier.text,
                 "until": o.barrier.until and o.barrier.until.isoformat()}
                for o in self.shut if o.barrier is not None
            ],
        }  # fmt: skip

    @property
    def told(self) -> str:
        """`企业群发（需确认） · 打开率更高`: for a card, within its 30 characters."""
        return "暂无可用方式" if self.by is None else f"{NAMES[self.by]} · {self.why}"


def option(by: By, rate: float, verdict: Verdict, used: Used, now: datetime) -> Option:
    """A way as consent, policy and the platform's budgets leave it."""
    against = [reason for reason in verdict.reasons if reason.code != WAITS]
    waits = [reason.until for reason in verdict.reasons if reason.code == WAITS]
    barrier = _together(against) or _budget(by, used, now)
    return Option(by, rate, barrier, waits[0] if waits and barrier is None else None)


def choose(options: Iterable[Option], wished: Wished, preferred: By) -> Choice:
    """The way of one suggestion. The order in which options come means nothing.

    A moment is never chosen for one alone; `wanted` says whether it may be for several.
    """
    known = sorted(options, key=lambda o: (-o.rate, o.by))
    shut = tuple(o for o in known if o.barrier is not None)
    free = [o for o in known if o.barrier is None]
    alone = [o for o in free if o.by is not By.MOMENT]
    if not alone:
        why = shut[0].barrier.text if shut and shut[0].barrier else ""
        return Choice(None, why, tuple(free), shut, _by(free) & WISHES[wished])
    wanted = [o for o in alone if o.by in WISHES[wished]]
    among = wanted or alone
    alike = [o for o in among if o.rate >= NEARLY * among[0].rate]
    best = next((o for o in alike if o.by is preferred), among[0])
    ranked = sorted(free, key=lambda o: (o is not best, o not in among, -o.rate, o.by))
    why = _why(best, among, wished, bool(wanted), bool(shut), preferred)
    agreed = _by(free) & WISHES[wished] if wanted else _by(among)
    return Choice(best.by, why, tuple(ranked), shut, agreed)


def _by(options: Iterable[Option]) -> frozenset[By]:
    return frozenset(option.by for option in options)


def _why(
    best: Option, among: list[Option], wished: Wished, granted: bool, some_shut: bool, preferred: By
) -> str:
    if wished is not Wished.ANY:
        return WISHED_FOR[wished] if granted else WISH_FAILS[wished]
    if len(among) == 1:
        return "其他方式现在不行" if some_shut else "唯一的方式"
    if best is not among[0]:
        return "您的习惯"
    return (
        "您的习惯" if best.by is preferred and among[1].rate >= NEARLY * best.rate else "打开率更高"
    )


def _together(reasons: list[Reason]) -> Reason | None:
    """What several rules say, as one; it ends when the last of them ends."""
    if not reasons:
        return None
    times = [reason.until for reason in reasons]
    until = None if None in times else max(t for t in times if t is not None)
    return Reason(reasons[0].code, "；".join(reason.text for reason in reasons), until)


def _budget(by: By, used: Used, now: datetime) -> Reason | None:
    if by is By.TASK and used.task_today:
        return Reason("task_today", "今天已经群发过一次", midnight(now) + timedelta(days=1))
    if by is By.ACCOUNT and used.replies_left is None:
        return Reason("window_closed", "48 小时内没有给公众号留言")
    if by is By.ACCOUNT and used.replies_left is not None and used.replies_left <= 0:
        return Reason("replies_used", f"这次留言后的 {REPLIES} 条回复已用完")
    if by is By.MOMENT and used.moments >= MOMENTS_A_MONTH:
        following = (local(now).replace(day=1) + timedelta(days=32)).replace(day=1)
        until = midnight(following).astimezone(now.tzinfo)
        return Reason("moments_used", f"本月朋友圈已有 {used.moments} 条", until)
    return None
