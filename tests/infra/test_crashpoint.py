"""Places where fault tests may end a process."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from app.infra.crashpoint import EXIT_CODE, POINTS

ROOT = Path(__file__).parents[2]
REACH = "from app.infra.crashpoint import crashpoint; crashpoint('drain.claimed'); print('lives')"


def test_every_point_stands_once_in_the_code_and_on_the_list() -> None:
    found = [
        name
        for folder in ("app", "workers")
        for path in (ROOT / folder).rglob("*.py")
        for name in re.findall(r'crashpoint\("([^"]+)"\)', path.read_text())
    ]
    assert sorted(found) == sorted(POINTS)


def reach(**armed: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", REACH], cwd=ROOT, env=armed, capture_output=True, text=True,
        check=False,
    )  # fmt: skip


def test_an_armed_point_ends_the_process_once_for_each_fuse(tmp_path: Path) -> None:
    fuse = tmp_path / "fuse"
    fuse.touch()
    armed = {"YISHU_CRASH_AT": "drain.claimed", "YISHU_CRASH_FUSE": str(fuse)}
    assert reach(**armed).returncode == EXIT_CODE
    assert reach(**armed).stdout == "lives\n"


def test_other_points_and_an_unarmed_one_do_nothing() -> None:
    assert reach().stdout == "lives\n"
    assert reach(YISHU_CRASH_AT="drain.prepared").stdout == "lives\n"
