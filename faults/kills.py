"""F1: `kill -9` of everything, at random, all the time."""

from __future__ import annotations

from collections.abc import Callable

from faults.outcome import Outcome, Wish
from faults.run import Run, run_of
from faults.sender import Manner

NORMAL_TROUBLE = {"before": 0.02, "cut": 0.02, "hang": 0.01, "expire_every": 400}
SHORT = 2000  # events; so few are spread over many kills
KILLED_PER_S = 40.0
KILL_EVERY_S = (0.6, 1.8)
REST_S = 0.4  # between two kills, however many shall be
TARGETS = {"web": 4, "worker": 4, "scheduler": 2, "redis": 2, "database": 2}


def f1(wish: Wish) -> Outcome:
    """Random kill -9 of everything, all the time."""
    per_s = wish.per_s or (KILLED_PER_S if wish.events <= SHORT else 0.0)
    with run_of(wish, Manner(wish.events, per_s=per_s)) as run:
        run.cluster.platform.knobs(**NORMAL_TROUBLE)
        run.sender.start()
        is_due = _spread(run) if wish.kills else _by_the_clock(run)
        for _ in run.while_sending():
            if is_due():
                _kill_somebody(run)
        run.finish()
        return run.outcome


def _by_the_clock(run: Run) -> Callable[[], bool]:
    due = run.cluster.age + 1.0

    def is_due() -> bool:
        nonlocal due
        if run.cluster.age < due:
            return False
        due = run.cluster.age + run.cluster.rng.uniform(*KILL_EVERY_S)
        return True

    return is_due


def _spread(run: Run) -> Callable[[], bool]:
    """So many kills as were asked for, evenly over the events."""
    step = run.wish.events / run.wish.kills
    due, last = step / 2, 0.0

    def is_due() -> bool:
        nonlocal due, last
        if len(run.sender.posted) < due or run.cluster.age - last < REST_S:
            return False
        due, last = due + step, run.cluster.age
        return True

    return is_due


def _kill_somebody(run: Run) -> None:
    """Somebody who is up: a process that is killed whenever it has just begun does nothing."""
    rng, servers = run.cluster.rng, run.cluster.servers
    up = [name for name, server in servers.items() if server.is_up and name != "platform"]
    kinds = sorted({kind for kind in TARGETS for name in up if name.startswith(kind)})
    if not kinds:
        return
    (kind,) = rng.choices(kinds, [TARGETS[kind] for kind in kinds])
    name = rng.choice([name for name in up if name.startswith(kind)])
    how = rng.choice(("all", "child")) if kind == "web" else "all"
    run.cluster.kill(name, how)
