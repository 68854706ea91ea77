"""docs/operations.md names every setting, command and process, and nothing that is gone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer.main

from app.cli.main import MODULES, command_line
from app.infra.settings import Settings

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text()


def first_cells(heading: str) -> list[str]:
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"^\| `([^`]+)` \|", section, flags=re.MULTILINE)


def test_the_table_of_settings_is_complete() -> None:
    assert first_cells("Settings") == [name.upper() for name in Settings.model_fields]


def test_the_table_of_settings_tells_the_true_defaults() -> None:
    for name, setting in Settings.model_fields.items():
        row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{name.upper()}`"))
        told = row.split("|")[2].strip()
        if setting.is_required():
            assert told == "required"
        elif setting.default not in ("", ()):
            assert told.strip("`") == str(setting.default).replace("False", "false"), name


def test_every_command_is_on_the_page_and_exists() -> None:
    told = {" ".join(re.findall(r"\b[a-z-]+\b(?![A-Z])", row.split("--")[0].split('"')[0]))
            for row in first_cells("Commands")}  # fmt: skip
    assert told == {f"yishu {name}" for name in commands(typer.main.get_command(command_line()))}


def test_a_first_word_brings_exactly_its_own_commands() -> None:
    everything = commands(typer.main.get_command(command_line()))
    assert {name.split()[0] for name in everything} == set(MODULES)
    for word in MODULES:
        beside = commands(typer.main.get_command(command_line(word)))
        own = [name for name in everything if name.split()[0] == word]
        assert [name for name in beside if name.split()[0] == word] == own
        assert len(beside) < len(everything)


@pytest.mark.parametrize("line", (ROOT / "Procfile").read_text().splitlines())
def test_every_process_is_on_the_page_with_its_command(line: str) -> None:
    name, command = line.split(": ", 1)
    assert re.search(rf"^\| `{name}` \| `{re.escape(command)}` \|", PAGE, flags=re.MULTILINE)


def commands(command: object) -> list[str]:
    below = getattr(command, "commands", None)
    if below is None:
        return [""]
    return [f"{name} {rest}".strip() for name, sub in below.items() for rest in commands(sub)]
