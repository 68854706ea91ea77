"""Whatever a stranger sends: not accepted, one answer, nothing stored, nothing piled up.

`PROOF_REQUESTS` sets how many requests are made (10,000 if not given), `PROOF_SEED` which ones.
"""

from __future__ import annotations

import ast
import gc
import os
import random
import resource
import time
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from app import inbox
from app.bootstrap import Parts, build, build_web
from app.connectors.callback_crypto import Secrets
from tests.conftest import AES_KEY, SetClock, make_settings
from tests.web.mutations import NAMES, Knock, Mutator, envelope

REQUESTS = int(os.environ.get("PROOF_REQUESTS", "10000"))
SEED = int(os.environ.get("PROOF_SEED", "20261124"))
WARM = 1000
WORST_CPU_S = 2.0  # of one request: nothing takes longer and longer; a body may have 64 KiB
MOST_GROWTH = 8 * 1024 * 1024
APP = Path(__file__).parents[2] / "app"
SECRETS = Secrets("wecomtoken", AES_KEY, "wwtestcorp")


@pytest.fixture
def parts(
    sqlite_template: Path, valkey_url: str, tmp_path: Path, clock: SetClock
) -> Iterator[Parts]:
    path = tmp_path / "yishu.db"
    path.write_bytes(sqlite_template.read_bytes())
    built = build(make_settings(f"sqlite:///{path}", valkey_url), clock=clock)
    yield built
    built.db.engine.dispose()


def knock_at(web: Flask, knock: Knock) -> tuple[str, tuple[tuple[str, str], ...], bytes]:
    said: list[Any] = []

    def start(status: str, headers: list[tuple[str, str]], *_: object) -> Any:
        said[:] = [status, tuple(headers)]

    body = b"".join(web.wsgi_app(knock.environ(), start))
    return said[0], said[1], body


def stored(parts: Parts) -> int:
    with parts.db.reading() as session:
        return sum(inbox.count_by_state(session).values())


def resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def mutator(clock: SetClock, seed: int) -> Mutator:
    return Mutator(random.Random(seed), SECRETS, int(clock().timestamp()))


def test_the_fuzzer_starts_from_requests_that_would_be_accepted(
    parts: Parts, clock: SetClock
) -> None:
    query, text = mutator(clock, SEED).valid()
    web = build_web(parts)
    assert knock_at(web, Knock(query, envelope(text)))[0] == "200 OK"
    assert stored(parts) == 1


def test_no_mutated_request_is_accepted_and_all_get_one_answer(
    parts: Parts, clock: SetClock, capsys: pytest.CaptureFixture[str]
) -> None:
    web, wrong = build_web(parts), mutator(clock, SEED)
    answers: dict[tuple[Any, ...], str] = {}
    made: Counter[str] = Counter()
    worst: tuple[float, float, str] = (0.0, 0.0, "")
    before = 0
    began = time.monotonic()
    for number in range(REQUESTS):
        if number == min(WARM, REQUESTS // 2):
            gc.collect()
            before = resident()
        name, knock = wrong.make()
        cpu, wall = time.thread_time(), time.monotonic()
        answer = knock_at(web, knock)
        worst = max(worst, (time.thread_time() - cpu, time.monotonic() - wall, name))
        assert answer[0].startswith(str(knock.status)), (number, name, knock)
        assert answers.setdefault(answer, name) is not None
        made[name] += 1
    took = time.monotonic() - began
    gc.collect()
    growth = resident() - before
    with capsys.disabled():
        print(
            f"\n{REQUESTS} mutated requests (seed {SEED}, {len(made)} kinds) in {took:.1f} s: "
            f"0 accepted, {len(answers)} answers, worst {worst[0] * 1000:.1f} ms CPU "
            f"({worst[2]}), memory {growth / 1024:+.0f} KiB"
        )
    statuses = {status for status, _, _ in answers}
    assert len(answers) == len(statuses) <= 2, answers  # 403 for everything, 413 for size
    assert len({headers for _, headers, _ in answers}) == 1
    assert {body for _, _, body in answers} == {b""}
    assert stored(parts) == 0
    assert worst[0] < WORST_CPU_S
    assert growth < MOST_GROWTH
    if REQUESTS >= 2000:
        assert set(made) == set(NAMES)


def test_refusing_keeps_no_memory(parts: Parts, clock: SetClock) -> None:
    web = build_web(parts)

    def round_of(number: int) -> None:
        wrong = mutator(clock, SEED + 1)  # the same ones each time
        for _ in range(number):
            knock_at(web, wrong.make()[1])
        gc.collect()

    round_of(100)
    tracemalloc.start()
    round_of(150)
    first, _ = tracemalloc.get_traced_memory()
    round_of(150)
    second, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert second - first < 32 * 1024


def compared_with_equals(tree: ast.AST) -> list[int]:
    """Lines that compare something named like a signature or a digest with == or != or in."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and any(
            isinstance(op, ast.Eq | ast.NotEq | ast.In | ast.NotIn) for op in node.ops
        ):
            names = {
                part.id if isinstance(part, ast.Name) else part.attr
                for side in (node.left, *node.comparators)
                for part in ast.walk(side)
                if isinstance(part, ast.Name | ast.Attribute)
            }
            if any("signature" in name.lower() or name.lower() in SECRET_NAMES for name in names):
                found.append(node.lineno)
    return found


SECRET_NAMES = {"sign", "hexdigest", "hmac", "mac"}


def test_no_signature_is_compared_with_equals() -> None:
    found = {
        str(path.relative_to(APP.parent)): lines
        for path in APP.rglob("*.py")
        if (lines := compared_with_equals(ast.parse(path.read_text())))
    }
    assert found == {}


@pytest.mark.parametrize(
    "code",
    ["if signature == expected: pass", "ok = args['x'] != sign(a, b)", "ok = made.msg_signature in known",
     "assert hmac.new(a).hexdigest() == b"],
)  # fmt: skip
def test_the_rule_about_signatures_finds_what_it_should(code: str) -> None:
    assert compared_with_equals(ast.parse(code)) == [1]
