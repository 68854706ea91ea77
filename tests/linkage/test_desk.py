"""Whom the desk shows to whom, what counts as done, and conflicts as cases like the others."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import identity, linkage
from app.flows.identity.link_decision import Verdict, decide, undo
from app.identity import Id, Kind
from app.infra.db import Database
from app.infra.errors import Refused
from app.linkage import LinkCandidate, State
from app.linkage.desk import AHEAD
from tests.conftest import NOON
from tests.flows.test_link_decision import ask

ME, OTHER = "user:1", "user:2"
MIDNIGHT, LATER = NOON.replace(hour=0), NOON + timedelta(hours=2)


def many(session: Session, number: int, kind: Kind = Kind.OPENID) -> list[LinkCandidate]:
    return [
        ask(session, Id(kind, "wx1", f"oLeft{n}"), Id(kind, "wx1", f"oRight{n}"), score=9.0 + n % 3)
        for n in range(number)
    ]


def say(session: Session, one: LinkCandidate, verdict: Verdict, actor: str = ME) -> None:
    decide(session, one.id, verdict, actor=actor, reason="比对", now=NOON)
    session.flush()


def test_each_person_goes_through_all_and_two_rarely_look_at_the_same(database: Database) -> None:
    with database.transaction() as session:
        rows = many(session, 40)
        seen: dict[str, list[int]] = {ME: [], OTHER: []}
        for _ in rows:
            for actor, mine in seen.items():
                left = sorted((row.score for row in rows if row.id not in mine), reverse=True)
                found = linkage.next_for(session, actor, mine)
                assert found is not None
                assert found.score >= left[:AHEAD][-1]  # the likeliest come first
                mine.append(found.id)
        assert sorted(seen[ME]) == sorted(seen[OTHER]) == sorted(row.id for row in rows)
        assert linkage.next_for(session, ME, seen[ME]) is None
        together = sum(a == b for a, b in zip(*seen.values(), strict=True))
        assert together < len(rows) / 4


def test_who_called_two_registered_one_person_is_not_asked_again(database: Database) -> None:
    with database.transaction() as session:
        (one,) = [ask(session, Id(Kind.LICENCE_NO, "", "1"), Id(Kind.CRM_ID, "", "HCP-1"))]
        say(session, one, Verdict.SAME)
        assert linkage.next_for(session, ME) is None
        assert linkage.pace(session, ME, NOON, MIDNIGHT).left == 0
        assert linkage.next_for(session, OTHER) is one
        assert linkage.pace(session, OTHER, NOON, MIDNIGHT).left == 1


def test_the_pace_is_what_one_decided_and_the_last_comes_back(database: Database) -> None:
    with database.transaction() as session:
        a, b, c = many(session, 3)
        say(session, a, Verdict.SAME)
        say(session, b, Verdict.UNSURE)
        say(session, c, Verdict.DIFFERENT, OTHER)
        mine = linkage.pace(session, ME, NOON, MIDNIGHT)
        assert (mine.left, mine.hour, mine.today) == (0, 2, 2)
        assert linkage.pace(session, ME, LATER, MIDNIGHT).hour == 0
        assert linkage.next_for(session, ME, state=State.UNSURE) is b
        last = linkage.last_of(session, ME)
        assert last is b
        undo(session, last.id, actor=ME, now=NOON)
        assert linkage.last_of(session, ME) is a
        assert linkage.pace(session, ME, NOON, MIDNIGHT).left == 1


def test_a_conflict_is_a_case_until_a_person_has_settled_it(database: Database) -> None:
    licences = [Id(Kind.LICENCE_NO, "", f"11044000001234{n}") for n in range(2)]
    union = Id(Kind.UNIONID, "open", "oU1")
    with database.transaction() as session:
        for n, licence in enumerate(licences):
            identity.observe(
                session, [licence, union], event_key=f"e{n}", source="crm", at=NOON, now=NOON
            )
        assert linkage.are_behind(session)
        assert linkage.take_conflicts(session, NOON) == 1
        assert not linkage.are_behind(session)
        assert linkage.take_conflicts(session, NOON) == 0
        (case,) = session.scalars(select(LinkCandidate))
        assert case.weights == {"conflict": {"level": "limit:licence_no", "bits": 0.0}}
        with pytest.raises(Refused, match="停用"):  # two licences are two persons: mend that first
            say(session, case, Verdict.SAME)
        say(session, case, Verdict.DIFFERENT)
        assert case.state == State.REJECTED
        assert identity.open_conflicts(session, 10) == []
        undo(session, case.id, actor=ME, now=NOON)
        assert case.state == State.OPEN
        assert len(identity.open_conflicts(session, 10)) == 1
        identity.block(session, identity.find(session, union), actor=ME, reason="共用", now=NOON)
        assert linkage.take_conflicts(session, NOON) == 0
        assert case.state == State.EXPIRED
        made = identity.judgements(session)[0]
        identity.retract(session, made.id, actor=ME, now=NOON)
        assert linkage.are_behind(session)
        linkage.take_conflicts(session, NOON)
        assert case.state == State.OPEN


def test_what_a_colleague_confirms_now_is_not_what_one_takes_back(database: Database) -> None:
    with database.transaction() as session:
        (one,) = [ask(session, Id(Kind.LICENCE_NO, "", "1"), Id(Kind.CRM_ID, "", "HCP-1"))]
        (other,) = many(session, 1)
        say(session, one, Verdict.SAME)
        decide(session, other.id, Verdict.DIFFERENT, actor=ME, reason="比对", now=LATER)
        decide(
            session, one.id, Verdict.SAME, actor=OTHER, reason="比对",
            now=LATER + timedelta(minutes=1),
        )  # fmt: skip
        assert one.state == State.ACCEPTED
        assert linkage.last_of(session, ME) is other
        assert linkage.last_of(session, OTHER) is one
        assert linkage.pace(session, ME, LATER, MIDNIGHT).hour == 1


def test_every_decision_that_holds_is_a_label_of_the_next_training(database: Database) -> None:
    with database.transaction() as session:
        a, b, c, joined = many(session, 4)
        for number, row in enumerate(session.scalars(select(identity.Identifier)).all()):
            known = {"name": f"王{'明敏'[number % 2]}", "hospital": "示例市人民医院"}
            identity.describe(session, row, known, source="t", trust=50, at=NOON, now=NOON)
        joined.weights = {"name": {"level": "exact", "bits": 9.0}}
        joined.state = State.AUTOMATIC
        a.weights = joined.weights
        say(session, a, Verdict.SAME)
        say(session, b, Verdict.DIFFERENT)  # nobody had compared them
        say(session, c, Verdict.DIFFERENT)
        undo(session, c.id, actor=ME, now=NOON)
        told = linkage.decided(session)
        assert told.same == told.joined == {(0, *[-1] * 5): 1}
        assert told.different == {(3, 0, *[-1] * 4): 1}, "the surname and the hospital agree"
        assert b.weights["hospital"]["level"] == "same"
