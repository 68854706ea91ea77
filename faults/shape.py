"""What one run is made of, and the names of its parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

WEBS, WORKERS, SCHEDULERS = ("web1", "web2"), ("worker1", "worker2"), ("scheduler1", "scheduler2")


@dataclass(frozen=True, slots=True)
class Shape:
    """What a cluster is made of. `proxied`: database and Redis are reached through a proxy."""

    database: str
    events: int
    seed: int
    schedulers: int = 2
    proxied: bool = False
    cron: str = "* * * * *"  # of the campaign, which makes up for every due time
    inside: tuple[str, ...] = ()  # kinds of processes that run through `faults.inside`
    small_disk_mb: int = 0  # SQLite's file and the spill live on a disk of this size
    power: bool = False  # database, spill and Redis live on a disk whose power can be cut
    environment: tuple[tuple[str, str], ...] = ()
    armed: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # by process

    def command(self, name: str, port: int) -> list[str]:
        """What `python -m …` runs as the web process, worker or scheduler of this name."""
        commands = {
            "web": ["web", "--host", "127.0.0.1", "--port", str(port)],
            "worker": ["workers.worker"],
            "scheduler": ["workers.scheduler"],
        }
        command = commands[name.rstrip("0123456789")]
        return ["faults.inside", *command] if name.startswith(self.inside or ("-",)) else command

    @property
    def product(self) -> tuple[str, ...]:
        """The names of all processes of the product."""
        return (*WEBS, *WORKERS, *(f"scheduler{n + 1}" for n in range(self.schedulers)))


@dataclass(frozen=True, slots=True)
class Kill:
    """One line of the kill log; `at` is seconds since the start."""

    at: float
    name: str
    how: str
