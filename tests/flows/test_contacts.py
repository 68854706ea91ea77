"""WeCom contacts: whatever comes, in whatever order, and however often."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import consent, identity, inbox, journey, links, reps, tagging
from app.connectors.wecom.types import CorpTag, Customer, Follower
from app.consent import Purpose
from app.delivery import Dispatch
from app.facts import ContactAdded, ContactEdited, ContactRemoved, Fact
from app.flows import Received
from app.flows.contacts import contact_added, contact_edited, contact_removed
from app.flows.contacts.contact_added import Reading
from app.flows.identity import import_physicians
from app.identity import Id, Kind
from app.infra.db import Database
from app.journey import Happened, Touchpoint
from app.reps import RelationState
from app.tagging.models import TagAssertion
from tests.conftest import NOON
from tests.flows.seen import CORP, all_done, contact, count, relations, tag_keys
from tests.scenarios.conftest import Line
from workers.drain import drain_inbox


def test_a_channel_code_brings_tags_a_welcome_and_a_line_in_the_journey(line: Line) -> None:
    with line.parts.db.transaction() as session:
        links.create_code(
            session, kind="wecom", scene="hall-af", name="房颤专场展台",
            tag_keys=["af", "no-such-tag"], welcome_text="感谢来到房颤专场。", now=line.clock(),
        )  # fmt: skip
    line.do("add_contact", userid="rep01", person="wang", state="hall-af")
    side = line.world.relation("rep01", line.person("wang").external_userid)
    assert side is not None
    assert [message["text"] for message in side.chat] == ["感谢来到房颤专场。"]
    with line.parts.db.reading() as session:
        row = contact(line, session)
        assert tag_keys(line, session, row.one_id) == {"af"}
        told = {entry.kind: entry.detail for entry in journey.timeline(session, row.one_id)}
        assert told[Happened.CONTACT_ADDED] == {"channel": "房颤专场展台"}
        assert Happened.MESSAGE_SENT in told
        assert consent.standing(session, [row.one_id], "wecom")[row.one_id] == (True, False)
        assert identity.get_physician(session, row.one_id).name == line.person("wang").name


def test_the_welcome_goes_out_though_the_contact_cannot_be_read(line: Line) -> None:
    line.world.trouble = {"errcodes": {"externalcontact/get": {"errcode": -1, "times": 99}}}
    line.do("add_contact", userid="rep01", person="wang")
    side = line.world.relation("rep01", line.person("wang").external_userid)
    assert side is not None
    assert len(side.chat) == 1
    with line.parts.db.reading() as session:
        assert relations(session, contact(line, session).one_id) == {"rep01": "connected"}
    line.world.trouble = {}
    line.clock.tick(hours=2)
    line.work()
    with line.parts.db.reading() as session:
        kinds = {i.kind for i in identity.identifiers_of(session, contact(line, session).one_id)}
        assert kinds == {Kind.WECOM_EXTERNAL_USERID, Kind.UNIONID}
    assert all_done(line)


def test_a_half_added_contact_is_one_sided_until_the_rep_adds_back(line: Line) -> None:
    line.do("add_contact", userid="rep01", person="wang", half=True)
    with line.parts.db.reading() as session:
        one_id = contact(line, session).one_id
        assert relations(session, one_id) == {"rep01": "one_sided"}
        assert reps.rep_for(session, one_id) is None
    line.clock.tick(seconds=30)
    line.do("add_back", userid="rep01", person="wang")
    with line.parts.db.reading() as session:
        one_id = contact(line, session).one_id
        assert relations(session, one_id) == {"rep01": "connected"}
        assert len(identity.identifiers_of(session, one_id)) == 2
    assert all_done(line)


@pytest.mark.parametrize(
    ("by", "state"), [("rep", "removed_by_rep"), ("physician", "removed_by_physician")]
)
def test_a_removal_ends_this_relation_and_no_other(line: Line, by: str, state: str) -> None:
    for userid in ("rep01", "rep02"):
        line.do("add_contact", userid=userid, person="wang")
        line.do("edit_contact", userid=userid, person="wang", tag_ids=["et1"])
        line.clock.tick(seconds=5)
    line.do("delete_contact", userid="rep01", person="wang", by=by)
    with line.parts.db.reading() as session:
        one_id = contact(line, session).one_id
        assert relations(session, one_id) == {"rep01": state, "rep02": "connected"}
        assert tag_keys(line, session, one_id) == {"af"}, "the other rep still says so"
    line.clock.tick(seconds=5)
    line.do("edit_contact", userid="rep02", person="wang", tag_ids=[])
    with line.parts.db.reading() as session:
        one_id = contact(line, session).one_id
        assert relations(session, one_id)["rep01"] == state, "reading again does not reopen it"
        assert tag_keys(line, session, one_id) == set()
    line.clock.tick(seconds=5)
    line.do("add_contact", userid="rep01", person="wang")
    with line.parts.db.reading() as session:
        assert relations(session, contact(line, session).one_id)["rep01"] == "connected"
    assert all_done(line)


def test_a_contact_without_unionid_is_known_by_its_id_and_phone(line: Line) -> None:
    line.person("wang").unionid = ""
    line.do("add_contact", userid="rep01", person="wang")
    line.do(
        "edit_contact", userid="rep01", person="wang", phones=["199 1234 5678"],
        remark="王某-示例市人民医院心内科",
    )  # fmt: skip
    with line.parts.db.reading() as session:
        row = contact(line, session)
        kinds = {i.kind for i in identity.identifiers_of(session, row.one_id)}
        assert kinds == {Kind.WECOM_EXTERNAL_USERID, Kind.PHONE}
        who = identity.get_physician(session, row.one_id)
        assert (who.hospital, who.department) == ("示例市人民医院", "心内科")
    sheet = import_physicians.read("crm.csv", "姓名,CRM编号,手机\n李某,HCP-9,19912345678".encode())
    with line.parts.db.transaction() as session:
        batch = import_physicians.begin(session, "crm.csv", sheet, actor="admin", now=NOON)
        import_physicians.take(session, batch.id, sheet.rows, digest=sheet.digest, now=NOON)
        other = identity.find(session, Id(Kind.CRM_ID, "", "HCP-9"))
        assert other is not None
        assert other.one_id != contact(line, session).one_id, "a phone of 王 and 李 joins nobody"


def test_a_reps_personal_tags_are_read_beside_the_corps(database: Database) -> None:
    tags = (
        CorpTag("t1", "房颤", "专科"), CorpTag("", "心衰", kind=2), CorpTag("", "爱打球", kind=2),
        CorpTag("", "爱喝酒", kind=2),
    )  # fmt: skip
    with database.transaction() as session:
        tagging.seed(session, NOON)
        contact_edited.apply(
            session, ContactEdited(at=NOON, **about("wm")), customer(tags), Received(1, NOON), NOON
        )
        assert {(w.source, w.raw, w.seen) for w in tagging.unmapped(session)} == {
            ("wecom_personal", "爱打球", 1), ("wecom_personal", "爱喝酒", 0),
        }  # fmt: skip
        said = {(row.source, row.evidence) for row in session.scalars(select(TagAssertion))}
        assert {source for source, _ in said} == {"wecom_tag", "wecom_personal"}
        assert any(words.startswith("企微个人标签「心衰」") for _, words in said)
        later = NOON + timedelta(hours=1)
        contact_edited.apply(
            session, ContactEdited(at=later, **about("wm")), customer(tags[:1]),
            Received(2, later), later,
        )  # fmt: skip
        active = select(TagAssertion.source).where(TagAssertion.superseded_at.is_(None))
        assert session.scalars(active).all() == ["wecom_tag"]
        assert {w.seen for w in tagging.unmapped(session)} == {0}


def test_a_refusal_outlives_adding_another_rep(line: Line) -> None:
    line.do("add_contact", userid="rep01", person="wang")
    line.do("follow", person="wang")
    line.do("oa_says", person="wang", text="退订")
    line.clock.tick(days=1)
    line.do("add_contact", userid="rep02", person="wang")
    with line.parts.db.reading() as session:
        one_id = contact(line, session).one_id
        assert consent.standing(session, [one_id], "wecom")[one_id] == (False, True)


def test_archiving_is_a_permission_of_its_own(line: Line) -> None:
    line.do("add_contact", userid="rep01", person="wang")
    line.do("agree_archive", userid="rep01", person="wang")
    with line.parts.db.reading() as session:
        one_id = contact(line, session).one_id
        for purpose, answer in ((Purpose.ARCHIVE, (True, False)), (Purpose.PROFILING, None)):
            said = consent.standing(session, [one_id], "wecom", purpose)[one_id]
            assert said == (answer or (None, False))


def test_every_event_twice_is_as_good_as_once(line: Line) -> None:
    line.do("add_contact", userid="rep01", person="wang")
    line.do("edit_contact", userid="rep01", person="wang", tag_ids=["et1", "et2"])
    line.do("follow", person="wang")
    line.do("oa_says", person="wang", text="房颤")

    def everything() -> tuple[int, ...]:
        with line.parts.db.reading() as session:
            return tuple(
                count(session, model)
                for model in (Touchpoint, TagAssertion, consent.ConsentEntry, reps.RepContact)
            )

    before, chats = everything(), len(line.person("wang").oa_chat)
    with line.parts.db.transaction() as session:
        ids = [event.id for event in inbox.listing(session)]
        assert inbox.replay(session, line.clock(), ids=ids) == len(ids)
    drain_inbox(line.parts)
    line.work()
    assert all_done(line)
    assert everything() == before
    assert len(line.person("wang").oa_chat) == chats


# --- order, with prepared values ---------------------------------------------------------------


def about(external: str) -> dict[str, Any]:
    return {"corp_id": CORP, "rep_userid": "rep01", "external_userid": external}


def customer(
    tags: tuple[CorpTag, ...], added: datetime = NOON, userid: str = "rep01", external: str = "wm"
) -> Customer:
    side = Follower(
        userid=userid, remark="", description="", added_at=added, tags=tags, phones=(), state="",
        add_way=1,
    )  # fmt: skip
    return Customer(external, "王某某", f"oU{external}", True, "", "", (side,))


def tell(database: Database, number: int, fact: Fact, now: Customer | None) -> None:
    received = Received(number, NOON)
    with database.transaction() as session:
        if isinstance(fact, ContactAdded):
            read = not fact.welcome_code
            contact_added.apply(session, fact, Reading(read, now if read else None), received, NOON)
        elif isinstance(fact, ContactRemoved):
            contact_removed.apply(session, fact, now, received, NOON)
        elif isinstance(fact, ContactEdited):
            contact_edited.apply(session, fact, now, received, NOON)
    if isinstance(fact, ContactAdded) and fact.welcome_code:  # the event of our own
        again = ContactEdited(at=fact.at, **about(fact.external_userid))
        tell(database, number + 5000, again, now)


def after(minutes: int) -> datetime:
    return NOON - timedelta(days=1) + timedelta(minutes=minutes)


AF = (CorpTag("t1", "房颤", "专科"), CorpTag("t2", "没见过", "专科"))


def story(ending: str, external: str) -> tuple[list[Fact], Customer | None]:
    """What happened, and what the platform shows after it."""
    who = about(external)
    begin: list[Fact] = [
        ContactAdded(at=after(0), **who, state="hall", welcome_code=f"w-{external}"),
        ContactEdited(at=after(1), **who),
    ]
    by_physician = ContactRemoved(at=after(2), **who, by="physician")
    if ending == "connected again":
        again = [ContactAdded(at=after(3), **who), ContactEdited(at=after(4), **who)]
        return [*begin, by_physician, *again], customer(AF, after(3), external=external)
    if ending == "left by the physician":
        return [*begin, by_physician], customer(AF, after(0), external=external)
    moved = ending == "handed over"
    by_rep = ContactRemoved(at=after(2), **who, by="rep", by_transfer=moved)
    return [*begin, by_rep], customer(AF, after(2), "rep02", external) if moved else None


ENDINGS = {
    "connected again": (RelationState.CONNECTED, {"af"}),
    "left by the physician": (RelationState.REMOVED_BY_PHYSICIAN, set[str]()),
    "left by the rep": (RelationState.REMOVED_BY_REP, set[str]()),
    "handed over": (RelationState.REMOVED_BY_REP, {"af"}),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_every_order_of_a_contacts_events_ends_the_same(database: Database, ending: str) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        links.create_code(
            session, kind="wecom", scene="hall", name="展台", tag_keys=["b-conference"], now=NOON
        )
    for order in range(8):
        external = f"wm{order}"
        facts, now = story(ending, external)
        events = list(enumerate(facts, start=order * 100))
        random.Random(order).shuffle(events)
        for number, fact in [*events, *events]:  # and twice is once
            tell(database, number, fact, now)
        with database.reading() as session:
            _check_ending(session, ending, external, now)
    with database.reading() as session:
        assert count(session, Dispatch) == 8, "one welcome each"


def _check_ending(session: Session, ending: str, external: str, now: Customer | None) -> None:
    state, tags = ENDINGS[ending]
    row = identity.find(session, Id(Kind.WECOM_EXTERNAL_USERID, CORP, external))
    assert row is not None
    found = relations(session, row.one_id)
    assert found.pop("rep01") == state
    assert found == ({"rep02": "connected"} if ending == "handed over" else {})
    keys = {tag.id: tag.key for tag in tagging.tags(session)}
    held = {keys[t] for t in tagging.weights(session, [row.one_id], NOON)[row.one_id]}
    assert held == tags | {"b-conference"}
    union = identity.find(session, Id(Kind.UNIONID, "open", f"oU{external}"))
    assert (union.one_id if union else None) == (row.one_id if now else None)
    kinds = [entry.kind for entry in journey.timeline(session, row.one_id)]
    comings = [Happened.CONTACT_ADDED] * (2 if ending == "connected again" else 1)
    assert sorted(kinds) == sorted([*comings, Happened.CONTACT_REMOVED])
