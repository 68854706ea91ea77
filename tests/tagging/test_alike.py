"""Suggestions: what looks, sounds and is carried alike, and what only seems so."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from app.infra.db import Database, build_engine
from app.tagging.names import alike
from app.tagging.names.alike import Signals, by_sight, by_sound, contradict, together
from benchmarks.folding import recognised

MEANT = [
    ("慢肾病", "慢性肾病"),
    ("房颤患者多2025", "房颤"),
    ("心衰中心", "心衰"),
    ("非小细胞", "非小细胞肺癌"),
]
HEARD = [("心方颤动", "心房颤动"), ("fangchan", "房颤"), ("gxy", "高血压"), ("抗宁", "抗凝")]
OTHER = [
    ("低血压", "高血压"),
    ("非房颤", "房颤"),
    ("1型糖尿病", "2型糖尿病"),
    ("一型糖尿病", "2型糖尿病"),
    ("线下会", "线上会"),
]


@pytest.mark.parametrize(("raw", "name"), MEANT)
def test_what_looks_alike_is_seen(raw: str, name: str) -> None:
    assert by_sight(raw, name) >= 0.5


@pytest.mark.parametrize(("raw", "name"), HEARD)
def test_what_sounds_alike_is_heard(raw: str, name: str) -> None:
    assert by_sound(raw, name) >= 0.5


@pytest.mark.parametrize(("raw", "name"), OTHER)
def test_what_contradicts_is_neither(raw: str, name: str) -> None:
    assert contradict(raw, name)
    assert by_sight(raw, name) == by_sound(raw, name) == 0.0


def test_two_persons_prove_nothing_and_people_alone_never_suffice() -> None:
    assert together(2, 2, 0.1) < 0.2 < together(41, 46, 0.03)
    assert together(5, 50, 0.1) == 0.0
    assert Signals(people=1.0, opened=1.0).score <= alike.CONFIDENT


def test_planted_names_are_recognised(sqlite_template: Path, tmp_path: Path) -> None:
    """`./dev bench folding` prints these figures for 3,000 physicians."""
    shutil.copy(sqlite_template, tmp_path / "yishu.db")
    database = Database(build_engine(f"sqlite:///{tmp_path / 'yishu.db'}"))
    found = recognised(database, people=500, ways=["all"])
    database.engine.dispose()
    assert found["meant"] >= 170
    assert found["all: precision@1"] >= 0.94
    assert found["all: recall@3"] >= 0.95
    assert found["all: confident right"] >= 0.97
    assert found["all: unrelated confident"] <= 2
