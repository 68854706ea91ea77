"""`./dev` says in a sentence what is wrong, whatever it is."""

from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from launcher import commands, tell
from launcher.tell import ROOT


@pytest.mark.parametrize(
    ("wish", "says"),
    [
        (["--port", "99999"], "There is no port 99999"),
        (["--port", "-1"], "There is no port -1"),
        (["--sandbox-port", "0"], "There is no port 0"),
        (["--port", "9000", "--sandbox-port", "9000"], "--sandbox-port 9001"),
    ],
)
def test_impossible_ports_are_told_before_anything_is_installed(
    wish: list[str], says: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "_prepare", lambda *_: pytest.fail("too late"))
    assert commands.main(["up", *wish]) == 1
    assert says in capsys.readouterr().err


@pytest.mark.parametrize("wish", [["--frsh"], ["--port", "abc"]])
def test_a_misspelt_wish_is_told_before_anything_is_installed(
    wish: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "_prepare", lambda *_: pytest.fail("too late"))
    with pytest.raises(SystemExit):
        commands.main(["up", *wish])


def test_a_folder_that_cannot_be_written_is_a_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "/somewhere/static")

    monkeypatch.setattr(commands, "_prepare", refuse)
    assert commands.main(["setup"]) == 1
    said = capsys.readouterr().err
    assert "Permission denied (/somewhere/static)" in said
    assert "right to write" in said


def test_a_terminal_of_another_charset_is_no_reason_to_stop() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from launcher.tell import *; speak_any_charset(); line('医枢 ✓')"],
        cwd=ROOT, env={**os.environ, "PYTHONIOENCODING": "gbk"}, capture_output=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode("gbk").strip() == "医枢 ?"


def test_a_log_of_junk_does_not_spoil_the_terminal(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    log.write_bytes(b"fine\n\x1b[2J\x07\xff\x00 junk\n")
    assert tell.tail(log).splitlines()[0] == "    fine"
    assert tell.tail(log).replace("\n", "").isprintable()


def test_streams_that_are_no_files_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    tell.speak_any_charset()
