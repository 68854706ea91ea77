"""Pulls: paged, resumable, paced, safe with many workers, and honest about what failed."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from app import completeness, inbox, reps, tagging
from app.completeness import Kind, PullRun, PullSeen, PullSubject, Source
from app.completeness import calls as calls_module
from app.flows.completeness import reconcile
from app.flows.completeness.reconcile import accounts_of
from app.sandbox.world import Person, Relation
from tests.completeness.pulling import begin, count, pull, reconciled, release, trouble
from tests.flows.seen import all_done, contact, follower, relations
from tests.scenarios.conftest import Line
from workers.reconciling import pull_due
from workers.sweeping import tick


def crowd(line: Line, number: int, userid: str = "rep01") -> None:
    """Contacts that are there before the product is."""
    since = int(line.clock().timestamp()) - 86400
    for position in range(number):
        who = Person(key=f"c{position}", name=f"众{position}", external_userid=f"wmc{position}")
        line.world.persons[who.key] = who
        line.world.relations.append(Relation(userid, who.external_userid, since))


def calls(line: Line) -> list[str]:
    """APIs that were called, in order."""
    return [entry["name"] for entry in line.world.journal if entry["kind"] == "call"]


def subject(line: Line, source: Source, name: str = "") -> PullSubject:
    with line.parts.db.reading() as session:
        return session.scalars(
            select(PullSubject).where(PullSubject.source == source, PullSubject.name == name)
        ).one()


def test_the_first_look_is_an_import_and_loses_nothing(line: Line) -> None:
    crowd(line, 3)
    run = pull(line)
    assert run.found == {"contacts.added": 3, "tags.new": 2}
    assert (run.there, run.known, run.lost) == (3, 0, 0)
    with line.parts.db.reading() as session:
        figures = completeness.figures(session, line.clock())
        (standing,) = [s for s in completeness.standings(session) if s.name == "rep01"]
    assert not figures.alarm
    assert (standing.there, standing.known, standing.completeness) == (3, 0, 0.0)
    again = pull(line, Kind.HOURLY)
    assert (again.there, again.known, again.found) == (3, 3, {})


def test_a_pull_goes_on_at_the_page_where_a_worker_died(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd(line, 230)
    begin(line)
    died: list[str] = []

    def die_once(name: str) -> None:
        if name in ("pull.claimed", "pull.asked", "pull.taken") and name not in died:
            died.append(name)
            raise KeyboardInterrupt

    monkeypatch.setattr(reconcile, "crashpoint", die_once)
    deaths = 0
    for _ in range(40):
        try:
            if not pull_due(line.parts, 100):
                line.clock.tick(seconds=91)  # the lease of the dead
        except KeyboardInterrupt:
            deaths += 1
        if (run := open_run(line)) is None:
            break
    assert (deaths, run) == (3, None)
    assert reconciled(line).count("added") == 230
    batches = calls(line).count("externalcontact/batch/get_by_user")
    assert 3 <= batches <= 5, "only the page at work was fetched again"
    assert subject(line, Source.CONTACTS, "rep01").found == {"added": 230}


def open_run(line: Line) -> PullRun | None:
    with line.parts.db.reading() as session:
        return completeness.open_run(session)


def test_the_same_difference_is_one_row_until_it_was_handled_and_news_after(line: Line) -> None:
    line.do("add_contact", userid="rep01", person="wang")
    pull(line)
    trouble(line, drop=True)
    line.clock.tick(minutes=1)
    line.do("edit_contact", userid="rep01", person="wang", remark="甲")
    for _ in range(2):  # two looks before anybody handles it
        line.clock.tick(minutes=5)
        begin(line, Kind.HOURLY)
        while pull_due(line.parts, 100):
            pass
    line.work()
    for remark in ("乙", "甲"):  # and back again: each is news
        line.do("edit_contact", userid="rep01", person="wang", remark=remark)
        assert pull(line, Kind.HOURLY).found == {"contacts.edited": 1}
    assert reconciled(line).count("edited") == 3
    with line.parts.db.reading() as session:
        row = contact(line, session)
        (relation, _rep) = reps.relations_of(session, row.one_id)[0]
        assert relation.remark == "甲"


def test_runs_are_unique_and_one_at_a_time(line: Line) -> None:
    for _ in range(3):  # three schedulers
        tick(line.parts)
    with line.parts.db.reading() as session:
        rows = session.scalars(select(PullRun).order_by(PullRun.id)).all()
    assert [(row.kind, row.state) for row in rows] == [("full", "open"), ("hourly", "skipped")]
    while pull_due(line.parts, 100):
        pass
    assert open_run(line) is None
    line.clock.tick(hours=1)
    tick(line.parts)
    assert (run := open_run(line)) is not None
    assert run.kind == Kind.HOURLY
    line.clock.tick(days=1)
    tick(line.parts)
    with line.parts.db.reading() as session:
        states = session.scalars(select(PullRun.state).order_by(PullRun.id)).all()
    assert states == ["done", "skipped", "overtaken", "open", "skipped"]


def test_nothing_is_pulled_where_nothing_is_connected(line: Line) -> None:
    bare = line.parts.settings.model_copy(update={"wecom_secret": "", "oa_secret": ""})
    outside = type(line.parts.outside)(
        bare, line.parts.outside.wecom, line.parts.outside.official_accounts
    )
    with line.parts.db.transaction() as session:
        assert completeness.tick(session, accounts_of(outside), line.clock()) == 0
        assert count(session, PullRun) == 0


def test_the_pace_holds_for_all_workers_together(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls_module, "CALLS_A_MINUTE", 3)
    crowd(line, 5)
    begin(line)
    assert pull_due(line.parts, 100) == 3
    assert pull_due(line.parts, 100) == 0
    line.clock.tick(minutes=1)
    assert pull_due(line.parts, 100) == 3


def test_a_used_up_quota_holds_the_whole_account_back(line: Line) -> None:
    crowd(line, 5)
    begin(line)
    trouble(line, errcodes={"externalcontact/list": {"errcode": 45009, "times": 1}})
    pull_due(line.parts, 100)
    before = len(calls(line))
    line.clock.tick(seconds=30)
    assert pull_due(line.parts, 100) == 0
    line.clock.tick(seconds=31)
    while pull_due(line.parts, 100):
        pass
    assert open_run(line) is None
    assert len(calls(line)) > before
    assert reconciled(line).count("added") == 5


def test_a_list_that_cannot_be_read_closes_nobody_and_is_shown(line: Line) -> None:
    line.do("add_contact", userid="rep01", person="wang")
    pull(line)
    line.clock.tick(minutes=5)
    begin(line)
    trouble(line, errcodes={"externalcontact/list": {"errcode": 60111, "times": 1}})
    while pull_due(line.parts, 100):
        pass
    assert subject(line, Source.CONTACTS, "rep01").error.startswith("PersonGone")
    with line.parts.db.reading() as session:
        assert relations(session, contact(line, session).one_id) == {"rep01": "connected"}
        figures = completeness.figures(session, line.clock())
    assert (figures.failing, figures.running) == (1, False)


def test_an_outage_is_waited_for_and_then_given_up_until_the_next_run(line: Line) -> None:
    begin(line)
    trouble(line, outage="5xx")
    for _ in range(30):
        pull_due(line.parts, 100)
        line.clock.tick(minutes=11)
    assert open_run(line) is None
    trouble(line)
    assert pull(line, Kind.HOURLY).failed == 0


def test_a_physician_who_deleted_the_rep_stays_deleted(line: Line) -> None:
    line.do("add_contact", userid="rep01", person="wang")
    pull(line)
    line.clock.tick(minutes=1)
    line.do("delete_contact", userid="rep01", person="wang", by="physician")
    assert pull(line).found == {}, "the platform goes on listing the rep"
    with line.parts.db.reading() as session:
        state = relations(session, contact(line, session).one_id)
    assert state == {"rep01": "removed_by_physician"}


def test_renaming_or_deleting_a_tag_reaches_its_carriers_and_raises_no_alarm(line: Line) -> None:
    line.do("add_contact", userid="rep01", person="wang")
    line.do("edit_contact", userid="rep01", person="wang", tag_ids=["et1", "et2"])
    pull(line)
    line.clock.tick(minutes=1)
    line.do("rename_tag", tag_id="et2", name="高血压")
    run = pull(line, Kind.HOURLY)
    assert (run.found, run.lost) == ({"contacts.edited": 1}, 0)
    line.clock.tick(minutes=1)
    line.do("delete_tag", tag_id="et1")
    run = pull(line, Kind.HOURLY)
    assert (run.found, run.lost) == ({"contacts.edited": 1}, 0)
    with line.parts.db.reading() as session:
        row = contact(line, session)
        keys = {tag.id: tag.key for tag in tagging.tags(session)}
        held = {keys[t] for t in tagging.weights(session, [row.one_id], line.clock())[row.one_id]}
    assert held == {"hypertension"}


def test_followers_who_only_seem_to_have_left_are_kept(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    line.do("follow", person="wang")
    line.do("follow", person="li")
    pull(line)
    account = line.parts.outside.official_accounts["wxtestaccount"]
    monkeypatch.setattr(type(account), "follower_page", lambda _self, _after: ([], ""))
    assert pull(line).found == {}
    monkeypatch.undo()
    trouble(line, drop=True)
    line.do("unfollow", person="li")
    assert pull(line).found == {"followers.unfollowed": 1}
    with line.parts.db.reading() as session:
        assert follower(line, session, "wang") is not None
        gone = follower(line, session, "li")
        assert gone is None or not gone.value
        assert count(session, PullSeen) == 0


def test_a_follower_who_was_found_is_welcomed_only_by_the_callback(line: Line) -> None:
    pull(line)
    trouble(line, drop=True)
    line.do("follow", person="wang")
    assert pull(line, Kind.HOURLY).found == {"followers.followed": 1}
    assert line.person("wang").oa_chat == []
    release(line)
    assert line.person("wang").oa_chat == [], "the minute for a welcome is over"
    assert all_done(line)


def test_what_waits_in_the_inbox_is_no_difference(line: Line) -> None:
    line.do("add_contact", userid="rep01", person="wang")
    pull(line)
    external = line.person("wang").external_userid
    line.world.relation("rep01", external).remark = "新备注"  # type: ignore[union-attr]
    with line.parts.db.transaction() as session:
        inbox.append(
            session, source="wecom", receiver="wwtestcorp", body=b"<xml>waiting</xml>",
            event_type="x", partition=f"contact:{external}", occurred_at=None, urgent=False,
            now=line.clock(),
        )  # fmt: skip
    line.clock.tick(minutes=5)
    begin(line, Kind.HOURLY)
    while pull_due(line.parts, 100):
        pass
    assert "edited" not in reconciled(line)


def test_an_event_about_one_rep_tells_what_was_lost_about_another(line: Line) -> None:
    line.do("add_contact", userid="rep01", person="wang")
    pull(line)
    trouble(line, drop=True)
    line.do("add_contact", userid="rep02", person="wang")
    line.do("delete_contact", userid="rep01", person="wang", by="rep")
    trouble(line)
    line.clock.tick(minutes=1)
    line.do("edit_contact", userid="rep02", person="wang", remark="王")
    assert sorted(reconciled(line)[-2:]) == ["added", "removed"]
    assert all_done(line)
    with line.parts.db.reading() as session:
        assert relations(session, contact(line, session).one_id) == {
            "rep01": "removed_by_rep", "rep02": "connected",
        }  # fmt: skip
    assert pull(line).found == {}
