"""How well and how fast hospital names are resolved, on lists of real hospitals.

    python -m benchmarks.hospitals [--json] [--postgres] [--lists ../shared/data/hospitals_cn]

The list of hospitals is imported twice: the second time must change nothing. Then known aliases
are looked up by exact name, similar names of different hospitals in one city are put to the veto,
and suggestions are timed. Exit code 1 when an alias means a wrong hospital or a pair of hospitals
that differ by number is not vetoed.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from statistics import median
from typing import Any

from rapidfuzz.distance import JaroWinkler

import app.models
from app import hospitals
from app.flows.identity import import_hospitals
from app.hospitals import Asked
from app.hospitals.normalise import key
from app.infra import crypto
from app.infra.db import Database, build_engine
from launcher import postgres

LISTS = Path(__file__).parents[2] / "shared/data/hospitals_cn"
NUMERALS = frozenset("一二三四五六七八九十0123456789")
SIMILAR = 0.92
Pair = tuple[str, str, str]


def main(arguments: list[str] | None = None) -> int:
    """Run, print a line each, and with --json one JSON object on the last line."""
    options = _options(arguments)
    if not (options.lists / "hospitals.csv").exists():
        print(f"There is no hospitals.csv in {options.lists}; name its folder with --lists.")
        return 2
    crypto.install(crypto.KeyRing.parse("bench:" + "ab" * 32))
    with tempfile.TemporaryDirectory(prefix="yishu-bench-") as name, ExitStack() as stack:
        url = f"sqlite:///{name}/yishu.db"
        if options.postgres:
            server = stack.enter_context(postgres.running())
            url = stack.enter_context(postgres.copy_of(server, "template0"))
        db = Database(build_engine(url))
        stack.callback(db.engine.dispose)
        app.models.metadata.create_all(db.engine)
        result = _imported(db, options.lists / "hospitals.csv")
        brackets = _pairs(options.lists / "aliases_from_brackets.csv", "name")
        result |= _looked_up(db, "bracket_aliases", brackets)
        sample = _pairs(options.lists / "cn_hospital_aliases_sample.csv", "official_name")
        names = ["name", *dict.fromkeys(f'"{name}"' for (name, _alias, _city), _good in sample)]
        _import(db, "sample.csv", "\n".join(names).encode())  # what brackets say, not the answers
        result |= _looked_up(db, "sample_approved", [p for p, good in sample if good])
        result |= _looked_up(db, "sample_refused", [p for p, good in sample if not good])
        result |= _suggested(db, [p for p, _good in brackets + sample])
    result |= _vetoed(options.lists / "hospitals.csv")
    for name, value in result.items():
        print(f"{name:32} {value}")
    if options.json:
        print(json.dumps(result))
    wrong = sum(value for name, value in result.items() if name.endswith("_wrong"))
    return 1 if wrong or result["sample_refused_right"] or result["numeral_pairs_missed"] > 1 else 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench hospitals", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--lists", type=Path, default=LISTS, help="folder of the lists")
    return parser.parse_args(arguments)


def _imported(db: Database, path: Path) -> dict[str, Any]:
    first, seconds = _import(db, path.name, path.read_bytes())
    again, seconds_again = _import(db, path.name, path.read_bytes())
    assert {again["new"], again["changed"], again["aliases"]} == {0}, again
    return {
        "rows": sum(1 for _ in _rows(path)), "institutions": first["new"],
        "further_names": first["aliases"], "rejected": first["rejected"],
        "held_for_a_person": first["held"], "import_s": seconds, "import_again_s": seconds_again,
    }  # fmt: skip


def _import(db: Database, name: str, data: bytes) -> tuple[Any, float]:
    begin, now = time.perf_counter(), datetime.now(UTC)
    sheet = import_hospitals.read(name, data)
    with db.transaction() as session:
        upload = import_hospitals.keep(session, name, sheet, actor="bench", now=now)
    done = import_hospitals.apply(db, upload.id, actor="bench", now=now)
    return done.figures, round(time.perf_counter() - begin, 2)


def _rows(path: Path) -> Iterator[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        yield from csv.DictReader(file)


def _pairs(path: Path, column: str) -> list[Any]:
    rows = [(row[column], row["alias"], row.get("city", "")) for row in _rows(path)]
    good = [row.get("approved", "1") == "1" for row in _rows(path)]
    return list(zip(rows, good, strict=True))


def _looked_up(db: Database, what: str, pairs: Sequence[Any]) -> dict[str, Any]:
    """Whether an alias means the institution of its official name."""
    plain = [pair[0] if isinstance(pair[0], tuple) else pair for pair in pairs]
    with db.reading() as session:
        aliases = hospitals.resolve_many(session, [Asked(alias, city) for _n, alias, city in plain])
        wanted = hospitals.resolve_many(session, [Asked(name, city) for name, _a, city in plain])
    told = [
        (one.institution_id, {full.institution_id, *full.candidates} - {None})
        for one, full in zip(aliases, wanted, strict=True)
    ]  # the lists have some hospitals twice, once with another city
    return {
        what: len(plain),
        f"{what}_right": sum(found in fitting for found, fitting in told),
        f"{what}_unresolved": sum(found is None for found, _fitting in told),
        f"{what}_wrong": sum(found is not None and found not in fitting for found, fitting in told),
    }


def _suggested(db: Database, pairs: Sequence[Pair]) -> dict[str, Any]:
    with db.reading() as session:
        begin = time.perf_counter()
        names = hospitals.pool(session)
        loading = time.perf_counter() - begin
        times = []
        for _name, alias, city in pairs:
            begin = time.perf_counter()
            hospitals.suggest(session, Asked(alias, city), names)
            times.append(time.perf_counter() - begin)
    return {"pool_ms": round(loading * 1e3, 1), "suggest_ms_median": round(median(times) * 1e3, 1)}


def _vetoed(path: Path) -> dict[str, Any]:
    by_city: dict[str, set[str]] = defaultdict(set)
    for row in _rows(path):
        by_city[row["city"]].add(row["name"])
    pairs = [
        (a, b)
        for city, names in by_city.items()
        if city
        for a, b in combinations(sorted(names), 2)
        if JaroWinkler.similarity(a, b) >= SIMILAR and key(a) != key(b)
    ]
    by_number = [(a, b) for a, b in pairs if _numerals(a) != _numerals(b)]
    return {
        "similar_pairs": len(pairs),
        "similar_pairs_vetoed": sum(hospitals.veto.differ(a, b) for a, b in pairs),
        "numeral_pairs": len(by_number),
        "numeral_pairs_missed": sum(not hospitals.veto.differ(a, b) for a, b in by_number),
    }


def _numerals(name: str) -> list[str]:
    return sorted(c for c in name if c in NUMERALS)


if __name__ == "__main__":
    sys.exit(main())
