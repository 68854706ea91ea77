"""Deciding whether two are one physician: by one person or two, followed by everything, undone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from app import identity, linkage
from app.flows.identity.link_decision import Verdict, decide, is_void, undo, waits_for_second
from app.identity import Id, Identifier, Kind
from app.infra import crypto
from app.infra.db import Database
from app.infra.errors import NotFound, Refused
from app.linkage import LinkCandidate, State
from tests.conftest import NOON

LATER = NOON + timedelta(hours=1)
CONTACT = Id(Kind.WECOM_EXTERNAL_USERID, "ww1", "wmABC")
FAN = Id(Kind.OPENID, "wx1", "oA1")
LICENCE = Id(Kind.LICENCE_NO, "", "110440000012345")
CRM = Id(Kind.CRM_ID, "", "HCP-1")


def ask(session: Session, *ids: Id, score: float = 9.0) -> LinkCandidate:
    """Two who were seen apart may be one."""
    rows = [
        identity.observe(session, [one], event_key=one.value, source="test", at=NOON, now=NOON)[0]
        for one in ids
    ]
    a, b = sorted(row.id for row in rows)
    candidate = LinkCandidate(
        a_id=a, b_id=b, score=score, probability=0.99, weights={}, model_version="test",
        state=State.OPEN, created_at=NOON, updated_at=NOON,
    )  # fmt: skip
    session.add(candidate)
    session.flush()
    return candidate


def say(session: Session, one: LinkCandidate, verdict: Verdict, actor: str = "user:1") -> str:
    return decide(session, one.id, verdict, actor=actor, reason="同院同科", now=LATER).state


def one_ids(session: Session) -> int:
    session.flush()
    session.expire_all()
    return len({row.one_id for row in session.query(Identifier)})


def test_same_joins_different_keeps_apart_and_both_can_be_taken_back(database: Database) -> None:
    with database.transaction() as session:
        one = ask(session, CONTACT, FAN)
        assert say(session, one, Verdict.SAME) == State.ACCEPTED
        assert one_ids(session) == 1
        with pytest.raises(Refused):
            say(session, one, Verdict.DIFFERENT, "user:2")
        assert undo(session, one.id, actor="user:2", now=LATER).state == State.OPEN
        assert one_ids(session) == 2
        assert say(session, one, Verdict.UNSURE) == State.UNSURE
        assert say(session, one, Verdict.DIFFERENT) == State.REJECTED
        (kept, _) = identity.judgements(session)
        assert (kept.kind, kept.reason) == ("cannot", "同院同科")
        undo(session, one.id, actor="user:2", now=LATER)
        assert [made.retracted_by for made in identity.judgements(session)] == ["user:2", "user:2"]
        with pytest.raises(Refused):
            undo(session, one.id, actor="user:2", now=LATER)
        with pytest.raises(NotFound):
            say(session, LinkCandidate(id=404), Verdict.SAME)


def test_two_registered_physicians_are_joined_by_two_persons(database: Database) -> None:
    with database.transaction() as session:
        one = ask(session, LICENCE, CRM)
        assert say(session, one, Verdict.SAME) == State.OPEN
        assert waits_for_second(one)
        assert one_ids(session) == 2
        with pytest.raises(Refused, match="另一位"):
            say(session, one, Verdict.SAME)
        undo(session, one.id, actor="user:1", now=LATER)
        assert not waits_for_second(one)
        say(session, one, Verdict.SAME)
        assert say(session, one, Verdict.SAME, "user:2") == State.ACCEPTED
        assert (one.decided_by, one.second_by) == ("user:1", "user:2")
        assert one_ids(session) == 1


@pytest.mark.parametrize("change", ["nothing", "fields", "evidence", "identifiers"])
def test_two_persons_agree_about_the_same_or_the_first_word_is_void(
    database: Database, change: str
) -> None:
    def see(session: Session, *ids: Id, key: str) -> Identifier:
        return identity.observe(
            session, ids, event_key=key, source="crm", at=NOON, now=NOON
        )[0]  # fmt: skip

    def describe(session: Session, hospital: str) -> None:
        row = see(session, LICENCE, key="row")
        said = {"name": "王敏", "hospital": hospital}
        identity.describe(session, row, said, source="crm", trust=50, at=NOON, now=NOON)

    phone = Id(Kind.PHONE, "", "+8619912345678")
    with database.transaction() as session:
        see(session, LICENCE, phone, key="before")
        one = ask(session, LICENCE, CRM)
        describe(session, "示例市第一人民医院")
        say(session, one, Verdict.SAME)
        if change == "fields":
            describe(session, "示例市第二人民医院")
        elif change == "evidence":
            identity.observe(
                session, [LICENCE, phone], event_key="again", source="oa", at=NOON, now=NOON
            )
        elif change == "identifiers":
            see(session, CRM, FAN, key="more")
    with database.transaction() as session:
        one = session.get_one(LinkCandidate, one.id)
        void = change != "nothing"
        assert is_void(session, one) == void
        wanted = State.OPEN if void else State.ACCEPTED
        assert say(session, one, Verdict.SAME, "user:2") == wanted
        assert one_ids(session) == (2 if void else 1)
        if void:
            assert (one.decided_by, one.second_by) == ("user:2", None)
            assert say(session, one, Verdict.SAME, "user:1") == State.ACCEPTED
            assert one_ids(session) == 1


def test_what_is_no_question_any_more_expires_and_a_retracted_answer_is_one_again(
    database: Database,
) -> None:
    union = Id(Kind.UNIONID, "open", "oU1")
    with database.transaction() as session:
        joined = ask(session, CONTACT, FAN)
        gone = ask(session, LICENCE, CRM)
        answered = ask(session, union, Id(Kind.OPENID, "wx2", "oB1"))
        say(session, answered, Verdict.SAME)
        identity.observe(
            session, [CONTACT, FAN], event_key="e", source="test", at=NOON, now=NOON
        )  # fmt: skip
        forgotten = identity.find(session, CRM)
        assert forgotten
        identity.forget(session, forgotten, cause="e2", now=NOON)
        assert answered.override_id
        identity.retract(session, answered.override_id, actor="user:3", now=LATER)
        with pytest.raises(Refused):
            say(session, joined, Verdict.SAME)
        with pytest.MonkeyPatch.context() as patch:  # nothing is decrypted for it
            patch.setattr(crypto.KeyRing, "decrypt", None)
            told = linkage.tidy(session, LATER)
        assert told == {State.EXPIRED: 2, State.OPEN: 1}
        assert [one.state for one in (joined, gone, answered)] == ["expired", "expired", "open"]
        assert linkage.tidy(session, LATER) == {State.EXPIRED: 0, State.OPEN: 0}
        assert linkage.counts(session)[State.EXPIRED] == 2
