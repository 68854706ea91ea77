"""Files are named by their content, and style sheets follow the names."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from launcher import assets
from launcher.tell import Trouble


def sources(folder: Path, **texts: str) -> dict[str, Path]:
    found = {}
    for number, (name, text) in enumerate(texts.items()):
        path = folder / str(number)
        path.write_text(text)
        found[name.replace("__", "/").replace("_", ".")] = path
    return found


def test_a_name_changes_with_the_content_and_only_then(tmp_path: Path) -> None:
    target = tmp_path / "dist"
    first = assets.write(sources(tmp_path, console__a_css="a{}"), target)
    again = assets.write(sources(tmp_path, console__a_css="a{}"), target)
    changed = assets.write(sources(tmp_path, console__a_css="b{}"), target)
    assert first == again
    assert first != changed
    assert json.loads((target / "manifest.json").read_text()) == changed


def test_earlier_builds_are_swept_away(tmp_path: Path) -> None:
    target = tmp_path / "dist"
    old = assets.write(sources(tmp_path, a_js="1"), target)["a.js"]
    new = assets.write(sources(tmp_path, a_js="2"), target)["a.js"]
    assert not (target / old).exists()
    assert gzip.decompress((target / f"{new}.gz").read_bytes()) == b"2"


def test_a_style_sheet_refers_to_hashed_names(tmp_path: Path) -> None:
    target = tmp_path / "dist"
    style = "a{background:url('../img/dot.svg#x')} b{background:url(data:,)}"
    manifest = assets.write(sources(tmp_path, console__a_css=style, img__dot_svg="<svg/>"), target)
    written = (target / manifest["console/a.css"]).read_text()
    assert f"url('../{manifest['img/dot.svg']}#x')" in written
    assert "url(data:,)" in written


def test_a_reference_to_nothing_is_named(tmp_path: Path) -> None:
    with pytest.raises(Trouble, match=r"console/a.css refers to gone.png"):
        assets.write(sources(tmp_path, console__a_css="a{b:url(gone.png)}"), tmp_path / "dist")


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """npm never reaches a registry; each entry is the environment of one attempt."""
    attempts: list[dict[str, str]] = []

    def run(_command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        attempts.append(options["env"])
        return subprocess.CompletedProcess([], 1, "", "npm error network")

    monkeypatch.setattr(assets, "INSTALLED", tmp_path / ".installed")
    monkeypatch.setattr(assets, "FAILED", tmp_path / "failed")
    monkeypatch.setattr(assets, "_npm", lambda: ["/usr/bin/npm"])
    monkeypatch.setattr(assets.subprocess, "run", run)
    monkeypatch.setattr(
        assets.environment, "uv_environment", lambda: {"SSL_CERT_FILE": "/company/root.pem"}
    )
    return attempts


def test_a_start_does_not_wait_for_a_registry_that_was_away(registry: list[Any]) -> None:
    assets._install_packages(insist=False)
    assets._install_packages(insist=False)
    assert len(registry) == 1
    assets._install_packages(insist=True)
    assert len(registry) == 2
    os.utime(assets.FAILED, (0, 0))
    assets._install_packages(insist=False)
    assert len(registry) == 3


def test_npm_trusts_whom_pip_trusts(
    registry: list[dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NODE_EXTRA_CA_CERTS", raising=False)
    assets._install_packages(insist=True)
    assert registry[0]["NODE_EXTRA_CA_CERTS"] == "/company/root.pem"
