"""Our tags in WeCom, on the whole line: made, marked, read again as echoes, taken away, repaired."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from app import identity, tagging
from app.identity import Id, Kind
from app.tagging import MirrorState, Source, TagMark, TagMirror
from app.tagging.models import TagAssertion
from tests.scenarios.conftest import Line
from workers.audiences import keep_audiences
from workers.mirroring import keep_mirror

CORP = "wwtestcorp"


def mirror(line: Line, *keys: str, on: bool = True) -> None:
    with line.parts.db.transaction() as session:
        for key in keys:
            tag = tagging.by_key(session, key)
            assert tag is not None
            tag.mirrored = on


def run(line: Line, rounds: int = 8) -> None:
    """Whatever the workers would do, until nothing is left."""
    for _ in range(rounds):
        line.clock.tick(seconds=1)
        line.work()
        keep_audiences(line.parts)
        if not keep_mirror(line.parts):
            return


def say(line: Line, key: str, tag_key: str, confidence: float = 1.0) -> None:
    """Somebody in the console says that the physician has the tag."""
    with line.parts.db.transaction() as session:
        one = Id(Kind.WECOM_EXTERNAL_USERID, CORP, line.person(key).external_userid)
        row, tag = identity.find(session, one), tagging.by_key(session, tag_key)
        assert row is not None
        assert tag is not None
        at = line.clock()
        tagging.assert_tag(
            session, row.id, tag.id, source=Source.PERSON, ref=f"user:1:{at.timestamp()}",
            evidence="人工", at=at, confidence=confidence,
        )  # fmt: skip


def ends(line: Line, tag_key: str) -> None:
    """Nobody in the console says so any more."""
    with line.parts.db.transaction() as session:
        tag = tagging.by_key(session, tag_key)
        assert tag is not None
        for row in session.scalars(select(TagAssertion).where(TagAssertion.tag_id == tag.id)):
            if row.source == Source.PERSON and row.superseded_at is None:
                tagging.supersede(session, row.id, line.clock())


def there(line: Line, userid: str, key: str) -> set[str]:
    """Names of the corp tags that WeCom shows on a side."""
    side = line.world.relation(userid, line.person(key).external_userid)
    assert side is not None
    return {found[1]["name"] for found in map(line.world.tag, side.tag_ids) if found}


def ids(line: Line, *names: str) -> list[str]:
    return [
        tag["id"] for group in line.world.tag_groups for tag in group.tags if tag["name"] in names
    ]


def said(line: Line, source: Source) -> set[str]:
    """Keys of tags that a source says somebody has, now."""
    with line.parts.db.reading() as session:
        rows = session.execute(
            select(tagging.Tag.key, TagAssertion.confidence)
            .join(tagging.Tag, tagging.Tag.id == TagAssertion.tag_id)
            .where(TagAssertion.source == source, TagAssertion.superseded_at.is_(None))
        )
        return {key if confidence > 0 else f"-{key}" for key, confidence in rows}


def states(line: Line) -> dict[str, str]:
    with line.parts.db.reading() as session:
        rows = session.execute(
            select(tagging.Tag.key, TagMirror.state).join(
                TagMirror, TagMirror.tag_id == tagging.Tag.id
            )
        )
        return {key: str(state) for key, state in rows}


def calls(line: Line, name: str) -> int:
    return sum(
        row["kind"] == "call" and row["name"] == f"externalcontact/{name}"
        for row in line.world.journal
    )


@pytest.fixture
def met(line: Line) -> Line:
    """Both reps know 王某某."""
    line.do("add_contact", userid="rep01", person="wang")
    line.do("add_contact", userid="rep02", person="wang")
    line.clock.tick(minutes=5)
    return line


def test_tags_are_made_marked_and_never_prove_themselves(met: Line) -> None:
    mirror(met, "af", "anticoagulation")
    say(met, "wang", "anticoagulation")
    run(met)
    assert there(met, "rep01", "wang") == there(met, "rep02", "wang") == {"抗凝"}
    assert states(met) == {"af": MirrorState.THERE, "anticoagulation": MirrorState.THERE}
    assert calls(met, "add_corp_tag") == 1, "房颤 exists and is adopted"
    met.clock.tick(minutes=1)
    met.do("edit_contact", userid="rep01", person="wang", remark="王主任")
    assert said(met, Source.WECOM_TAG) == set(), "our own mark is no statement"
    met.do("edit_contact", userid="rep01", person="wang", tag_ids=ids(met, "抗凝", "房颤"))
    assert said(met, Source.WECOM_TAG) == {"af"}
    run(met)
    assert there(met, "rep02", "wang") == {"抗凝", "房颤"}, "what one rep says reaches the other"
    before = calls(met, "mark_tag")
    run(met)
    assert calls(met, "mark_tag") == before
    ends(met, "anticoagulation")
    run(met)
    assert there(met, "rep01", "wang") == {"房颤"}
    met.do("edit_contact", userid="rep01", person="wang", tag_ids=[])
    run(met)
    assert there(met, "rep01", "wang") == there(met, "rep02", "wang") == set()


def test_a_rep_who_takes_our_mark_away_is_heard(met: Line) -> None:
    mirror(met, "anticoagulation")
    say(met, "wang", "anticoagulation")
    run(met)
    met.clock.tick(minutes=1)
    met.do("edit_contact", userid="rep01", person="wang", tag_ids=[])
    run(met)
    assert said(met, Source.REP_FEEDBACK) == {"-anticoagulation"}
    assert there(met, "rep01", "wang") == set(), "not set again"
    assert there(met, "rep02", "wang") == {"抗凝"}
    met.clock.tick(minutes=1)
    met.do("edit_contact", userid="rep01", person="wang", tag_ids=ids(met, "抗凝"))
    run(met)
    assert said(met, Source.REP_FEEDBACK) == set()
    assert said(met, Source.WECOM_TAG) == {"anticoagulation"}


def test_what_an_administrator_deletes_is_shown_and_not_made_again(met: Line) -> None:
    mirror(met, "anticoagulation")
    say(met, "wang", "anticoagulation")
    run(met)
    met.clock.tick(minutes=1)
    met.do("delete_tag", tag_id=ids(met, "抗凝")[0])
    met.clock.tick(minutes=11)
    run(met)
    assert states(met) == {"anticoagulation": MirrorState.GONE}
    assert ids(met, "抗凝") == []
    assert said(met, Source.REP_FEEDBACK) == set(), "nobody said anything about the physician"
    with met.parts.db.transaction() as session:
        assert tagging.repair_mirror(session, met.clock()) == 1
    run(met)
    assert there(met, "rep01", "wang") == {"抗凝"}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # the same on both: saves time
def test_names_follow_and_administrators_names_are_left(met: Line) -> None:
    mirror(met, "anticoagulation", "af")
    run(met)
    with met.parts.db.transaction() as session:
        for key in ("anticoagulation", "af"):
            tag = tagging.by_key(session, key)
            assert tag is not None
            tag.name += "（新）"
    met.clock.tick(minutes=11)
    run(met)
    assert ids(met, "抗凝（新）")
    assert ids(met, "房颤"), "not ours: an administrator must rename it"
    met.do("rename_tag", tag_id=ids(met, "抗凝（新）")[0], name="抗凝治疗组")
    met.clock.tick(minutes=11)
    run(met)
    assert states(met)["anticoagulation"] == MirrorState.RENAMED
    assert ids(met, "抗凝治疗组")
    with met.parts.db.transaction() as session:
        tagging.repair_mirror(session, met.clock())
    run(met)
    assert ids(met, "抗凝（新）")


def test_what_is_no_longer_mirrored_goes_and_what_people_set_stays(met: Line) -> None:
    mirror(met, "anticoagulation", "af")
    met.do("edit_contact", userid="rep01", person="wang", tag_ids=ids(met, "房颤"))
    say(met, "wang", "anticoagulation")
    run(met)
    assert there(met, "rep02", "wang") == {"抗凝", "房颤"}
    mirror(met, "anticoagulation", "af", on=False)
    run(met, 20)
    assert there(met, "rep02", "wang") == set()
    assert there(met, "rep01", "wang") == {"房颤"}
    assert ids(met, "抗凝") == [], "ours, and nobody carries it"
    assert states(met) == {}
    assert said(met, Source.WECOM_TAG) == {"af"}


def errcode(code: int, times: int = 1) -> Callable[[Line], None]:
    def make(line: Line) -> None:
        line.world.trouble["errcodes"] = {
            "externalcontact/mark_tag": {"errcode": code, "times": times}
        }

    return make


def cut(line: Line) -> None:
    line.world.trouble["cut_after_effect"] = True


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # the same on both: saves time
@pytest.mark.parametrize(
    "trouble", [errcode(45035, 2), errcode(-1), errcode(40068, 2), errcode(45009), cut]
)
def test_trouble_passes(met: Line, trouble: Callable[[Line], None]) -> None:
    mirror(met, "anticoagulation", "stroke-prevention")
    run(met)
    say(met, "wang", "anticoagulation")
    say(met, "wang", "stroke-prevention")
    trouble(met)
    run(met)
    for _ in range(4):
        met.clock.tick(minutes=3)
        run(met)
    met.do("edit_contact", userid="rep01", person="wang", remark="王主任")
    run(met)
    assert there(met, "rep01", "wang") == there(met, "rep02", "wang") == {"抗凝", "卒中预防"}
    assert said(met, Source.WECOM_TAG) == set()
    with met.parts.db.reading() as session:
        assert {(m.known, m.ours, m.writing) for m in session.scalars(select(TagMark))} == {
            (True, True, "")
        }


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # the same on both: saves time
def test_a_rep_is_heard_who_takes_away_what_a_call_set_that_nobody_answered(met: Line) -> None:
    mirror(met, "anticoagulation")
    run(met)
    say(met, "wang", "anticoagulation")
    cut(met)
    run(met, 1)
    shown = [rep for rep in ("rep01", "rep02") if there(met, rep, "wang")]
    made = calls(met, "mark_tag")
    for rep in shown:
        met.clock.tick(seconds=1)  # before any call would be made again
        met.do("edit_contact", userid=rep, person="wang", tag_ids=[])
    run(met)
    assert (shown, made) == (["rep01", "rep02"], 2)
    assert there(met, "rep01", "wang") == there(met, "rep02", "wang") == set()
    assert calls(met, "mark_tag") == made, "not set again"
    assert said(met, Source.REP_FEEDBACK) == {"-anticoagulation"}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # the same on both: saves time
def test_a_mark_that_the_platform_refuses_waits_for_a_person(met: Line) -> None:
    mirror(met, "anticoagulation", "stroke-prevention")
    run(met)
    say(met, "wang", "anticoagulation")
    say(met, "wang", "stroke-prevention")
    errcode(40144, 3)(met)  # both at once; then the first alone; the second gets through … twice
    run(met, 12)
    with met.parts.db.reading() as session:
        errors = [m.error for m in session.scalars(select(TagMark)) if m.error]
    assert errors
    assert all("上限" in error for error in errors)
    assert there(met, "rep01", "wang") | there(met, "rep02", "wang"), "the rest is kept"
    with met.parts.db.transaction() as session:
        assert tagging.repair_mirror(session, met.clock()) == len(errors)
    run(met)
    assert there(met, "rep01", "wang") == there(met, "rep02", "wang") == {"抗凝", "卒中预防"}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # the same on both: saves time
def test_a_staff_only_tag_is_never_written(met: Line) -> None:
    mirror(met, "anticoagulation")
    with met.parts.db.transaction() as session:
        tag = tagging.by_key(session, "anticoagulation")
        assert tag is not None
        tag.sensitivity = tagging.Sensitivity.STAFF
    say(met, "wang", "anticoagulation")
    run(met)
    assert there(met, "rep01", "wang") == set()
    assert ids(met, "抗凝") == []


def test_a_mark_fades_with_its_tag(met: Line) -> None:
    mirror(met, "s-follow-up")
    say(met, "wang", "s-follow-up")
    run(met)
    assert there(met, "rep01", "wang") == {"待回访"}
    met.clock.now += timedelta(days=50)  # 0.85 · 2^(-50 / 30) = 0.27: not set anew, not taken away
    run(met)
    assert there(met, "rep01", "wang") == {"待回访"}
    met.clock.now += timedelta(days=20)  # 0.17
    run(met)
    assert there(met, "rep01", "wang") == set()
