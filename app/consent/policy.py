"""May we contact this physician now? One pure function, asked at planning and again at sending.

It fails closed: a fact that is missing counts against sending. The verdict names every rule that
failed, so that people see the whole picture, and when the time-bound ones end.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from app.infra.clock import local, midnight

ASK_AGAIN = timedelta(minutes=10)
PACES: Mapping[int, str] = MappingProxyType(
    {7: "医生希望每周最多一次", 14: "医生希望每两周最多一次", 30: "医生希望每月最多一次"}
)
"""Days within which one contact is enough, over all reps and brands, as physicians choose them."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The company's limits; minutes are after midnight in China."""

    cap_contacts: int = 2
    cap_days: int = 7
    quiet_from_minute: int = 21 * 60
    quiet_until_minute: int = 8 * 60


class Through(StrEnum):
    """Who carries a message, which decides what must be known about it."""

    REP = "rep"  # a rep forwards it by hand, at a time the rep chooses
    GROUP_TASK = "group_task"  # the platform delivers it when the rep has confirmed
    ACCOUNT = "account"  # the Official Account sends it by itself


@dataclass(frozen=True, slots=True)
class ContactFacts:
    """What is known about one contact attempt; None means: nobody knows, and counts against.

    `contacted_at`: contacts over all reps and channels, made or promised. A message of the
    account has a rep only where one lets it send: `rep_active` and `connected` are None without.
    `wished_days`: the physician wants one contact in so many days at most, None: said nothing.
    """

    through: Through
    permitted: bool | None  # consent's fold for this channel
    opted_out: bool
    content_usable: bool
    content_problem: str = ""
    rep_active: bool | None = None
    connected: bool | None = None
    last_chatted: bool | None = None  # this rep is the one who last chatted with the physician
    group_tasks_this_month: int | None = None
    follows: bool | None = None
    contacted_at: Sequence[datetime] = ()
    spared_by: Sequence[str] | None = None  # lists and segments that nobody writes to
    wished_days: int | None = None
    unwanted: bool = False  # the physician does not want to hear from this rep


@dataclass(frozen=True, slots=True)
class Reason:
    """A rule that failed: a code for machines, a sentence for people, which reps read too; `names`
    are of lists and segments, and not for them."""

    code: str
    text: str
    until: datetime | None = None
    names: tuple[str, ...] = ()

    @property
    def whole(self) -> str:
        """The sentence with the names: for the console and for the record."""
        return f"{self.text}：{'、'.join(self.names)}" if self.names else self.text


LEFT = Reason("rep_left", "代表已离职或停用")
NOT_CONNECTED = Reason("not_connected", "代表与医生不是双向好友")
UNWANTED = Reason("unwanted", "医生不希望由这位代表联系")


@dataclass(frozen=True, slots=True)
class Verdict:
    """`allowed` when no rule failed."""

    reasons: tuple[Reason, ...] = field(default=())

    @property
    def allowed(self) -> bool:
        """True when the contact is permitted."""
        return not self.reasons

    @property
    def allowed_again_at(self) -> datetime | None:
        """When it becomes possible by itself; None when it is now, or needs a change first."""
        times = [reason.until for reason in self.reasons]
        if not times or any(moment is None for moment in times):
            return None
        return max(moment for moment in times if moment is not None)

    @property
    def code(self) -> str:
        """The gravest rule that failed; empty when allowed."""
        return self.reasons[0].code if self.reasons else ""

    @property
    def text(self) -> str:
        """All reasons in one line, as a rep may read them."""
        return "；".join(reason.text for reason in self.reasons) or "可以联系"

    @property
    def whole(self) -> str:
        """All reasons in one line with the names that only staff read."""
        return "；".join(reason.whole for reason in self.reasons) or "可以联系"

    def as_json(self, now: datetime) -> dict[str, Any]:
        """What is stored with a message as proof."""
        return {
            "allowed": self.allowed,
            "asked_at": now.isoformat(),
            "reasons": [
                {"code": r.code, "text": r.whole, "until": r.until and r.until.isoformat()}
                for r in self.reasons
            ],
        }


def may_contact(facts: ContactFacts, rules: Rules, now: datetime) -> Verdict:
    """The verdict for one contact attempt at `now`: every rule that fails, gravest first."""
    found: list[Reason | None] = [_permission(facts), _spared(facts, now)]
    if not facts.content_usable:
        found.append(Reason("content", facts.content_problem or "内容不可使用"))
    found += _account(facts) if facts.through is Through.ACCOUNT else _rep(facts, now)
    found += [UNWANTED if facts.unwanted else None, _wished(facts, now), _cap(facts, rules, now)]
    if facts.through is not Through.REP:
        ends = quiet_until(rules, now)
        if ends:
            found.append(Reason("quiet_hours", f"免打扰时段，{local(ends):%H:%M} 后可发", ends))
    return Verdict(tuple(reason for reason in found if reason is not None))


def quiet_until(rules: Rules, now: datetime) -> datetime | None:
    """The end of the quiet hours that `now` falls in (half-open), or None."""
    start, end = rules.quiet_from_minute, rules.quiet_until_minute
    if start == end:
        return None
    here = local(now)
    minute = here.hour * 60 + here.minute
    inside = start <= minute < end if start < end else minute >= start or minute < end
    if not inside:
        return None
    day = 1 if start > end and minute >= start else 0
    return midnight(now) + timedelta(days=day, minutes=end)


def _permission(facts: ContactFacts) -> Reason | None:
    if facts.opted_out:
        return Reason("opted_out", "医生已退订")
    if facts.permitted is not True:
        return Reason("no_consent", "没有这个渠道的联系同意")
    return None


def _spared(facts: ContactFacts, now: datetime) -> Reason | None:
    if facts.spared_by is None:  # somebody has to mend a list or segment: a message waits for that
        text = "无法确认医生是否在排除名单里，请检查“人群 → 名单与排除”"
        return Reason("suppression_unknown", text, now + ASK_AGAIN)
    if facts.spared_by:
        return Reason("suppressed", "医生在排除名单里", names=tuple(facts.spared_by))
    return None


def _account(facts: ContactFacts) -> list[Reason | None]:
    found: list[Reason | None] = []
    if not facts.follows:
        found.append(Reason("not_following", "医生没有关注公众号"))
    if facts.rep_active is False:
        found.append(LEFT)
    if facts.connected is False:
        found.append(NOT_CONNECTED)
    return found


def _rep(facts: ContactFacts, now: datetime) -> list[Reason | None]:
    found: list[Reason | None] = []
    if facts.rep_active is not True:
        found.append(LEFT)
    if facts.connected is not True:
        found.append(NOT_CONNECTED)
    if facts.through is Through.GROUP_TASK:
        if facts.last_chatted is not True:
            found.append(Reason("not_last_chat", "最近与医生沟通的不是这位代表，群发任务不会送达"))
        found.append(_platform_quota(facts.group_tasks_this_month, now))
    return found


def _platform_quota(used: int | None, now: datetime) -> Reason | None:
    """The platform takes as many mass messages per contact and month as the month has days."""
    here = local(now)
    days = monthrange(here.year, here.month)[1]
    if used is not None and used < days:
        return None
    first = here.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    following = (first + timedelta(days=days)).astimezone(now.tzinfo)
    return Reason("platform_quota", f"本月群发已达平台上限 {days} 次", following)


def _wished(facts: ContactFacts, now: datetime) -> Reason | None:
    """Not more often than the physician wishes, over all reps and brands."""
    if facts.wished_days is None:
        return None
    window = timedelta(days=facts.wished_days)
    last = max((at for at in facts.contacted_at if now - at < window), default=None)
    text = PACES.get(facts.wished_days, "医生希望少联系")
    return None if last is None else Reason("wished_pace", text, last + window)


def _cap(facts: ContactFacts, rules: Rules, now: datetime) -> Reason | None:
    window = timedelta(days=rules.cap_days)
    recent = sorted(moment for moment in facts.contacted_at if now - moment < window)
    if len(recent) < rules.cap_contacts:
        return None
    text = f"{rules.cap_days} 天内已联系 {len(recent)} 次，达到上限"
    if rules.cap_contacts <= 0:
        return Reason("cap", text)
    # Enough of the oldest contacts must leave the window to make room for one more.
    return Reason("cap", text, recent[len(recent) - rules.cap_contacts] + window)
