"""May we contact this physician now? One pure function, asked at planning and again at sending.

It fails closed: a fact that is missing counts against sending. The verdict names every rule that
failed, so that people see the whole picture, and when the time-bound ones end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from app.infra.clock import local

MINUTES_A_DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class Rules:
    """The company's limits; minutes are after midnight in China."""

    cap_contacts: int = 2
    cap_days: int = 7
    quiet_from_minute: int = 21 * 60
    quiet_until_minute: int = 8 * 60


@dataclass(frozen=True, slots=True)
class ContactFacts:
    """What is known about one contact attempt. `contacted_at`: recent ones over all reps."""

    permitted: bool | None  # consent's fold for this channel; None: never asked
    opted_out: bool
    content_usable: bool
    content_problem: str = ""
    rep_active: bool | None = None  # None: no rep is involved
    connected: bool | None = None  # None: the channel needs no rep relation
    follows: bool | None = None  # None: the channel is not the Official Account
    contacted_at: Sequence[datetime] = ()
    needs_quiet_hours: bool = True
    reserved: int = 0  # contacts already promised to this physician in the same plan


@dataclass(frozen=True, slots=True)
class Reason:
    """A rule that failed: a code for machines, a sentence for people."""

    code: str
    text: str
    until: datetime | None = None


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
    def text(self) -> str:
        """All reasons in one line."""
        return "；".join(reason.text for reason in self.reasons) or "可以联系"

    def as_json(self, now: datetime) -> dict[str, Any]:
        """What is stored with a message as proof."""
        return {
            "allowed": self.allowed,
            "asked_at": now.isoformat(),
            "reasons": [
                {**asdict(r), "until": r.until.isoformat() if r.until else None}
                for r in self.reasons
            ],
        }


def may_contact(facts: ContactFacts, rules: Rules, now: datetime) -> Verdict:
    """The verdict for one contact attempt at `now`."""
    found: list[Reason] = []
    if facts.opted_out:
        found.append(Reason("opted_out", "医生已退订"))
    elif facts.permitted is not True:
        found.append(Reason("no_consent", "没有这个渠道的联系同意"))
    if not facts.content_usable:
        found.append(Reason("content", facts.content_problem or "内容不可使用"))
    if facts.rep_active is False:
        found.append(Reason("rep_left", "代表已离职或停用"))
    if facts.connected is False:
        found.append(Reason("not_connected", "代表与医生不是双向好友"))
    if facts.follows is False:
        found.append(Reason("not_following", "医生没有关注公众号"))
    capped = _cap(facts, rules, now)
    if capped:
        found.append(capped)
    if facts.needs_quiet_hours:
        ends = quiet_until(rules, now)
        if ends:
            found.append(Reason("quiet_hours", f"免打扰时段，{local(ends):%H:%M} 后可发", ends))
    return Verdict(tuple(found))


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
    midnight = here.replace(hour=0, minute=0, second=0, microsecond=0)
    day = 1 if start > end and minute >= start else 0
    return (midnight + timedelta(days=day, minutes=end)).astimezone(now.tzinfo)


def _cap(facts: ContactFacts, rules: Rules, now: datetime) -> Reason | None:
    window = timedelta(days=rules.cap_days)
    recent = sorted(t for t in facts.contacted_at if now - t < window)
    free = rules.cap_contacts - len(recent) - facts.reserved
    if free > 0:
        return None
    text = f"{rules.cap_days} 天内已联系 {len(recent) + facts.reserved} 次，达到上限"
    if rules.cap_contacts <= 0 or not recent:
        return Reason("cap", text)
    # Enough of the oldest contacts must leave the window to make room for one more.
    leaving = min(len(recent), len(recent) + facts.reserved - rules.cap_contacts + 1)
    return Reason("cap", text, recent[leaving - 1] + window)
