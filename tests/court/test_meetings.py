"""Verdicts, foldings and merges meet: each is undone exactly, whichever came in between."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import court, tagging
from app.court import Verdict
from app.flows.tagging import vocabulary
from app.identity import Identifier
from app.infra.db import Database
from app.tagging import Source, marks
from app.tagging.models import TagAssertion, TagSighting
from tests.conftest import NOON
from tests.court.world import by_hand, look
from tests.tagging.people import fold_name, person, say, tag, unfold
from tests.tagging.test_unfolding import take

DAY = timedelta(days=1)


def deny(session: Session, who: Identifier, key: str, says: Source = Source.PERSON) -> int:
    """Somebody says that the tag is wrong, and a verdict agrees; the case."""
    say(session, who, key, says, confidence=-1.0)
    case = next(one for one in look(session, who) if one.kind == "denied")
    court.decide(session, case.id, Verdict.SECOND, actor="user:1", reason="", now=NOON)
    return case.id


def held(session: Session, source: Source) -> list[str]:
    """The tags that this source gives somebody."""
    keys = {one.id: one.key for one in session.scalars(select(tagging.Tag))}
    chosen = select(TagAssertion.tag_id).where(
        TagAssertion.source == source, TagAssertion.superseded_at.is_(None)
    )
    return [keys[number] for number in session.scalars(chosen)]


def merge(session: Session) -> int:
    return vocabulary.merge(session, "af", "heart-failure", actor="user:1", now=NOON + DAY).number


def test_a_claim_comes_back_where_it_is_by_then(database: Database) -> None:
    by_hand(database)
    with database.transaction() as session:
        who = person(session)
        say(session, who, "af", Source.CRM)
        case = deny(session, who, "af")
        version = merge(session)
        assert held(session, Source.CRM) == []
        court.undo(session, case, actor="user:1", now=NOON + DAY)
        assert held(session, Source.CRM) == ["heart-failure"]
        vocabulary.undo(session, version, actor="user:1", now=NOON + DAY)
        assert held(session, Source.CRM) == ["af"]


def test_what_was_overruled_after_a_merge_goes_back_with_it(database: Database) -> None:
    by_hand(database)
    with database.transaction() as session:
        who = person(session)
        say(session, who, "af", Source.CRM)
        version = merge(session)
        case = deny(session, who, "heart-failure")
        vocabulary.undo(session, version, actor="user:1", now=NOON + DAY)
        assert held(session, Source.CRM) == []
        court.undo(session, case, actor="user:1", now=NOON + DAY)
        assert held(session, Source.CRM) == ["af"]


def test_a_repeated_claim_stays_overruled_after_a_merge(database: Database) -> None:
    by_hand(database)
    with database.transaction() as session:
        who = person(session)
        take(session, who, 1, {"房颤"}, NOON)
        case = deny(session, who, "af")
        merge(session)
        take(session, who, 1, {"房颤"}, NOON + DAY)
        assert held(session, Source.WECOM_TAG) == []
        court.undo(session, case, actor="user:1", now=NOON + DAY)
        assert held(session, Source.WECOM_TAG) == ["heart-failure"]


def test_a_name_that_means_nothing_any_more_gives_nothing(database: Database) -> None:
    """Overruled, moved and overruled, or only moved: its carriers wait."""
    by_hand(database)
    with database.transaction() as session:
        who = person(session)
        for number, (denied, merged) in enumerate(((True, False), (True, True), (False, True))):
            step = session.begin_nested()
            take(session, who, 1, {"老朋友"}, NOON)
            (name,) = tagging.unmapped(session)
            by = {"actor": "user:1", "now": NOON}
            folding = fold_name(session, name.id, "af", batch=str(number), **by).id
            case = deny(session, who, "af") if denied else None
            if merged:
                merge(session)
            unfold(session, folding, **by)
            if case is not None:
                court.undo(session, case, **by)
            assert held(session, Source.WECOM_TAG) == []
            assert session.scalars(select(TagSighting.scope)).all() == ["rep:1"]
            step.rollback()
            tagging.LEXICON.changed(session)


def test_who_sets_a_mark_again_takes_back_also_what_was_overruled(database: Database) -> None:
    by_hand(database)
    with database.transaction() as session:
        who, af = person(session), tag(session, "af")
        say(session, who, "af", Source.PERSON)
        tagging.assert_tag(
            session, who.id, af.id, source=Source.REP_FEEDBACK, ref="mark:7:1", evidence="去掉了",
            at=NOON, confidence=-1.0,
        )  # fmt: skip
        case = next(one for one in look(session, who) if one.kind == "denied")
        court.decide(session, case.id, Verdict.FIRST, actor="user:1", reason="", now=NOON)
        marks._take_back(session, 7, af.id, NOON)
        court.undo(session, case.id, actor="user:1", now=NOON + DAY)
        assert held(session, Source.REP_FEEDBACK) == []
        assert held(session, Source.PERSON) == ["af"]
