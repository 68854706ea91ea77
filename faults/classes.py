"""The fault classes, one function each: what is done to a running product, and what must hold."""

from __future__ import annotations

from collections.abc import Callable

from app.infra.crashpoint import POINTS
from faults.cluster import SCHEDULERS, WEBS, WORKERS
from faults.run import Outcome, Run, Wish, run_of
from faults.sender import Manner

NORMAL_TROUBLE = {"before": 0.02, "cut": 0.02, "hang": 0.01, "expire_every": 400}
KILL_EVERY_S = (0.6, 1.8)
TARGETS = {"web": 4, "worker": 4, "scheduler": 2, "redis": 2, "database": 2}


def f1(wish: Wish) -> Outcome:
    """Random kill -9 of everything, all the time."""
    with run_of(wish) as run:
        run.cluster.knobs(**NORMAL_TROUBLE)
        run.sender.start()
        due = run.cluster.age + 1.0
        for age in run.while_sending():
            if age >= due:
                _kill_somebody(run)
                due = age + run.cluster.rng.uniform(*KILL_EVERY_S)
        run.finish()
        return run.outcome


def _kill_somebody(run: Run) -> None:
    rng, servers = run.cluster.rng, run.cluster.servers
    kinds = [kind for kind in TARGETS if any(name.startswith(kind) for name in servers)]
    (kind,) = rng.choices(kinds, [TARGETS[kind] for kind in kinds])
    name = rng.choice([name for name in servers if name.startswith(kind)])
    how = rng.choice(("all", "child")) if kind == "web" else "all"
    run.cluster.kill(name, how)


def f2(wish: Wish) -> Outcome:
    """Every crash point once, several processes armed at a time."""
    with run_of(wish, Manner(wish.events, per_s=40)) as run:
        run.cluster.knobs(**NORMAL_TROUBLE)
        waiting = list(POINTS)
        armed: dict[str, str] = {}
        run.sender.start()
        while waiting or armed:
            for name in _free(run, armed):
                point = next((p for p in waiting if name in _places(p)), None)
                if point is not None:
                    waiting.remove(point)
                    armed[name] = point
                    _arm(run, name, point)
            run.step()
        run.finish()
        return run.outcome


def _free(run: Run, armed: dict[str, str]) -> list[str]:
    return [name for name in (*WEBS, *WORKERS, *SCHEDULERS) if name not in armed]


def _places(point: str) -> tuple[str, ...]:
    return WEBS


def _arm(run: Run, name: str, point: str) -> None:
    del run, name, point


CLASSES: dict[str, Callable[[Wish], Outcome]] = {"F1": f1}
