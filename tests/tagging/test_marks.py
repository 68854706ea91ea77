"""Marks of sides: what is ours stays ours, and who is busy keeps nobody else waiting."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import chain, repeat

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from app import reps, tagging
from app.flows.tagging import mirror_plan
from app.identity import Identifier
from app.infra.db import Database
from app.tagging import MirrorState, Source, TagMark, TagMirror, marks, mirror_rules
from app.tagging.mirror.mirrored import MAPPED
from tests.conftest import NOON, SetClock
from tests.tagging.people import person, say, tag

CORP, WECOM_ID = "wwtestcorp", "et1"


def mirrored(session: Session) -> int:
    """房颤 is mirrored, by a corp tag that we made; its id."""
    one = tag(session, "af")
    one.mirrored = True
    session.add(TagMirror(corp_id=CORP, tag_id=one.id, wecom_tag_id=WECOM_ID, name="房颤",
                          made=True, state=MirrorState.THERE, at=NOON))  # fmt: skip
    session.flush()
    MAPPED.changed(session)
    return one.id


def met(session: Session, rep: reps.Rep, who: Identifier) -> int:
    """The side of a rep and a physician who know each other."""
    side = reps.connect(session, rep, who, since=NOON, now=NOON, remark="", add_way=0,
                        channel_state="", mark=None, known=None)  # fmt: skip
    session.flush()
    return side.id


def test_our_mark_is_still_ours_when_a_member_is_put_out_of_use_and_back(
    database: Database,
) -> None:
    later = NOON + timedelta(days=1)
    with database.transaction() as session:
        tagging.seed(session, NOON)
        who, rep = person(session), reps.ensure_rep(session, CORP, "zhang", now=NOON)
        af, side = mirrored(session), met(session, rep, who)
        say(session, who, "af", Source.PERSON)
        marks.hold_plan(session)
        assert marks.plan_people(session, [who.one_id], NOON) == 1
        mark = marks.as_mark(session.get_one(TagMark, (side, af)))
        marks.keep(session, side, af, mirror_rules.written(mark, "add", NOON))
        reps.leave(session, rep, NOON)
        assert marks.plan_people(session, [who.one_id], NOON) == 0
        reps.come_back(session, rep, later)
        read = marks.read_side(session, CORP, side, {WECOM_ID}, later, later)
        assert read.echoes == {WECOM_ID}
        assert marks.plan_people(session, [who.one_id], NOON) == 0


def test_whoever_is_being_read_keeps_nobody_waiting_and_is_looked_at_again(
    database: Database, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = carriers(database, 7)
    monkeypatch.setattr(mirror_plan, "PAGE", 3)
    monkeypatch.setattr(mirror_plan, "PIECE", 2)
    read, looked = {people[0], people[3]}, list[str]()
    plan_people = tagging.plan_people

    def plan(session: Session, one_ids: Sequence[str], now: datetime) -> int:
        if read.intersection(one_ids):
            raise OperationalError("SELECT", {}, Exception("could not obtain lock on row"))
        looked.extend(one_ids)
        return plan_people(session, one_ids, now)

    monkeypatch.setattr(tagging, "plan_people", plan)
    mirror_plan.plan_due(database, clock)
    assert wanted(database) == set(people) - read
    mirror_plan.plan_due(database, clock)
    read.clear()
    mirror_plan.plan_due(database, clock)
    assert wanted(database) == set(people)
    assert sorted(looked) == people, "nobody twice"
    assert mirror_plan.plan_due(database, clock) == 0


def test_a_look_at_everybody_goes_on_where_it_ended(
    database: Database, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = carriers(database, 5)
    monkeypatch.setattr(mirror_plan, "PAGE", 2)
    for number in (2, 4, 5):
        answers = chain([False, False], repeat(True))  # before a page and its piece: then it ends
        mirror_plan.plan_due(database, clock, answers.__next__)
        assert wanted(database) == set(people[:number])


def carriers(database: Database, number: int) -> list[str]:
    """ONE IDs of physicians who know a rep and have the tag that is mirrored."""
    with database.transaction() as session:
        tagging.seed(session, NOON)
        rep = reps.ensure_rep(session, CORP, "zhang", now=NOON)
        mirrored(session)
        people = [person(session, f"wm{n}") for n in range(number)]
        for who in people:
            met(session, rep, who)
            say(session, who, "af", Source.PERSON)
        say(session, person(session, "wm99"), "af", Source.PERSON)  # whom no rep knows
        return sorted(who.one_id for who in people)


def wanted(database: Database) -> set[str]:
    """ONE IDs of those who shall carry the mark."""
    with database.reading() as session:
        return set(session.scalars(
            select(Identifier.one_id)
            .join(reps.RepContact, reps.RepContact.identifier_id == Identifier.id)
            .join(TagMark, TagMark.contact_id == reps.RepContact.id)
            .where(TagMark.wanted)
        ))  # fmt: skip
