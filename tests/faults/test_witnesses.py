"""A fault run is only worth something if its witnesses notice what must not happen."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from app import delivery, inbox
from app.delivery import State, Way
from app.flows.sending.sent import not_sent_key
from app.identity import Kind
from app.infra.db import Database
from faults import company, ledger
from faults.invariants import Findings, Witnesses, check
from faults.invariants.effects import traces_of
from faults.outcome import Outcome, Wish
from faults.platform import application_of
from faults.report import again, write_page
from faults.sender import Manner, Posted, Sender
from faults.workload import EFFECTS, Event
from tests.web.asgi_client import in_a_loop

NOW = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
QUIET = ledger.Waiting(0, 0, 0, 0)
STRANGE = "<xml><MsgType>event</MsgType><Event>strange</Event><Serial>{}</Serial></xml>"


@pytest.fixture
def watched(database: Database) -> Database:
    ledger.install(database.engine)
    return database


def strange(number: int) -> Event:
    return Event(number, "unknown", "wecom", STRANGE.format(number), "sys")


def arrive(database: Database, event: Event) -> int:
    with database.transaction() as session:
        added = inbox.append(
            session, source="wecom", receiver=company.CORP, body=event.body.encode(),
            event_type="strange", partition="global", occurred_at=NOW, urgent=False, now=NOW,
        )  # fmt: skip
    assert added is not None
    return added


def finish(database: Database, event_id: int) -> None:
    with database.transaction() as session:
        inbox.keep_unknown(session, event_id, "nobody knows it", NOW)


def judged(
    database: Database, posted: list[Posted], deliveries: list[dict[str, object]], tmp_path: Path
) -> Findings:
    world = {"relations": [], "corp_tags": []}
    with database.reading() as session:
        found, _ = check(
            Witnesses(session, posted, deliveries, world, [], [], tmp_path / "spill", QUIET, NOW)
        )
    return found


def names(found: Findings) -> set[str]:
    return {invariant for invariant, _ in found}


def test_what_was_acknowledged_and_is_nowhere_is_found(watched: Database, tmp_path: Path) -> None:
    posted = Posted(strange(1), first_at=1.0, acked_at=2.0)
    assert names(judged(watched, [posted], [], tmp_path)) == {"I1"}


def test_what_was_finished_once_is_right_and_twice_is_found(
    watched: Database, tmp_path: Path
) -> None:
    posted = Posted(strange(1), first_at=1.0, acked_at=2.0)
    event_id = arrive(watched, posted.event)
    finish(watched, event_id)
    assert not judged(watched, [posted], [], tmp_path)
    with watched.transaction() as session:
        session.execute(text("UPDATE inbox_event SET state = 'unknown'"))
    assert names(judged(watched, [posted], [], tmp_path)) == {"I2"}


def test_a_later_event_that_overtook_an_earlier_one_is_found(
    watched: Database, tmp_path: Path
) -> None:
    first, second = (arrive(watched, strange(number)) for number in (1, 2))
    finish(watched, second)
    finish(watched, first)
    assert names(judged(watched, [], [], tmp_path)) == {"I6"}


@pytest.mark.parametrize(
    ("state", "times", "broken"),
    [
        (State.SENT, 1, set()),
        (State.SENT, 2, {"I3"}),
        (State.SENT, 0, {"I4"}),
        (State.UNKNOWN, 1, set()),
        (State.UNKNOWN, 0, set()),
        (State.FAILED, 1, {"I4"}),
    ],
)
def test_a_message_and_what_arrived_of_it_are_compared(
    watched: Database, tmp_path: Path, state: State, times: int, broken: set[str]
) -> None:
    with watched.transaction() as session:
        made = delivery.queue(
            session, way=Way.WELCOME, dedupe_key="welcome:1", now=NOW,
            payload={"corp_id": company.CORP, "code": "1", "text": "您好"},
        )  # fmt: skip
        assert made is not None
        row = delivery.get(session, made)
        row.state, row.error = state, "told"
    line = {"at": 1.0, "api": "externalcontact/send_welcome_msg", "body": {"welcome_code": "1"}}
    assert names(judged(watched, [], [line] * times, tmp_path)) == broken


@pytest.mark.parametrize(
    ("arrived", "broken"),
    [
        (["您好", "再见"], set()),  # the first before the reader left
        (["您好", "您好", "再见"], {"I4"}),  # … and once more: what was cancelled
        (["您好", "再见", "再见"], {"I4"}),  # one of the two is explained, not both
        (["您好", "再见", "再见", "再见"], {"I3"}),
    ],
)
def test_who_left_and_came_back_may_have_been_told_the_same_once_before(
    watched: Database, tmp_path: Path, arrived: list[str], broken: set[str]
) -> None:
    openid = "oFaults1"
    with watched.transaction() as session:
        row = company._known(session, Kind.OPENID, company.APP, openid, NOW)
        for state, text in ((State.SENT, ""), (State.CANCELLED, "您好"), (State.SENT, "再见")):
            said = {"app_id": company.APP, "openid": openid, "text": text} if text else {}
            made = delivery.queue(
                session, way=Way.OA_TEXT, dedupe_key=f"answer:{text}", payload=said,
                identifier_id=row.id, now=NOW,
            )  # fmt: skip
            assert made is not None
            message = delivery.get(session, made)
            message.state, message.error = state, "told"
    lines: list[dict[str, object]] = [
        {"at": 1.0, "api": "message/custom/send",
         "body": {"touser": openid, "msgtype": "text", "text": {"content": text}}}
        for text in arrived
    ]  # fmt: skip
    assert broken <= names(judged(watched, [], lines, tmp_path)) <= broken | {"I3", "I4"}
    assert bool(names(judged(watched, [], lines, tmp_path))) == bool(broken)


def test_a_seed_always_makes_the_same_events_and_each_has_an_effect() -> None:
    made = []
    for _ in range(2):
        client = application_of(company.Size(400), seed=7).test_client()
        events = client.get("/faults/events?count=400").get_json()
        assert len({event["body"] for event in events}) == 400
        made.append(
            [(event["kind"], event["about"]) for event in events if event["kind"] != "left"]
        )
    kinds = {kind for kind, _ in made[0]}
    assert kinds <= set(EFFECTS)
    assert len(kinds) > 12


def test_neighbours_overtake_each_other_by_no_more_than_they_may() -> None:
    manner = Manner(500, late_duplicates=0.0, reorder=20)
    numbers = iter(range(1, 501))
    sender = Sender([], lambda count: [strange(next(numbers)) for _ in range(count)], manner)
    order = [event.number for event in sender._disturbed()]
    assert sorted(order) == list(range(1, 501))
    assert order != sorted(order)
    assert max(abs(place - number) for place, number in enumerate(order, start=1)) <= 20


def test_nobody_listening_is_an_answer_and_not_an_error() -> None:
    sender = Sender([1], lambda _count: [], Manner(1))
    posted = Posted(strange(1), 0.0)
    assert in_a_loop(sender._attempt(posted.event, posted)) == "ConnectionRefusedError"


def test_a_row_of_the_table_replaces_the_one_before(tmp_path: Path) -> None:
    page = tmp_path / "reliability.md"
    page.write_text(
        "# 可靠性\n\nbefore\n<!-- faults: begin -->\nold\n<!-- faults: end -->\nafter\n"
    )
    outcomes = [
        Outcome(Wish(name, "sqlite", 3, 1000), {"kills": kills, "events": 1000})
        for name, kills in (("F10", 1), ("F1", 2), ("F1", 3))
    ]
    for outcome in outcomes:
        write_page([outcome], page)
    told = page.read_text()
    assert "old" not in told
    assert told.startswith("# 可靠性\n\nbefore\n")
    assert told.endswith("<!-- faults: end -->\nafter\n")
    rows = [row for row in told.splitlines() if row.startswith("| F")]
    assert [row[:30] for row in rows] == [
        "| F1 | sqlite | 3 | 1000 | 3 |",
        "| F10 | sqlite | 3 | 1000 | 1 ",
    ]


def test_a_run_says_how_it_is_run_again() -> None:
    plain, long = Wish("F1", "sqlite", 3, 1000), Wish("F1", "sqlite", 3, 1000, kills=9, heal_s=600)
    assert again(Outcome(plain)) == "./dev faults F1 --events 1000 --seeds 3 --database sqlite"
    assert again(Outcome(long)) == f"{again(Outcome(plain))} --kills 9 --heal 600"


def test_a_link_is_excused_only_where_each_of_its_own_messages_is_told_not_to_have_left(
    database: Database,
) -> None:
    with database.transaction() as session:
        for suggestion, told in ((1, (True,)), (2, (True, False)), (3, (False,))):
            for attempt, gone in enumerate(told):
                sent = delivery.queue(
                    session, way=Way.REP_TEXT, dedupe_key=f"adopt:{suggestion}:{attempt}",
                    payload={}, suggestion_id=suggestion, counts_as_contact=True, now=NOW,
                )  # fmt: skip
                key = not_sent_key(sent or 0) if gone else f"tell:{suggestion}:{attempt}"
                delivery.queue(
                    session, way=Way.REP_TEXT, dedupe_key=key, payload={},
                    suggestion_id=suggestion, now=NOW,
                )  # fmt: skip
        assert traces_of(session).not_got == {1}
