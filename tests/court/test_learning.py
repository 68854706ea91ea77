"""What is learned is applied to whom it concerns, and to nobody else; audiences follow."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from app import court, segments, tagging
from app.court.truth import RETIRE_PEOPLE
from app.infra.db import Database
from app.infra.errors import Refused
from app.tagging import ANY_TAG, Learned, Source
from tests.conftest import NOON, SetClock
from tests.court.world import library, send
from tests.tagging.people import person, say, tag


def told(source: Source, tag_id: int, value: float, people: int = 100) -> Learned:
    return Learned(source, tag_id, value, value - 0.05, value + 0.05, people, 400, 90, 50.0, 80.0)


def test_only_what_is_news_is_applied_and_reasons_still_sum(database: Database) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        who, af = person(session), tag(session, "af").id
        say(session, who, "af", Source.CRM, NOON - timedelta(days=90))
        say(session, who, "af", Source.WECOM_TAG)
        assert not tagging.learn(session, told(Source.CRM, af, 0.615), NOON)  # 0.6 before
        assert tagging.trust(session).of(Source.CRM, af).value == 0.6
        assert tagging.learn(session, told(Source.CRM, af, 0.31), NOON)
        assert tagging.trust(session).of(Source.CRM, af).people == 100
        assert tagging.trust(session).of(Source.CRM, af + 1).value == 0.6
        reasons = tagging.reasons(session, who.one_id, NOON)[af]
        held = tagging.weights(session, [who.one_id], NOON)[who.one_id][af]
        assert sum(one.share for one in reasons) == pytest.approx(held.value)
        fading = 2 ** (-90 / 365)
        assert held.value == pytest.approx(1 - 0.3 * (1 - 0.31 * fading))
        changes = tagging.reliability_changes(session, Source.CRM, af)
        assert [(c.was, c.became, c.actor) for c in changes] == [(0.6, 0.31, "system")]


def test_a_value_set_by_hand_holds_until_it_is_given_back(database: Database) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        af = tag(session, "af").id
        with pytest.raises(Refused):
            tagging.fix(session, Source.CRM, af, 0.9, actor="user:1", reason=" ", now=NOON)
        tagging.fix(session, Source.CRM, af, 0.9, actor="user:1", reason="新系统", now=NOON)
        assert not tagging.learn(session, told(Source.CRM, af, 0.2), NOON)
        assert tagging.trust(session).of(Source.CRM, af).value == 0.9
        tagging.release(session, Source.CRM, af, actor="user:1", now=NOON)
        assert tagging.trust(session).of(Source.CRM, af).value == 0.2
        with pytest.raises(Refused):
            tagging.release(session, Source.CRM, af, actor="user:1", now=NOON)


def test_audiences_follow_what_was_learned(database: Database, clock: SetClock) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        people = [person(session, f"wm{n}") for n in range(6)]
        for n, who in enumerate(people):
            say(
                session,
                who,
                ("af", "cad", "stage-trial")[n % 3],
                (Source.CRM, Source.PERSON)[n // 3],
            )
        af = tag(session, "af")
    segments.build(database, clock)
    for learned in (told(Source.CRM, af.id, 0.1), told(Source.CRM, ANY_TAG, 0.95)):
        with database.transaction() as session:
            tagging.learn(session, learned, clock())
        with database.transaction() as session:
            assert segments.fold(session, clock()) == (1 if learned.tag_id else 2)
        assert list(segments.verify(database, clock)) == []
    with database.reading() as session:
        found = segments.audience(session, f"标签:{af.name}", clock(), 0)
        assert found.size == 1


def test_a_source_is_learned_from_the_logs(database: Database, clock: SetClock) -> None:
    """CRM is right, channels are not; whoever opens everything praises nobody."""
    rng = random.Random(3)
    with database.transaction() as session:
        tagging.seed(session, NOON)
        about, other = library(session, "af", 6), library(session, "targeted", 12)
        before = NOON - timedelta(days=60)
        for n in range(90):
            who = person(session, f"wm{n}")
            source = (Source.CRM, Source.CHANNEL, None)[n % 3]
            if source:
                say(session, who, "af", source, before)
            if n % 9 == 2:
                opened = (6, 12)
            else:
                opened = (5 if source is Source.CRM else rng.randint(0, 1), rng.randint(1, 3))
            send(session, who, about, opened[0])
            send(session, who, other, opened[1])
    logs = court.learn(database, clock)
    assert logs is not None
    assert logs.people == 90
    with database.reading() as session:
        af = tag(session, "af").id
        trust = tagging.trust(session)
        assert trust.of(Source.CRM, af).value > 0.8
        assert trust.of(Source.CHANNEL, af).value < 0.3
        assert trust.of(Source.CRM, ANY_TAG).people == 30
        lines = court.truth(session, tag_id=af)
        assert [line.row.source for line in lines] == [Source.CHANNEL, Source.CRM]
        assert lines[1].lift is not None
        assert lines[1].lift > 2
        assert not court.is_learning_due(session, clock())
        assert court.retirements(session) == []


def test_a_tag_that_predicts_nothing_is_proposed_for_retirement_once(database: Database) -> None:
    from app.court.truth import propose_retirements

    with database.transaction() as session:
        tagging.seed(session, NOON)
    with database.transaction() as session:
        af, cad = tag(session, "af").id, tag(session, "cad").id
        bad = Learned("", af, 0.1, 0.05, 0.2, RETIRE_PEOPLE, 300, 30, 31.0, 60.0)
        assert propose_retirements(session, [bad, told(Source.CRM, cad, 0.6)], NOON) == 1
        ((row, proposed),) = court.retirements(session)
        assert (proposed.key, row.opens) == ("af", 30)
        court.decide_retirement(session, af, accept=False, actor="user:1", now=NOON)
        assert propose_retirements(session, [bad], NOON) == 0  # it is remembered
        with pytest.raises(Refused):
            court.decide_retirement(session, af, accept=True, actor="user:1", now=NOON)
        more = Learned("", af, 0.1, 0.05, 0.2, 2 * RETIRE_PEOPLE, 600, 60, 62.0, 120.0)
        assert propose_retirements(session, [more], NOON) == 1
        court.decide_retirement(session, af, accept=True, actor="user:1", now=NOON)
        assert not tag(session, "af").active
    with database.reading() as session:
        newest = tagging.versions.listing(session)[0]
        assert (newest.kind, newest.actor, newest.at) == ("retire", "user:1", NOON)
