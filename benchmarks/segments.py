"""How fast an audience is counted while somebody types, beside DuckDB, SQLite and PostgreSQL.

    python -m benchmarks.segments [--json] [--physicians 1000000] [--questions 200] [--peers all]

Questions have five terms: a tag and (one of two tags) and not another and opened at least K times
in the last thirty days. All engines answer the first ones, and must answer alike; each is asked
twice, and the better time counts, so nobody pays for a cold start. Ours is the whole question as
the page asks it: read the expression, look up names, find who waits to be followed, count, and how
many refused; over how many reps comes after it. `wide` asks for everything else: lists, results of
campaigns, consent, hospital levels, a saved segment and a window of reading with two bounds, and
numpy counts the same. Then real physicians are added: an event is made
and asked for, marks are followed, and everything is built anew. The ratio is the best database's
median / ours.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import app.models
from app import segments
from app.infra import crypto
from app.infra.db import Database, build_engine
from launcher.postgres import NoPostgres

try:
    from benchmarks._audience_peers import PEERS, Question
    from benchmarks._audience_real import real
    from benchmarks._audience_wide import questions as wide_questions
    from benchmarks._audience_wide import wide
    from benchmarks._audiences import TAGS, fill, world
except ImportError as problem:  # numpy comes with the peers
    sys.exit(f"{problem.name} is missing: ./dev bench segments installs it")

ASKED_OFTEN = 100  # tags by how many carry them
COMPARED, SLOW_S = 20, 30.0


def main(arguments: list[str] | None = None) -> int:
    """Run, print a table, and with --json one JSON object on the last line."""
    options = _options(arguments)
    crypto.install(crypto.KeyRing.parse("bench:" + "ab" * 32))
    now = datetime.now(UTC)
    with tempfile.TemporaryDirectory(prefix="yishu-bench-", dir=options.folder) as name:
        folder = Path(name)
        say(f"{options.physicians:,} physicians × {TAGS} tags, load {os.getloadavg()[0]:.1f}")
        data = world(options.physicians)
        questions = _questions(max(options.questions, COMPARED))
        db = Database(build_engine(f"sqlite:///{folder}/yishu.db"))
        app.models.metadata.create_all(db.engine)
        begun = time.perf_counter()
        more = wide(options.physicians)
        size = fill(db, data, now, more)
        say(f"written as the product keeps it in {time.perf_counter() - begun:.0f} s")
        result = _ours(db, questions, now) | {"sets_mb": round(size / 1e6, 1)}
        say(f"ours: {result['count']} a count, {result['first_time']} the first time")
        result["wide"] = _wide(db, more, options.questions, now)
        say(f"lists, campaigns, consent, levels, segments, reading: {result['wide']}")
        result["peers"] = _peers(options.peers, data, folder, questions, result.pop("answers"))
        del data
        result["real"] = real(folder, options.real, options.no_postgres)
        db.engine.dispose()
    result["physicians"] = options.physicians
    medians = [peer["p50_ms"] for peer in result["peers"].values() if "p50_ms" in peer]
    result["ratio"] = round(min(medians) / result["count"]["p50_ms"], 1) if medians else None
    _print(result)
    if options.json:
        print(json.dumps({"bench": "segments", **result}))
    peers = [*result["peers"].values(), result["wide"]]
    return 1 if any(peer.get("differs") for peer in peers) else 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bench segments", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    parser.add_argument("--physicians", type=int, default=1_000_000)
    parser.add_argument("--questions", type=int, default=200, help="of ours; peers: the first 20")
    parser.add_argument(
        "--peers", default=",".join(PEERS), help="by name, with commas; all, or none"
    )
    parser.add_argument("--real", type=int, default=5000, help="physicians with own rows")
    parser.add_argument("--no-postgres", action="store_true")
    parser.add_argument(
        "--folder", type=Path, help="where databases are made; some GB at 5 million"
    )
    return parser.parse_args(arguments)


def _questions(number: int) -> list[Question]:
    rng = random.Random(11)
    return [
        Question(*rng.sample(range(1, ASKED_OFTEN + 1), 4), rng.choice((1, 2, 3)))
        for _ in range(number)
    ]


def _ours(db: Database, questions: Sequence[Question], now: datetime) -> dict[str, Any]:
    before = _rss_mb()
    answers = []
    first = []
    for question in questions:  # reads the sets that are asked for
        took, size = _timed(lambda text=question.text: _size(db, text, now, 0))
        first.append(took)
        answers.append(size)
    told: dict[str, Any] = {"first_time": _figures(first)}
    for name, sample in (("count", 0), ("first_50_names", 50)):
        cpu = time.process_time()
        times = [_timed(lambda q=q, s=sample: _size(db, q.text, now, s))[0] for q in questions]
        told[name] = _figures(times) | _each(time.process_time() - cpu, len(questions))
    counted = [_timed(lambda q=q: _reps(db, q.text, now))[0] for q in questions]
    told["count_with_reps"] = _figures(counted)
    exports = [_timed(lambda q=q: _export(db, q.text, now)) for q in questions[:COMPARED]]
    told["export"] = _figures([took for took, _ in exports])
    told["export"]["people"] = round(sum(size for _, size in exports) / len(exports))
    largest, people = _timed(lambda: _export(db, "全部", now))
    told["export_all"] = {"people": people, "s": round(largest, 2)}
    return told | {"memory_mb": round(_rss_mb() - before), "answers": answers}


def _wide(db: Database, data: Any, number: int, now: datetime) -> dict[str, Any]:
    """Questions over all other facts; `differs`: how many answers numpy counts otherwise."""
    asked = wide_questions(number)
    differs = sum(_size(db, one.text, now, 0) != one.answer(data) for one in asked[:COMPARED])
    for one in asked:  # reads the sets
        _size(db, one.text, now, 0)
    cpu = time.process_time()
    times = [_timed(lambda q=q: _size(db, q.text, now, 0))[0] for q in asked]
    told = _figures(times) | _each(time.process_time() - cpu, len(asked))
    names = [_timed(lambda q=q: _size(db, q.text, now, 50))[0] for q in asked]
    exports = [_timed(lambda q=q: _export(db, q.text, now)) for q in asked[:COMPARED]]
    told["first_50_names"] = _figures(names)
    told["export"] = _figures([took for took, _ in exports])
    told["export"]["people"] = round(sum(size for _, size in exports) / len(exports))
    return told | {"differs": differs}


def _size(db: Database, text: str, now: datetime, sample: int) -> int:
    with db.reading() as session:
        return segments.audience(session, text, now, sample, with_reps=False).size


def _reps(db: Database, text: str, now: datetime) -> int:
    with db.reading() as session:
        return segments.audience(session, text, now, 0).reps


def _export(db: Database, text: str, now: datetime) -> int:
    with db.reading() as session:
        return len(segments.members(session, text, now))


def _peers(
    wanted: str, data: Any, folder: Path, questions: Sequence[Question], answers: Sequence[int]
) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for name in PEERS if wanted == "all" else [one for one in PEERS if one in wanted.split(",")]:
        begun = time.perf_counter()
        try:
            with PEERS[name](data, folder) as ask:
                loaded = time.perf_counter() - begun
                told[name] = _asked(ask, questions[:COMPARED], answers)
                told[name]["load_s"] = round(loaded, 1)
                say(f"{name}: {told[name]}")
        except (ImportError, NoPostgres) as problem:
            say(f"{name} is left out: {problem}")
    return told


def _asked(
    ask: Callable[[str], int], questions: Sequence[Question], answers: Sequence[int]
) -> dict[str, Any]:
    times, differs, cpu = [], 0, time.process_time()
    until = time.perf_counter() + SLOW_S * 2
    for question, wanted in zip(questions, answers, strict=False):
        took, size = _timed(lambda sql=question.sql: ask(sql))
        times.append(min(took, _timed(lambda sql=question.sql: ask(sql))[0]))
        differs += size != wanted
        if time.perf_counter() > until:
            break
    spent = _each(time.process_time() - cpu, 2 * len(times))  # 0 where another process works
    return _figures(times) | spent | {"questions": len(times), "differs": differs}


def _timed(do: Callable[[], int]) -> tuple[float, int]:
    begun = time.perf_counter()
    found = do()
    return time.perf_counter() - begun, found


def _figures(times: Sequence[float]) -> dict[str, Any]:
    ordered = sorted(times)
    return {
        f"p{part}_ms": round(ordered[min(len(ordered) - 1, len(ordered) * part // 100)] * 1e3, 2)
        for part in (50, 99)
    }


def _each(cpu_s: float, number: int) -> dict[str, float]:
    """Processor time, which says more than time on a busy machine."""
    return {"cpu_ms": round(cpu_s / number * 1e3, 2)}


def _rss_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def say(text: str) -> None:
    """For who waits."""
    print(text, file=sys.stderr, flush=True)


def _print(result: dict[str, Any]) -> None:
    print(f"{'':24}{'p50 ms':>10}{'p99 ms':>10}")
    for name in ("count", "count_with_reps", "first_50_names", "export", "first_time", "wide"):
        print(f"{name:24}{result[name]['p50_ms']:10.2f}{result[name]['p99_ms']:10.2f}")
    for name, peer in result["peers"].items():
        told = f"   {peer['differs']} answers differ" if peer["differs"] else ""
        print(f"{name:24}{peer['p50_ms']:10.2f}{peer['p99_ms']:10.2f}{told}")
    for name in ("physicians", "sets_mb", "memory_mb", "export_all", "wide", "real", "ratio"):
        print(f"{name:24}{result[name]}")


if __name__ == "__main__":
    sys.exit(main())
