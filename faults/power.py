"""F12: the power fails under database, spill and Redis, again and again."""

from __future__ import annotations

from faults.cluster import Cluster
from faults.disk import Disk, Witness, why_not
from faults.outcome import Outcome, Wish
from faults.run import run_of
from faults.sender import Manner

STEADY_PER_S = 50.0
CUT_EVERY_S = (2.0, 5.0)  # after everybody is up again


def f12(wish: Wish) -> Outcome:
    """What was acknowledged survives the loss of everything that was not synced."""
    if problem := why_not():
        return Outcome(wish, skipped=f"{problem}: NOT TESTED HERE")
    with run_of(wish, Manner(wish.events, per_s=wish.per_s or STEADY_PER_S), power=True) as run:
        disk = run.cluster.disk
        assert disk is not None
        disk.settle()
        witness = Witness(disk)
        run.sender.start()
        cuts, due = 0, run.cluster.age + run.cluster.rng.uniform(*CUT_EVERY_S)
        for age in run.while_sending():
            if age >= due and not run.cluster.held:
                cuts += 1
                witness.before(cuts)
                cut_power(run.cluster, disk)
                if problem := witness.after(cuts):
                    run.problem(f"cut {cuts}: {problem}")
                due = run.cluster.age + run.cluster.boot_s + run.cluster.rng.uniform(*CUT_EVERY_S)
        run.wait(run.cluster.boot_s)  # whoever dies over what he finds dies now
        run.finish()
        run.outcome.figures["power cuts"] = cuts
        if not cuts:
            run.problem("the power never failed")
        return run.outcome


def cut_power(cluster: Cluster, disk: Disk) -> None:
    """The disk stops, everybody on it dies, and everything starts anew."""
    everybody = {name for name in cluster.servers if name != "platform"}
    disk.cut()
    for name in everybody:
        cluster.kill(name, "power")
    cluster.stores.hang_up()
    disk.unmount()
    disk.mount()
