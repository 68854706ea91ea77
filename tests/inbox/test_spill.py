"""The spill: nothing acknowledged is lost, nothing torn is invented, nobody holds anybody up."""

from __future__ import annotations

import fcntl
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import inbox
from app.inbox import Arrival, Spill
from app.inbox.spill import arrival_of, line_of
from app.infra import crypto
from app.infra.db import Database
from tests.conftest import KEYS, NOON


@pytest.fixture
def spill(tmp_path: Path) -> Spill:
    return Spill(tmp_path / "spill")


def arrival(name: str) -> Arrival:
    return Arrival("oa", "wx1", name.encode(), "text", f"contact:{name}", NOON, True, NOON)


def bodies(database: Database) -> list[bytes]:
    with database.reading() as session:
        return sorted(event.body for event in inbox.listing(session, limit=1000))


@given(
    st.builds(
        Arrival,
        source=st.sampled_from(["wecom", "oa", "reconcile"]),
        receiver=st.text(max_size=20),
        body=st.binary(max_size=300),
        event_type=st.text(max_size=20),
        partition=st.text(max_size=20),
        occurred_at=st.none() | st.just(NOON),
        urgent=st.booleans(),
        received_at=st.just(NOON),
    )
)
def test_an_arrival_comes_back_as_it_was(one: Arrival) -> None:
    assert arrival_of(line_of(one).removesuffix(b"\n")) == one


def test_what_is_spilled_is_in_the_inbox_once_whoever_brings_it_in(
    spill: Spill, database: Database
) -> None:
    spill.append([arrival("a"), arrival("b")])
    spill.append([arrival("a"), arrival("c")])
    assert spill.bring_in(database) == 4
    assert spill.bring_in(database) == 0
    assert bodies(database) == [b"a", b"b", b"c"]
    assert spill.waiting_bytes() == 0


def test_the_file_is_private_and_says_nothing(spill: Spill, tmp_path: Path) -> None:
    spill.append([arrival("13900000000")])
    (file,) = (tmp_path / "spill").glob("*.spill")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert b"13900000000" not in file.read_bytes()


def test_a_file_that_is_cut_anywhere_gives_all_whole_lines_and_no_others(
    spill: Spill, tmp_path: Path
) -> None:
    names = ["a", "b", "c"]
    spill.append([arrival(name) for name in names])
    (file,) = (tmp_path / "spill").glob("*.spill")
    whole = file.read_bytes()
    ends = [i + 1 for i, byte in enumerate(whole) if byte == ord("\n")]
    for cut in range(len(whole) + 1):
        found = []
        for line in whole[:cut].split(b"\n"):
            try:
                found.append(arrival_of(line))
            except ValueError:
                continue
        # A line that lacks nothing but its end is whole: it may have been acknowledged.
        complete = sum(end - 1 <= cut for end in ends)
        assert [one.body.decode() for one in found] == names[:complete]


def test_what_follows_a_torn_line_is_not_spoiled_by_it(
    spill: Spill, database: Database, tmp_path: Path
) -> None:
    spill.append([arrival("a"), arrival("torn")])
    (file,) = (tmp_path / "spill").glob("*.spill")
    os.truncate(file, file.stat().st_size - 7)
    spill.append([arrival("after")])
    assert spill.bring_in(database) == 2
    assert bodies(database) == [b"a", b"after"]
    assert len((tmp_path / "spill" / "damaged.lines").read_bytes().splitlines()) == 1


def test_a_line_under_a_key_that_is_gone_is_kept_for_people(
    spill: Spill, database: Database, tmp_path: Path
) -> None:
    crypto.install(crypto.KeyRing.parse("other:" + "cd" * 32))
    try:
        spill.append([arrival("a")])
    finally:
        crypto.install(crypto.KeyRing.parse(KEYS))
    spill.append([arrival("b")])
    assert spill.bring_in(database) == 1
    assert bodies(database) == [b"b"]
    kept = (tmp_path / "spill" / "damaged.lines").read_bytes()
    assert kept.count(b"\n") == 1


def test_a_crash_before_or_after_the_commit_is_made_good_by_the_next_one(
    spill: Spill, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Crash(BaseException):
        pass

    def crash_at(wanted: str) -> None:
        def point(name: str) -> None:
            if name == wanted:
                raise Crash

        monkeypatch.setattr("app.inbox.spill.crashpoint", point)

    spill.append([arrival("a")])
    for point in ("spill.set_aside", "spill.imported"):
        crash_at(point)
        with pytest.raises(Crash):
            spill.bring_in(database)
        monkeypatch.undo()
        assert spill.waiting_bytes()
    spill.append([arrival("b")])
    assert spill.bring_in(database) == 2
    assert bodies(database) == [b"a", b"b"]


def test_nobody_imports_what_another_process_has_in_hand_and_nobody_waits_for_it(
    spill: Spill, database: Database, tmp_path: Path
) -> None:
    spill.append([arrival("a")])
    spill._set_aside()
    (file,) = (tmp_path / "spill").glob("importing-*.spill")
    with file.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert spill.bring_in(database) == 0
        spill.append([arrival("b")])  # appending goes on meanwhile
        assert spill.bring_in(database) == 1
    assert spill.bring_in(database) == 1
    assert bodies(database) == [b"a", b"b"]


def test_a_database_that_is_still_away_leaves_everything_where_it_is(
    spill: Spill, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise ConnectionError

    spill.append([arrival("a")])
    monkeypatch.setattr("app.inbox.spill._insert", away)
    with pytest.raises(ConnectionError):
        spill.bring_in(database)
    monkeypatch.undo()
    assert spill.bring_in(database) == 1
