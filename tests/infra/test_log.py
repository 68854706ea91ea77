"""Log lines are JSON objects that say who wrote them and what they are about."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAM = """
import logging, threading
from datetime import UTC, datetime
from app.infra import log

class Claim:
    id = 7

@log.about(event_id="claim.id", run_id="run_id")
def handle(name, claim, run_id=0):
    log.get("here").info("handled", by=name)
    return name

log.configure("INFO", process="worker")
thread = threading.Thread(target=lambda: handle("thread", Claim(), run_id=3))
thread.start()
thread.join()
assert handle("default", Claim()) == "default"
assert handle("direct", claim=Claim(), run_id=4) == "direct"
log.get("here").info("afterwards", until=datetime(2026, 11, 26, 4, tzinfo=UTC))
logging.getLogger("a.library").warning("its phone is %s", "13812345678")
"""


def test_a_line_names_its_process_in_every_thread_and_the_ids_of_the_call() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=True
    )
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert {line["process"] for line in lines} == {"worker"}
    threaded, default, direct, afterwards, foreign = lines
    assert default["run_id"] == 0
    assert (threaded["by"], threaded["event_id"], threaded["run_id"]) == ("thread", 7, 3)
    assert (direct["event_id"], direct["run_id"]) == (7, 4)
    assert "event_id" not in afterwards
    assert afterwards["until"] == "2026-11-26T04:00:00+00:00"
    assert foreign["event"] == "its phone is 1**********"
