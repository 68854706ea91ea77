"""How much of a limit is used up. Pure; the levels are kept by `gates.py`.

A flow lets at most `limit` through in any `window_s`, wherever that window begins: `burst` at
once, and the rest one by one. Its level is the moment at which it will be wholly free again, so
nothing has to be counted. A quota lets `limit` through in one day of China; its level is what has
been used, and each day has a level of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from app.infra.clock import local, midnight

GATHER_S = 0.1
ROUNDING_S = 1e-6  # seconds since 1970 in a float are good to a quarter of a microsecond


@dataclass(frozen=True, slots=True)
class Flow:
    """At most `limit` in any window, `burst` of them at once."""

    name: str
    limit: int
    window_s: float
    burst: int
    words: str

    @property
    def step_s(self) -> float:
        """One more fits after so long."""
        return self.window_s / (self.limit - self.burst)

    def subject(self, subject: str, _now: datetime) -> str:
        """The name of its level."""
        return subject

    def taken(self, level: float | None, now: datetime) -> float | None:
        """The level with one more, None when there is no room."""
        at = now.timestamp()
        after = self.settled(level, now) + self.step_s
        return after if after - at <= self.burst * self.step_s + ROUNDING_S else None

    def given_back(self, level: float) -> float:
        """The level with one less that was taken at this moment."""
        return level - self.step_s

    def settled(self, level: float | None, now: datetime) -> float:
        """The level as time has changed it.

        One that lies further ahead than a full burst was written before the clock was set back:
        it counts as just used up, which neither blocks for hours nor opens the gate.
        """
        at = now.timestamp()
        return min(max(level or at, at), at + self.burst * self.step_s)

    def ready_at(self, level: float, now: datetime) -> float:
        """When one more fits, seconds since 1970; where one fits every few milliseconds, when
        several do, since each look costs the same."""
        return max(level + self.step_s - self.burst * self.step_s, now.timestamp() + GATHER_S)

    @property
    def longest_wait_s(self) -> float:
        """Nobody waits longer for one more."""
        return self.step_s + 1


@dataclass(frozen=True, slots=True)
class Quota:
    """At most `limit` on one day of China."""

    name: str
    limit: int
    words: str

    def subject(self, subject: str, now: datetime) -> str:
        """The name of its level: one for each day."""
        return f"{subject}:{local(now):%Y-%m-%d}"

    def taken(self, level: float | None, now: datetime) -> float | None:
        """The level with one more, None when the day's quota is used up."""
        after = (level or 0.0) + 1
        return after if after <= self.limit else None

    def given_back(self, level: float) -> float:
        """The level with one less."""
        return level - 1

    def settled(self, level: float | None, _now: datetime) -> float:
        """The level as it is: a day has its own."""
        return level or 0.0

    def ready_at(self, level: float, now: datetime) -> float:
        """When one more fits, seconds since 1970."""
        return 0.0 if level + 1 <= self.limit else next_day(now).timestamp()

    @property
    def longest_wait_s(self) -> float:
        """Nobody waits longer for one more."""
        return 86_400.0


Bucket = Flow | Quota


def next_day(now: datetime) -> datetime:
    """The next midnight in China."""
    return midnight(now) + timedelta(days=1)


# To one member the platform delivers 30 a minute and 1,000 an hour, and drops the rest without a
# word. What we count leaves us some seconds before the platform counts it, and a clock may be set
# forward once: with a burst of 5 even then no minute of theirs sees more than 30.
MEMBER = (
    Flow("member_minute", 25, 60, 5, "每名代表每分钟最多 25 条"),
    Flow("member_hour", 900, 3600, 60, "每名代表每小时最多 900 条"),
)
API_MINUTE = Flow("api_minute", 8_000, 60, 500, "每个接口每分钟最多 8,000 次")
PERSON_TIMES, SHARE = 200, 0.9  # of each account, a day; the rest is left to other uses
DAILY = {"message/template/send": Quota("api_day", 90_000, "模板消息每天最多 90,000 条")}
# Ten moments a minute may be asked for; a burst of 2 leaves a minute with no more than that.
OF_API = {"externalcontact/add_moment_task": Flow("moment_min", 7, 60, 2, "朋友圈每分钟最多 7 条")}
NAMES = ("member_minute", "member_hour", "app_day", "api_minute", "api_day", "moment_min")


def app_day(accounts: int) -> Quota:
    """What one app may send to members in a day."""
    limit = int(max(accounts, 1) * PERSON_TIMES * SHARE)
    return Quota("app_day", limit, f"应用每天最多 {limit:,} 人次")
