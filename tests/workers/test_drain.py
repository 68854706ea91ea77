"""From a stored event to its effect: exactly once, whatever breaks in between."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from app import inbox
from app.bootstrap import Parts, build
from app.connectors.errors import RateLimited
from app.facts import CorpTagChanged, Fact
from app.flows import Flow, Received
from app.inbox import InboxEvent, State
from app.infra.errors import Permanent
from app.infra.settings import Settings
from app.tagging.models import UnmappedName
from tests.conftest import SetClock
from workers import reading
from workers.drain import drain_inbox, explain


@pytest.fixture
def parts(settings: Settings, clock: SetClock) -> Iterator[Parts]:
    built = build(settings, clock=clock)
    yield built
    built.db.engine.dispose()


@dataclass
class Story:
    """A flow for corp tag events whose effect is a row and whose troubles a test sets."""

    trouble: dict[str, Exception] = field(default_factory=dict)
    trouble_while_applying: dict[str, BaseException] = field(default_factory=dict)
    prepared: list[str] = field(default_factory=list)

    def prepare(self, fact: CorpTagChanged, _outside: object) -> str:
        """Stands for a call to the platform."""
        self.prepared.append(fact.tag_id)
        if fact.tag_id in self.trouble:
            raise self.trouble[fact.tag_id]
        return fact.tag_id.upper()

    def apply(
        self, session: Session, fact: CorpTagChanged, ready: str, event: Received, now: Any
    ) -> None:
        """One row per effect, so that a second effect shows."""
        session.execute(
            insert(UnmappedName).values(
                source="test", raw=f"{ready} {event.ref} {len(self.prepared)}", seen=1, last_at=now
            )
        )
        problem = self.trouble_while_applying.pop(fact.tag_id, None)
        if problem is not None:
            raise problem


@pytest.fixture
def story(monkeypatch: pytest.MonkeyPatch) -> Story:
    made = Story()
    flow = Flow("test", made.prepare, made.apply)

    def flow_for(fact: Fact) -> Flow | None:
        return flow if isinstance(fact, CorpTagChanged) else None

    monkeypatch.setattr(reading, "flow_for", flow_for)
    return made


def arrive(parts: Parts, *tags: str, event: str = "change_external_tag", to: str = "p") -> None:
    with parts.db.transaction() as session:
        for tag in tags:
            body = (
                "<xml><FromUserName>sys</FromUserName><CreateTime>1403610513</CreateTime>"
                f"<MsgType>event</MsgType><Event>{event}</Event><Id>{tag}</Id>"
                "<TagType>tag</TagType><ChangeType>update</ChangeType></xml>"
            )
            inbox.append(
                session,
                source="wecom",
                receiver="wwtestcorp",
                body=body.encode(),
                event_type=event,
                partition=to,
                occurred_at=None,
                urgent=False,
                now=parts.clock(),
            )


def effects(parts: Parts) -> list[str]:
    with parts.db.reading() as session:
        rows = session.scalars(select(UnmappedName.raw).order_by(UnmappedName.id)).all()
    return [raw.split()[0] for raw in rows]


def states(parts: Parts) -> list[str]:
    with parts.db.reading() as session:
        return list(session.scalars(select(InboxEvent.state).order_by(InboxEvent.id)))


def test_events_take_effect_in_the_order_of_their_arrival(
    parts: Parts, story: Story, clock: SetClock
) -> None:
    arrive(parts, "a", "b", "c")
    assert drain_inbox(parts) == 3
    assert effects(parts) == ["A", "B", "C"]
    assert states(parts) == [State.DONE] * 3
    assert drain_inbox(parts) == 0


def test_a_crash_between_preparing_and_the_commit_leaves_one_effect(
    parts: Parts, story: Story, clock: SetClock
) -> None:
    arrive(parts, "a", "b")
    story.trouble_while_applying["a"] = SystemExit()  # the process dies
    with pytest.raises(SystemExit):
        drain_inbox(parts)
    assert effects(parts) == []
    clock.tick(minutes=2)  # nobody heard of it again
    drain_inbox(parts)
    assert effects(parts) == ["A", "B"]
    assert story.prepared == ["a", "a", "b"]


def test_a_failure_while_applying_rolls_back_its_effect(
    parts: Parts, story: Story, clock: SetClock
) -> None:
    arrive(parts, "a")
    story.trouble_while_applying["a"] = RuntimeError("with the name of a physician")
    drain_inbox(parts)
    assert effects(parts) == []
    clock.tick(seconds=1)
    drain_inbox(parts)
    assert effects(parts) == ["A"]


def test_a_poison_event_is_parked_after_five_attempts_and_harms_nobody(
    parts: Parts, story: Story, clock: SetClock
) -> None:
    arrive(parts, "bad", "next")
    arrive(parts, "other", to="q")
    story.trouble["bad"] = RuntimeError("张医生 13800000000")
    drain_inbox(parts)
    assert effects(parts) == ["OTHER"]  # a neighbour in another partition did not wait
    for _ in range(10):
        clock.tick(minutes=6)
        drain_inbox(parts)
    assert story.prepared.count("bad") == 5
    assert states(parts) == [State.DEAD, State.DONE, State.DONE]
    with parts.db.reading() as session:
        (dead,) = inbox.listing(session, state=State.DEAD)
    assert dead.error.startswith("RuntimeError in prepare:")
    assert "张" not in dead.error
    assert "138" not in dead.error


def test_a_parked_event_can_be_replayed_after_the_repair(
    parts: Parts, story: Story, clock: SetClock
) -> None:
    arrive(parts, "bad")
    story.trouble["bad"] = Permanent("这位联系人不存在")
    drain_inbox(parts)
    assert states(parts) == [State.DEAD]
    with parts.db.reading() as session:
        assert inbox.listing(session)[0].error == "Permanent: 这位联系人不存在"
    story.trouble.clear()
    with parts.db.transaction() as session:
        assert inbox.replay(session, clock(), state=State.DEAD) == 1
    drain_inbox(parts)
    assert (states(parts), effects(parts)) == ([State.DONE], ["BAD"])


def test_a_used_up_quota_waits_as_long_as_the_platform_asks(
    parts: Parts, story: Story, clock: SetClock
) -> None:
    arrive(parts, "a")
    story.trouble["a"] = RateLimited("externalcontact/get: errcode 45009", retry_after_s=60)
    drain_inbox(parts)
    story.trouble.clear()
    clock.tick(seconds=59)
    assert drain_inbox(parts) == 0
    clock.tick(seconds=1)
    assert drain_inbox(parts) == 1


def test_facts_without_a_flow_and_unknown_sources_are_kept(
    parts: Parts, story: Story, clock: SetClock
) -> None:
    arrive(parts, "a", event="msgaudit_notify")
    arrive(parts, "b", event="never_heard_of")
    with parts.db.transaction() as session:
        inbox.append(
            session, source="hook:meeting", receiver="r", body=b"{}", event_type="x",
            partition="x", occurred_at=None, urgent=False, now=clock(),
        )  # fmt: skip
    drain_inbox(parts)
    assert states(parts) == [State.UNKNOWN] * 3
    with parts.db.reading() as session:
        reasons = {event.error for event in inbox.listing(session)}
    assert reasons == {
        "no flow handles ArchiveNotified yet",
        "no translator for never_heard_of/update",
        "no translator for hook:meeting",
    }


def test_a_drain_stops_between_two_events_when_asked(
    parts: Parts, story: Story, clock: SetClock
) -> None:
    arrive(parts, *"abcdef")
    assert drain_inbox(parts, stop=lambda: len(story.prepared) >= 2) == 2
    assert drain_inbox(parts, limit=3) == 3
    assert effects(parts) == list("ABCDE")


def test_a_drain_ends_after_its_time_so_that_others_get_a_turn(
    parts: Parts, story: Story, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrive(parts, *"abc")
    slow = story.prepare

    def prepare(fact: CorpTagChanged, outside: object) -> str:
        clock.tick(seconds=50)
        return slow(fact, outside)

    monkeypatch.setattr(reading, "flow_for", lambda _fact: Flow("slow", prepare, story.apply))
    assert drain_inbox(parts) == 2


def test_a_call_that_hangs_holds_up_no_event_that_arrives_meanwhile(
    parts: Parts, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrive(parts, "a", to="one")
    reached, go_on = threading.Event(), threading.Event()

    def prepare(fact: CorpTagChanged, outside: object) -> str:
        if fact.tag_id == "a":
            reached.set()
            assert go_on.wait(30)
        else:
            go_on.set()
        return story.prepare(fact, outside)

    monkeypatch.setattr(reading, "flow_for", lambda _fact: Flow("slow", prepare, story.apply))
    with ThreadPoolExecutor(1) as pool:
        draining = pool.submit(drain_inbox, parts)
        assert reached.wait(30)
        arrive(parts, "b", to="two")
        assert draining.result() == 2
    assert sorted(effects(parts)) == ["A", "B"]


def test_an_explanation_holds_no_content() -> None:
    with pytest.raises(KeyError) as caught:
        {}["wmSecretContact"]
    place = "test_an_explanation_holds_no_content"
    assert explain(caught.value).startswith(f"KeyError in {place}:")
