"""Room on this host, and callbacks that wait in files because the database was away."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from app.infra.settings import Settings

SPILL_DIR = "var/spill"  # beside the working directory, unless YISHU_SPILL_DIR says otherwise


@dataclass(frozen=True, slots=True)
class Room:
    """Bytes of the volume that holds a path."""

    free: int
    total: int


@dataclass(frozen=True, slots=True)
class Spilled:
    """What waits to be imported into the database."""

    files: int
    bytes: int


def spill_folder(settings: Settings) -> Path:
    """Where callbacks are kept while the database is away."""
    return Path(getattr(settings, "yishu_spill_dir", "") or SPILL_DIR)


def spilled_in(folder: Path) -> Spilled:
    """What lies there; empty files (and a folder that nobody needed yet) hold nothing."""
    sizes = []
    for path in folder.glob("*") if folder.is_dir() else ():
        try:
            sizes.append(path.stat().st_size if path.is_file() else 0)
        except FileNotFoundError:  # imported in this moment
            continue
    return Spilled(sum(size > 0 for size in sizes), sum(sizes))


def room_of(path: Path) -> Room:
    """Room where `path` lies or will lie."""
    place = path.absolute()
    while not place.exists():
        place = place.parent
    usage = shutil.disk_usage(place)
    return Room(usage.free, usage.total)
