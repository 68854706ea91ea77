"""Every check, in an order that names causes before their effects."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from app.bootstrap import Parts
from app.doctor import bells, calendar, callbacks, configuration, database, life, platforms, storage
from app.doctor.finding import Finding, State, bad
from app.infra.errors import YishuError

Check = Callable[[Parts], Iterable[Finding]]

CHECKS: Sequence[tuple[str, Check]] = (
    ("settings", configuration.settings),
    ("keys", configuration.keys),
    ("accounts", configuration.accounts),
    ("database", database.reachable),
    ("durability", database.durable),
    ("migrations", database.migrated),
    ("database.clock", database.clock),
    ("redis", bells.redis_server),
    ("platforms", platforms.wecom),
    ("platforms", platforms.official_account),
    ("callbacks", callbacks.addresses),
    ("processes", life.processes),
    ("waiting", life.waiting),
    ("disk", storage.disk),
    ("spill", storage.spill),
    ("workdays", calendar.announced),
)


AGAIN = "先解决上面的问题，再运行一次"
NEED_DATABASE = frozenset(
    {"durability", "migrations", "database.clock", "platforms", "processes", "waiting"}
)


def examine(parts: Parts) -> Iterator[Finding]:
    """The findings of every check, each as soon as it is known.

    Without a database there is one finding that says so, and none for each check that needs it.
    """
    away = False
    for name, check in CHECKS:
        if away and name in NEED_DATABASE:
            continue
        for finding in _careful(name, check, parts):
            away = away or (finding.check == "database" and finding.state is State.BAD)
            yield finding


def _careful(name: str, check: Check, parts: Parts) -> Iterator[Finding]:
    """A broken part must not hide the others."""
    try:
        yield from check(parts)
    except YishuError as problem:
        yield bad(name, f"检查 {name} 没有完成：{problem}", AGAIN)
    except Exception as problem:
        yield bad(name, f"检查 {name} 没有完成（{type(problem).__name__}）", AGAIN)


def wrong(findings: Iterable[Finding]) -> bool:
    """True when somebody must act."""
    return any(finding.state is State.BAD for finding in findings)
