"""Fault classes about the platform, the clock, poison and restarts: F5, F6, F7, F10, F11, F14."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from faults.outcome import Outcome, Wish
from faults.run import STOP_WITHIN_S, Run, run_of
from faults.sender import Manner
from faults.shape import SCHEDULERS, WEBS, WORKERS
from faults.workload import Event

STEADY_PER_S = 50.0
PHASES: tuple[tuple[str, dict[str, object]], ...] = (
    ("cut after effect", {"cut": 0.5}),
    ("5xx", {"before": 0.5}),
    ("slow", {"slow_s": 10.0}),
    ("45033", {"busy": 0.5, "busy_code": 45033, "reads": 0.1}),
    ("token expiry", {"expire_every": 15}),
    ("down", {"down": True}),
    ("45009", {"busy": 0.3, "busy_code": 45009, "reads": 0.1}),
)
HOURS, DAYS = 3600.0, 86_400.0
JUMPS = (2 * HOURS, -2 * HOURS, 3 * DAYS, -3 * DAYS, 0.0)
JUMP_S = 12.0
POISONS = ("raise", "exit", "hang", "grow")
STAND_STILL_S = 20.0
ROUNDS = 20
LAST_CALLS_S = 10.0  # that were asked while the platform was in a bad mood


def f5(wish: Wish) -> Outcome:
    """Everything four times, the whole stream out of order."""
    manner = Manner(wish.events, copies=4, reorder=wish.events, late_duplicates=0.0)
    with run_of(wish, manner) as run:
        run.sender.start()
        for _ in run.while_sending():
            pass
        run.finish()
        return run.outcome


def f6(wish: Wish) -> Outcome:
    """The platform in every bad mood, one after the other."""
    per_s = min(wish.per_s or 20.0, 20.0)
    with run_of(wish, Manner(wish.events, per_s=per_s)) as run:
        phase_s = wish.events / per_s / len(PHASES)
        run.sender.start()
        for _name, knobs in PHASES:
            run.cluster.platform.knobs(**knobs)
            run.wait(phase_s, lambda: not run.sender.sending)
        run.cluster.platform.knobs()
        for _ in run.while_sending():
            pass
        run.wait(LAST_CALLS_S)
        run.let_time_pass()
        run.finish(may_wait=True)
        return run.outcome


def f7(wish: Wish) -> Outcome:
    """The clocks of schedulers and workers jump by hours and days, together and apart."""
    per_s = min(wish.per_s or 20.0, 20.0)
    manner = Manner(wish.events, per_s=per_s)
    inside = ("worker", "scheduler")
    with run_of(wish, manner, inside=inside, cron="0 */2 * * *") as run:
        clocks = _clocks(run)
        run.sender.start()
        run.wait(2)
        for jump in JUMPS:
            for clock in clocks.values():
                clock.write_text(str(jump))
            run.wait(JUMP_S, lambda: not run.sender.sending)
            clocks["scheduler1"].write_text("0")  # apart: one of each is right again
            clocks["worker1"].write_text("0")
            run.wait(JUMP_S / 2, lambda: not run.sender.sending)
        for clock in clocks.values():
            clock.write_text("0")
        for _ in run.while_sending():
            pass
        run.finish()
        return run.outcome


def _clocks(run: Run) -> dict[str, Path]:
    """A clock for each worker and scheduler, with which it is started again."""
    clocks = {}
    for name in (*WORKERS, *SCHEDULERS):
        clocks[name] = run.cluster.folder / f"clock-{name}"
        clocks[name].write_text("0")
        run.cluster.restart(name, FAULTS_CLOCK=str(clocks[name]))
    return clocks


def f10(wish: Wish) -> Outcome:
    """Events whose handler raises, ends its process, hangs or eats memory; neighbours go on."""
    manner = Manner(wish.events, per_s=min(wish.per_s or 20.0, 20.0))
    switched_on = (("FAULTS_POISON", "1"),)
    with run_of(wish, manner, inside=("worker",), environment=switched_on) as run:
        poison = list(_poison(run))
        inner = run.cluster.platform.more_events

        def more(count: int) -> list[Event]:
            events = inner(count)
            return [*events, *(poison.pop() for _ in range(min(1, len(poison))))]

        run.sender.source(more)
        run.sender.start()
        for _ in run.while_sending():
            pass
        run.finish()
        return run.outcome


def _poison(run: Run) -> Iterator[Event]:
    count = max(len(POISONS), run.wish.events // 200)
    events = run.cluster.platform.more_events(count * 4)
    run.sender.made.update((event.number, event) for event in events)  # most are never sent
    kept = [event for event in events if event.platform == "wecom"][:count]
    for number, event in enumerate(kept):
        how = POISONS[number % len(POISONS)]
        if how == "hang" and number >= len(POISONS):
            how = "raise"  # each hanging handler takes a worker until it is killed
        body = event.body.replace("</xml>", f"<Poison>{how}</Poison></xml>")
        run.poison.add(event.number)
        yield replace(event, body=body)


def f11(wish: Wish) -> Outcome:
    """Three schedulers, each in turn stands still for a while and then goes on."""
    per_s = min(wish.per_s or 10.0, 10.0)
    with run_of(wish, Manner(wish.events, per_s=per_s), schedulers=3) as run:
        run.sender.start()
        for name in ("scheduler1", "scheduler2", "scheduler3"):
            run.cluster.servers[name].pause()
            run.wait(STAND_STILL_S)
            run.cluster.servers[name].resume()
        run.cluster.kill("scheduler2")
        for _ in run.while_sending():
            pass
        run.finish()
        return run.outcome


def f14(wish: Wish) -> Outcome:
    """Rolling restarts under a steady stream: nothing is refused, nothing is lost."""
    with run_of(wish, Manner(wish.events, per_s=wish.per_s or STEADY_PER_S)) as run:
        rounds = max(1, min(ROUNDS, wish.events // 200))
        run.sender.start()
        slowest = 0.0
        for _ in range(rounds):
            for name in (*WEBS, *WORKERS, *SCHEDULERS):
                slowest = max(slowest, run.cluster.restart(name))
                run.wait(30, lambda name=name: run.cluster.servers[name].is_up)  # type: ignore[misc]
        for _ in run.while_sending():
            pass
        run.finish()
        run.outcome.figures["restarts"] = rounds * 6
        run.outcome.figures["slowest stop s"] = round(slowest, 2)
        if slowest > STOP_WITHIN_S:
            run.problem(f"a process took {slowest:.1f} s to stop")
        run.expect_acks(within_s=4.0)
        return run.outcome
