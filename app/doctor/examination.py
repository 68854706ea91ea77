"""Every check, in an order that names causes before their effects."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from app.bootstrap import Parts
from app.doctor import bells, callbacks, configuration, database, life, platforms, storage
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
)


def examine(parts: Parts) -> Iterator[Finding]:
    """The findings of every check, each as soon as it is known."""
    for name, check in CHECKS:
        try:
            yield from check(parts)
        except YishuError as problem:
            yield bad(name, f"检查没有完成：{problem}", "先解决上面的问题，再运行一次")
        except Exception as problem:  # a broken part must not hide the others
            yield bad(
                name, f"检查没有完成（{type(problem).__name__}）", "先解决上面的问题，再运行一次"
            )


def wrong(findings: Iterable[Finding]) -> bool:
    """True when somebody must act."""
    return any(finding.state is State.BAD for finding in findings)
