"""Marks of sides: what is ours stays ours, and who is busy keeps nobody else waiting."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.orm import Session

from app import reps, tagging
from app.identity import Identifier
from app.infra.db import Database
from app.tagging import MirrorState, Source, TagMark, TagMirror, marks, mirror_rules
from app.tagging.mirrored import MAPPED
from tests.conftest import NOON
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
                        channel_state="", mark="", known=None)  # fmt: skip
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
        reps.come_back(session, rep)
        read = marks.read_side(session, CORP, side, {WECOM_ID}, later, later)
        assert read.echoes == {WECOM_ID}
        assert marks.plan_people(session, [who.one_id], NOON) == 0
