"""Cases open, settle, come back and are undone, on both databases."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from app import court, identity, segments, tagging
from app.court import CaseState, Kind, TagCase, Verdict
from app.identity import Identifier
from app.infra.db import Database
from app.infra.errors import Refused
from app.tagging import Source
from tests.conftest import NOON, SetClock
from tests.court.world import active, by_hand, library, look, send
from tests.tagging.people import person, say, tag

MINUTE = timedelta(minutes=1)
LATER = NOON + timedelta(hours=2)


def test_a_contradiction_is_one_case_until_it_is_decided(database: Database) -> None:
    by_hand(database)
    with database.transaction() as session:
        who = person(session)
        say(session, who, "stage-trial", Source.CRM)
        say(session, who, "stage-regular", Source.PERSON)
        (case,) = look(session, who)
        assert (case.kind, case.state, case.owner) == (Kind.EXCLUSIVE, CaseState.OPEN, "sales")
        assert case.proposed == Verdict.SECOND
        assert look(session, who) == [case]
        court.decide(session, case.id, Verdict.FIRST, actor="user:1", reason="刚问过", now=LATER)
        held = tagging.weights(session, [who.one_id], LATER)[who.one_id]
        trial, regular = tag(session, "stage-trial").id, tag(session, "stage-regular").id
        assert held[trial].value > 0.95
        assert regular not in held
        assert look(session, who, LATER)[0].state == CaseState.SETTLED
        with pytest.raises(Refused):
            court.decide(session, case.id, Verdict.FIRST, actor="user:1", reason="", now=LATER)


def test_deciding_and_undoing_leaves_everything_as_it_was(database: Database) -> None:
    by_hand(database)
    rng = random.Random(11)
    keys = ("stage-trial", "stage-regular", "stage-aware", "af", "cad")
    undone = 0
    for n in range(12):
        with database.transaction() as session:
            who = person(session, f"wm{n}")
            for m in range(rng.randint(3, 9)):
                at = NOON - timedelta(days=rng.choice((0, 5, 40)), seconds=m)
                say(session, who, rng.choice(keys), rng.choice(list(Source)), at,
                    rng.choice((1.0, 0.8, -0.9)))  # fmt: skip
            cases = look(session, who)
            rows = active(session)
            weights = tagging.weights(session, [who.one_id], LATER)[who.one_id]
            rng.shuffle(cases)
            for case in cases:  # one after the other, and back in the other order
                verdict = rng.choice(court.options(Kind(case.kind)))
                court.decide(session, case.id, verdict, actor="user:1", reason="", now=LATER)
            for case in reversed(cases):
                court.undo(session, case.id, actor="user:1", now=LATER)
                undone += 1
            assert active(session) == rows
            assert tagging.weights(session, [who.one_id], LATER)[who.one_id] == weights
            assert {case.state for case in look(session, who)} <= {CaseState.OPEN}
    assert undone > 8


def crm_says(session: Session, who: Identifier, *keys: str) -> None:
    """The whole list of the CRM."""
    names = {tag(session, key).name: "CRM 标签" for key in keys}
    tagging.take_names(
        session, who.id, source=Source.CRM, scope="crm", names=names, at=NOON, now=NOON
    )


def test_a_source_that_repeats_itself_does_not_win_silently(database: Database) -> None:
    by_hand(database)
    with database.transaction() as session:
        who = person(session)
        trial, regular = tag(session, "stage-trial").id, tag(session, "stage-regular").id

        def crm(*keys: str) -> None:
            crm_says(session, who, *keys)

        crm("stage-trial")
        say(session, who, "stage-regular", Source.PERSON)
        (case,) = look(session, who)
        rows = active(session)
        court.decide(session, case.id, Verdict.SECOND, actor="user:1", reason="", now=LATER)
        decided = active(session)
        crm("stage-trial")  # the list is the same as before
        assert active(session) == decided
        say(session, who, "stage-trial", Source.CRM, LATER + timedelta(days=1))  # told otherwise
        assert look(session, who, LATER + timedelta(days=2))[0].state == CaseState.SETTLED
        assert trial not in tagging.weights(session, [who.one_id], LATER)[who.one_id]
        court.undo(session, case.id, actor="user:1", now=LATER)
        assert set(rows) < set(active(session))
        crm()  # the source took it back: undoing later does not bring it back
        court.decide(session, case.id, Verdict.FIRST, actor="user:1", reason="", now=LATER)
        assert regular not in tagging.weights(session, [who.one_id], LATER)[who.one_id]


def test_what_a_source_takes_back_is_not_revived(database: Database) -> None:
    by_hand(database)
    with database.transaction() as session:
        who = person(session)
        trial = tag(session, "stage-trial").id
        for wanted in (["stage-trial"], []):
            crm_says(session, who, *wanted)
            if wanted:
                say(session, who, "stage-regular", Source.PERSON)
                (case,) = look(session, who)
                court.decide(session, case.id, Verdict.SECOND, actor="u", reason="", now=LATER)
        court.undo(session, case.id, actor="u", now=LATER)
        assert trial not in {row[1] for row in active(session)}


def test_new_evidence_and_an_appeal_open_a_case_again_for_somebody_else(
    database: Database,
) -> None:
    by_hand(database)
    with database.transaction() as session:
        who = person(session)
        say(session, who, "stage-trial", Source.CRM)
        say(session, who, "stage-regular", Source.PERSON)
        (case,) = look(session, who)
        court.decide(session, case.id, Verdict.SECOND, actor="user:1", reason="", now=LATER)
        say(session, who, "stage-trial", Source.REP_FEEDBACK, LATER)
        assert look(session, who, LATER)[0].state == CaseState.OPEN
        assert case.verdict == Verdict.SECOND  # stands until somebody decides
        court.decide(session, case.id, Verdict.SECOND, actor="user:1", reason="", now=LATER)
        assert look(session, who, LATER)[0].state == CaseState.SETTLED
        before = active(session)
        with pytest.raises(Refused):
            court.appeal(session, case.id, actor="user:2", reason=" ", now=LATER)
        court.appeal(session, case.id, actor="user:2", reason="科会上问过", now=LATER)
        assert active(session) == before
        with pytest.raises(Refused, match="另一位"):
            court.decide(session, case.id, Verdict.SECOND, actor="user:1", reason="", now=LATER)
        court.decide(session, case.id, Verdict.FIRST, actor="user:3", reason="", now=LATER)
        regular = tag(session, "stage-regular").id
        assert regular not in tagging.weights(session, [who.one_id], LATER)[who.one_id]
        court.undo(session, case.id, actor="user:3", now=LATER)
        assert [row[:3] + row[4:] for row in active(session)] == [r[:3] + r[4:] for r in before]
        kinds = [event.kind for event in court.events(session, case.id)]
        assert kinds == [
            "opened",
            "settled",
            "reopened",
            "settled",
            "appealed",
            "settled",
            "undone",
        ]


def test_sure_cases_settle_themselves_unless_a_person_spoke(database: Database) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        who = person(session)
        about, other = library(session, "af", 12), library(session, "targeted", 12)
        say(session, who, "af", Source.WECOM_TAG, NOON - timedelta(days=30))
        say(session, who, "targeted", Source.CHANNEL)
        send(session, who, about, 0)
        send(session, who, other, 9)
        (case,) = look(session, who)
        assert (case.kind, case.state, case.decided_by) == ("never_opened", "settled", "system")
        assert case.verdict == Verdict.SECOND
        assert case.strength > 0.97
        af = tag(session, "af").id
        assert af not in tagging.weights(session, [who.one_id], NOON)[who.one_id]
        heard = court.evidence(session, case, NOON)  # the losing side is heard in an appeal
        assert [one.source for one in heard.columns[0].reasons] == [Source.WECOM_TAG]
        assert heard.chances[Verdict.SECOND] > 0.97
        court.undo(session, case.id, actor="user:1", now=NOON)
        assert look(session, who)[0].state == CaseState.OPEN
        told = court.evidence(session, case, NOON)
        assert (told.columns[1].sent, told.columns[1].opened) == (12, 0)
        assert told.chances[Verdict.SECOND] == pytest.approx(case.strength)


def test_what_settled_itself_upon_a_verdict_is_undone_with_it(database: Database) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        who = person(session)
        say(session, who, "stage-trial", Source.CRM, NOON - timedelta(days=120))
        say(session, who, "stage-regular", Source.WECOM_TAG)
        say(session, who, "stage-advocate", Source.WECOM_TAG)
        cases, before = look(session, who), active(session)
        assert [case.state for case in cases] == ["open"] * 3
        (sure,) = (c for c in cases if (c.tag_id, c.other_id) == stages(session))
        court.decide(session, sure.id, Verdict.SECOND, actor="user:1", reason="", now=NOON + MINUTE)
        told = {(case.state, case.decided_by) for case in look(session, who, NOON + 2 * MINUTE)}
        assert told == {("settled", "user:1"), ("settled", "system"), ("moot", None)}
        court.undo(session, sure.id, actor="user:1", now=NOON + 3 * MINUTE)
        assert active(session) == before
        cases = look(session, who, NOON + 4 * MINUTE)
        assert {(case.state, case.verdict) for case in cases} == {("open", None)}
        assert active(session) == before


def stages(session: Session) -> tuple[int, int]:
    return tag(session, "stage-regular").id, tag(session, "stage-advocate").id


def test_cases_follow_merges_and_splits(database: Database) -> None:
    by_hand(database)
    with database.transaction() as session:
        one, other = person(session, "wm1"), person(session, "wm2")
        say(session, one, "stage-trial", Source.CRM)
        say(session, other, "stage-regular", Source.PERSON)
        assert look(session, one) == look(session, other) == []
        judged = identity.merge(
            session, one.one_id, other.one_id, actor="user:1", reason="同一人", now=NOON
        )
        session.refresh(one)
        (case,) = look(session, one)
        court.decide(session, case.id, Verdict.SECOND, actor="user:1", reason="", now=LATER)
        identity.retract(session, judged.id, actor="user:1", now=LATER)
        session.refresh(one)
        session.refresh(other)
        assert one.one_id != other.one_id
        look(session, one, LATER)
        look(session, other, LATER)
        court.undo(session, case.id, actor="user:1", now=LATER)
        look(session, session.get_one(Identifier, case.identifier_id), LATER)
        assert session.get_one(TagCase, case.id).state == CaseState.MOOT


def test_a_verdict_overrules_nothing_about_somebody_else(database: Database) -> None:
    by_hand(database)
    with database.transaction() as session:
        one, other = person(session, "wm1"), person(session, "wm2")
        judged = identity.merge(
            session, one.one_id, other.one_id, actor="user:1", reason="同一人", now=NOON
        )
        session.refresh(one)
        session.refresh(other)
        say(session, one, "stage-regular", Source.PERSON)
        say(session, other, "stage-trial", Source.CRM)
        (case,) = look(session, one)
        free = other if case.identifier_id == one.id else one
        before = [row for row in active(session) if row[0] == free.id]
        lost = Verdict.SECOND if free is other else Verdict.FIRST
        court.decide(session, case.id, lost, actor="user:1", reason="", now=LATER)
        assert [row for row in active(session) if row[0] == free.id] == []
        identity.retract(session, judged.id, actor="user:1", now=LATER)
        session.refresh(one)
        session.refresh(other)
        look(session, free, LATER)
        assert [row for row in active(session) if row[0] == free.id] == before


def test_verdicts_that_contradict_each_other_are_heard_again_once(database: Database) -> None:
    by_hand(database)
    with database.transaction() as session:
        people, cases = [person(session, "wm1"), person(session, "wm2")], []
        for number, verdict in enumerate((Verdict.FIRST, Verdict.SECOND)):
            say(session, people[number], "af", Source.CRM)
            say(session, people[number], "af", Source.PERSON, confidence=-1.0)
            (case,) = look(session, people[number])
            at = NOON + timedelta(minutes=number)
            cases.append(court.decide(session, case.id, verdict, actor="u", reason="", now=at))
        identity.merge(
            session, *(who.one_id for who in people), actor="user:1", reason="同一人", now=LATER
        )
        session.refresh(people[0])
        look(session, people[0], LATER)
        assert [case.state for case in cases] == [CaseState.SETTLED, CaseState.OPEN]
        court.decide(session, cases[1].id, Verdict.SECOND, actor="u", reason="", now=LATER)
        look(session, people[0], LATER)
        assert [case.state for case in cases] == [CaseState.SETTLED, CaseState.SETTLED]
        assert tagging.weights(session, [people[0].one_id], LATER)[people[0].one_id] == {}


def test_whoever_changed_is_marked_for_the_court_and_looked_at_once(
    database: Database, clock: SetClock
) -> None:
    by_hand(database)
    with database.transaction() as session:
        who = person(session)
        about, other = library(session, "af", 8), library(session, "targeted", 8)
        say(session, who, "af", Source.WECOM_TAG, NOON - timedelta(days=30))
        send(session, who, [*about, *other], 0)
        send(session, who, other, 8, NOON - timedelta(days=19))
    with database.transaction() as session:
        assert court.is_night(session, clock())
        while court.is_night(session, clock()):  # a day at a time
            court.mark_ripened(session, clock())
    with database.transaction() as session:
        assert court.are_due(session)
        assert court.examine_due(session, clock()) == 1
        assert not court.are_due(session)
        assert court.count_by_state(session) == {"open": 1}
    segments.build(database, clock)
    with database.transaction() as session:
        say(session, who, "stage-trial", Source.CRM)
        say(session, who, "stage-regular", Source.PERSON)
    with database.transaction() as session:
        segments.fold(session, clock(), tell=court.mark)
    with database.transaction() as session:
        court.examine_due(session, clock())
        assert court.count_by_state(session) == {"open": 2}
        assert not court.are_due(session)
        person(session, "wm9")
        last = court.mark_everybody(session, limit=1)
        assert last
        assert court.mark_everybody(session, last) == ""
        assert court.examine_due(session, clock()) == 2


def test_erasing_an_identifier_takes_its_cases_and_frees_what_they_overruled(
    database: Database,
) -> None:
    by_hand(database)
    with database.transaction() as session:
        who = person(session)
        say(session, who, "stage-trial", Source.CRM)
        say(session, who, "stage-regular", Source.PERSON)
        (case,) = look(session, who)
        rows = active(session)
        court.decide(session, case.id, Verdict.SECOND, actor="u", reason="因为", now=LATER)
        court.erase(session, who.id, NOON - timedelta(days=1))
        assert court.count_by_state(session) == {"settled": 1}
        court.erase(session, who.id, None)
        assert court.count_by_state(session) == {}
        assert set(rows) <= set(active(session))
