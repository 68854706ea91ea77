"""If something were otherwise: the product's own scores, before and after, and nothing written."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from app import consent, content, recommend, tagging
from app.consent import Action, ContactFacts, Rules, Through
from app.flows.allowed.history import History
from app.flows.planning import what_if as flow
from app.flows.planning.candidates import consider
from app.flows.planning.plan_day import plan_day
from app.flows.planning.what_if import Change, Imagined, Situation, outlook, situation
from app.infra.clock import local
from app.infra.db import Database
from app.infra.errors import NotFound
from app.recommend import Answer, Piece
from tests.company import hire, meet, publish
from tests.conftest import NOON
from tests.flows.test_insight_contents import sent

OPEN = ContactFacts(through=Through.ACCOUNT, permitted=True, opted_out=False, content_usable=True,
                    follows=True, spared_by=())  # fmt: skip
TAGS = st.dictionaries(st.integers(1, 6), st.floats(0.05, 1.0), max_size=5)


def imagined(held: dict[int, float], library: list[dict[int, float]]) -> Situation:
    """A physician and contents that are in no database."""
    pieces = [Piece(n, n, tags, NOON) for n, tags in enumerate(library, start=1)]
    return Situation(
        one_id="Y", rep=None, at=NOON, pieces=pieces, titles={p.content_id: "" for p in pieces},
        held=held, past=History(), ask=None, contact=None, account=OPEN, rules=Rules(),
        parents={1: 2}, exclusive={5: "a", 6: "a"}, response=recommend.DAY_0,
        moment=NOON,
    )  # fmt: skip


def tag_ids(session: Session, *keys: str) -> list[int]:
    found = [tagging.by_key(session, key) for key in keys]
    return [tag.id for tag in found if tag is not None]


@given(TAGS, st.lists(TAGS, max_size=5), st.integers(1, 6), st.floats(0.05, 1.0))
def test_a_tag_more_never_lowers_its_contents_and_one_less_takes_its_parts(
    held: dict[int, float], library: list[dict[int, float]], tag: int, strength: float
) -> None:
    given_ = imagined({t: w for t, w in held.items() if t < 5}, library)
    now = {fit.piece.content_id: fit for fit in outlook(given_).fits}
    more = {fit.piece.content_id: fit for fit in outlook(given_, Change(add={tag: strength})).fits}
    for content_id, fit in now.items():
        assert more[content_id].score >= fit.score - 1e-9
    less = {fit.piece.content_id: fit
            for fit in outlook(given_, Change(remove=frozenset({tag}))).fits}  # fmt: skip
    for content_id, fit in less.items():
        assert tag not in fit.parts
        assert fit.score == pytest.approx(now[content_id].score - now[content_id].parts.get(tag, 0))
    assert outlook(given_, Change()) == outlook(given_)


@given(TAGS, st.lists(TAGS, min_size=1, max_size=5))
def test_every_content_is_a_fit_or_told_why_not(
    held: dict[int, float], library: list[dict[int, float]]
) -> None:
    given_ = imagined(held, library)
    seen = outlook(given_, Change(contents=[Imagined("设想", {1: 1.0})]))
    assert sorted([*seen.ids, *seen.out]) == sorted([-1, *range(1, len(library) + 1)])
    assert [seen.place(n) for n in seen.ids] == list(range(1, len(seen.ids) + 1))


def test_of_tags_that_exclude_each_other_the_added_one_stays() -> None:
    given_ = imagined({5: 0.9, 1: 0.5, -6: 0.3}, [])
    assert flow.held_with(given_, Change(add={6: 0.4})) == {1: 0.5, -6: 0.3, 6: 0.4}


def test_without_a_change_it_is_what_planning_looks_at(database: Database) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        rep = hire(session, "rep01", NOON)
        keys = ("af", "hypertension", "heart-failure")
        for n in range(6):
            publish(session, f"内容{n}", (keys[n % 3], keys[n % 2]), NOON - timedelta(days=n))
        rows = [meet(session, rep, f"n{n}", NOON, tags=(keys[n],)) for n in range(3)]
        version = publish(session, "有了", ("af",), NOON)
        sent(session, rep, rows[0], version, NOON - timedelta(hours=1))
        closed = publish(session, "只给有执业号的", ("af",), NOON)
        content.set_terms(session, closed.content_id, verified_only=True, provinces=(),
                          specialties=(), refusal_for_all=False, by="x", now=NOON)  # fmt: skip
        planned = consider(session, rep, NOON)
        for row in rows:
            given_ = situation(session, row.one_id, NOON)
            seen = outlook(given_)
            mine = planned.whole([c for c in planned.candidates if c.person == row.one_id])
            assert list(seen.suggested) == [c.fit for c in mine]
            assert seen.verdicts[Through.REP] == planned.verdicts[row.one_id]
        made = outlook(situation(session, rows[0].one_id, NOON))
        assert made.out[version.content_id] == "had_it"
        assert made.out[closed.content_id] == "barred"


def test_a_channel_that_is_allowed_opens_what_was_closed(database: Database) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        rep = hire(session, "rep01", NOON)
        publish(session, "甲", ("af",), NOON)
        row = meet(session, rep, "wang", NOON, tags=("af",))
        consent.record(session, row.id, action=Action.WITHDRAW, source="keyword", at=NOON)
        given_ = situation(session, row.one_id, NOON)
        shut = outlook(given_)
        assert (shut.blocked, shut.suggested) == ("opted_out", ())
        opened = outlook(given_, Change(allow=frozenset({Through.REP})))
        assert (opened.blocked, len(opened.suggested)) == ("", 1)
        assert not opened.verdicts[Through.ACCOUNT].allowed
    with database.reading() as session:
        assert outlook(situation(session, row.one_id, NOON)).blocked == "opted_out"
        with pytest.raises(NotFound):
            situation(session, "nobody", NOON)


def test_why_a_content_is_not_suggested_is_one_rule(database: Database) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        rep = hire(session, "rep01", NOON)
        best = publish(session, "最好", ("af",), NOON)
        names = {
            "second": publish(session, "第二", ("af", "hypertension"), NOON),
            "third": publish(session, "别的", ("hypertension",), NOON),
            "had": publish(session, "有了", ("af",), NOON),
            "past": publish(session, "过期", ("af",), NOON - timedelta(days=99), days=100),
        }
        names["past"].valid_until = NOON - timedelta(hours=1)
        row = meet(session, rep, "wang", NOON, tags=("af",))
        sent(session, rep, row, names["had"], NOON - timedelta(days=1))
        session.flush()

        def why(version: content.ContentVersion) -> flow.WhyNot:
            given_ = situation(session, row.one_id, NOON)
            problem = content.problem(session, version, NOON)
            return flow.why_not(given_, outlook(given_), version, problem)

        assert why(best).code == "first"
        second = why(names["second"])
        assert (second.code, second.place, second.best[0][0]) == ("outscored", 2, "最好")
        assert second.score is not None
        assert second.score < second.best[0][1]
        assert why(names["third"]).code == "no_tag"
        assert why(names["had"]).code == "had_it"
        assert (why(names["past"]).code, why(names["past"]).text) == ("unusable", "内容已过期")
        plan_day(session, rep, local(NOON).date(), base_url="http://yishu.test", now=NOON)
        (made,) = recommend.of_rep(session, rep.id)
        assert why(names["second"]).code == "suggested_lately"
        recommend.answer(session, made, Answer.REFUSE, ref="1", now=NOON, reason="content")
        refused = why(best)
        assert (refused.code, refused.until) == ("hidden", NOON + timedelta(days=30))
        assert why(names["second"]).code == "first"
        consent.record(session, row.id, action=Action.WITHDRAW, source="keyword", at=NOON)
        assert (why(best).code, why(best).text) == ("blocked", "医生已退订")


def test_a_safety_notice_goes_first_and_is_all_that_who_is_held_out_gets(
    database: Database,
) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        rep = hire(session, "rep01", NOON)
        usual = publish(session, "房颤", ("af",), NOON)
        notice = publish(session, "召回通知", ("af", "nsclc"), NOON, purpose=content.Purpose.SAFETY)
        row = meet(session, rep, "wang", NOON, tags=("af",))
        held = replace(situation(session, row.one_id, NOON), resting=True)
        for given_, codes in ((held, ["held", "first"]),
                              (replace(held, resting=False), ["notice", "first"])):  # fmt: skip
            seen = outlook(given_)
            assert [fit.piece.content_id for fit in seen.suggested] == [notice.content_id]
            told = [flow.why_not(given_, seen, version, "") for version in (usual, notice)]
            assert [why.code for why in told] == codes
            assert told[1].place == 2


def test_an_imagined_content_stands_beside_the_real_ones(database: Database) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        rep = hire(session, "rep01", NOON)
        real = publish(session, "真的", ("af", "hypertension"), NOON - timedelta(days=60))
        row = meet(session, rep, "wang", NOON, tags=("af",))
        (af,) = tag_ids(session, "af")
        given_ = situation(session, row.one_id, NOON)
        change = Change(contents=[Imagined("设想的", {af: 1.0})])
        rows = flow.beside(outlook(given_), outlook(given_, change), 5)
        assert [(one.title, one.place_before, one.place_after) for one in rows] == [
            ("设想的", None, 1), ("真的", 1, 2)
        ]  # fmt: skip
        assert [one.content_id for one in rows] == [-1, real.content_id]


def test_what_a_rep_wanted_later_goes_first_with_the_plans_own_score(database: Database) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        rep = hire(session, "rep01", NOON)
        old = publish(session, "推后的", ("af", "hypertension"), NOON - timedelta(days=9))
        row = meet(session, rep, "wang", NOON, tags=("af",))
        plan_day(session, rep, local(NOON).date(), base_url="http://yishu.test", now=NOON)
        (made,) = recommend.of_rep(session, rep.id)
        recommend.answer(session, made, Answer.LATER, ref="1", now=NOON)
        now = NOON + timedelta(days=1)
        new = publish(session, "更合适的", ("af",), now)
        given_ = situation(session, row.one_id, now)
        seen = outlook(given_)
        assert seen.ids == [new.content_id, old.content_id]
        told = [flow.why_not(given_, seen, version, "") for version in (old, new)]
        assert [why.code for why in told] == ["first", "postponed"]
        assert told[1].best[0][0] == "推后的"
        plan_day(session, rep, local(now).date(), base_url="http://yishu.test", now=now)
        (again,) = recommend.of_rep(session, rep.id, local(now).date())
        assert (again.content_id, again.score) == (old.content_id, told[0].score)
        assert again.score < made.score, "of its own day: a tag fades and a content grows older"
