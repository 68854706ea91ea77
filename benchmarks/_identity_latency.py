"""How long it takes to score one new physician among so many that are known.

"scored" is the work on values: features of the newcomer, keys, and every candidate that they bring
together, explained. "with database" is the same through SQLite as a worker does it: keys looked up
and stored, candidates read and decrypted, and the likely ones written into the queue.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import insert, update

import app.models
from app import identity, linkage
from app.flows.identity.link_due import place
from app.identity import Id, Kind
from app.identity.models import Component, Identifier, Physician
from app.identity.register import label_of, value_hash
from app.infra import crypto
from app.infra.db import Database, build_engine
from app.linkage import block, keys
from app.linkage.compare import compare
from app.linkage.features import features
from app.linkage.model import default
from app.linkage.models import LinkKey
from app.linkage.rows import OURS
from app.linkage.score import Scorer
from benchmarks._linkers import say
from benchmarks._physicians import World

KNOWN, NEW, WITH_DATABASE = 100_000, 3000, 400
NOW = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
Row = dict[str, str]


def run(_options: argparse.Namespace) -> dict[str, Any]:
    """Both, as p50, p95, p99 and the longest in milliseconds."""
    crypto.install(crypto.KeyRing.parse("bench:" + "ab" * 32))
    rows = [row for _, row in World(round((KNOWN + NEW) / 2.4) + 500).rows()]
    known, new = rows[:KNOWN], rows[KNOWN : KNOWN + NEW]
    print(
        f"\nOne new physician among {len(known):,}, ms{'':12}{'p50':>8}{'p95':>8}{'p99':>8}"
        f"{'most':>8}"
    )
    alone = _show("scored", _alone(known, new))
    with tempfile.TemporaryDirectory(prefix="yishu-bench-") as folder:
        database = Database(build_engine(f"sqlite:///{Path(folder) / 'bench.db'}"))
        app.models.metadata.create_all(database.engine)
        say("writing the known into SQLite")
        _write(database, known)
        through = _show("with database", _through(database, new[:WITH_DATABASE]))
        database.engine.dispose()
    return {"known": len(known), "scored_ms": alone, "with_database_ms": through}


def _alone(known: Sequence[Row], new: Sequence[Row]) -> Iterator[float]:
    people = [_features(row) for row in known]
    found: dict[str, list[int]] = defaultdict(list)
    for number, one in enumerate(people):
        for key in block.keys(one):
            found[key].append(number)
    scorer = Scorer(default(), len(people))
    for row in new:
        begun = time.perf_counter()
        one = _features(row)
        groups = [found.get(key, []) for key in block.keys(one)]
        share = {"name": scorer.share("name", len(groups[0]) if groups else 0)}
        for number in {n for group in groups if len(group) <= block.MOST for n in group}:
            scorer.explain(compare(one, people[number]), share)
        yield time.perf_counter() - begun


def _features(row: Row) -> Any:
    phone = identity.make_id(Kind.PHONE, row.get("phone", ""))
    return features(row, [phone.value] if phone else ())


def _write(database: Database, known: Sequence[Row]) -> None:
    """As they would be after everybody was compared."""
    for start in range(0, len(known), 5000):
        persons, identifiers, components, tokens = [], [], [], []
        for number, row in enumerate(known[start : start + 5000], start=start + 1):
            one = Id(Kind.WECOM_EXTERNAL_USERID, "ww", f"wm-known-{number}")
            digest = value_hash(one)
            label = label_of(digest, one.kind.value, one.namespace)
            components.append({"id": number, "size": 1})
            identifiers.append(
                {"id": number, "kind": one.kind, "namespace": "ww", "value_hash": digest,
                 "value": one.value, "component_id": number, "one_id": label, "first_seen_at": NOW}
            )  # fmt: skip
            values = {name: row.get(name, "") for name in OURS}
            persons.append({"one_id": label, "anchor_id": number, "link_due": False,
                            "created_at": NOW, "updated_at": NOW, **values})  # fmt: skip
            tokens += [
                {"token": token, "one_id": label} for token in set(keys.tokens(features(values)))
            ]
        with database.transaction() as session:
            for model, rows in ((Component, components), (Identifier, identifiers),
                                (Physician, persons), (LinkKey, tokens)):  # fmt: skip
                session.execute(insert(model), rows)


def _through(database: Database, new: Sequence[Row]) -> Iterator[float]:
    with database.reading() as session:
        scorer = linkage.scorer(session, NOW)
    for number, row in enumerate(new):
        one = Id(Kind.OPENID, "wx", f"oA-new-{number}")
        with database.transaction() as session:
            (found,) = identity.observe(
                session, [one], event_key=f"new:{number}", source="bench", at=NOW, now=NOW
            )
            identity.describe(session, found, row, source="bench", trust=50, at=NOW, now=NOW)
            session.execute(update(Physician).values(link_due=False).where(Physician.link_due))
        with database.transaction() as session:
            begun = time.perf_counter()
            pairs = linkage.look(session, [found.one_id], scorer)
            place(session, [p for p in pairs if not p.sure], "bench", NOW)
            session.flush()
            yield time.perf_counter() - begun


def _show(name: str, taken: Iterator[float]) -> dict[str, float]:
    times = sorted(one * 1000 for one in taken)
    cuts = statistics.quantiles(times, n=100)
    found = {"p50": cuts[49], "p95": cuts[94], "p99": cuts[98], "most": times[-1]}
    print(f"{name:44}" + "".join(f"{value:8.3f}" for value in found.values()))
    return {key: round(value, 4) for key, value in found.items()}
