"""ONE ID over real databases: order, duplicates, redirects, judgements, workers at once."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import combinations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import identity
from app.identity import Id, Kind
from app.identity.models import Conflict, Evidence, Identifier, Physician
from app.infra.db import Database
from tests.conftest import NOON

EXTERNAL = Id(Kind.WECOM_EXTERNAL_USERID, "ww1", "wmABC")
UNION = Id(Kind.UNIONID, "open", "oU1")
OPEN = Id(Kind.OPENID, "wx1", "oA1")
LICENCE = Id(Kind.LICENCE_NO, "", "110440000012345")
PHONE = Id(Kind.PHONE, "", "+8619912345678")


def see(session: Session, *ids: Id, key: str) -> list[Identifier]:
    return identity.observe(session, ids, event_key=key, source="test", at=NOON, now=NOON)


def people(database: Database) -> set[frozenset[str]]:
    with database.reading() as session:
        groups: dict[str, set[str]] = {}
        for row in session.scalars(select(Identifier)):
            groups.setdefault(row.one_id, set()).add(row.value)
    return {frozenset(group) for group in groups.values()}


def test_a_contact_and_a_follower_with_one_unionid_are_one_physician(database: Database) -> None:
    with database.transaction() as session:
        (contact, _) = see(session, EXTERNAL, UNION, key="inbox:1")
        (follower, _) = see(session, OPEN, UNION, key="inbox:2")
        session.refresh(contact)
        assert contact.one_id == follower.one_id
        assert len(identity.identifiers_of(session, contact.one_id)) == 3


def test_a_conflict_that_a_person_settles_says_so(database: Database) -> None:
    other = Id(Kind.LICENCE_NO, "", "110440000012346")
    with database.transaction() as session:
        see(session, EXTERNAL, LICENCE, key="1")
        see(session, EXTERNAL, other, key="2")
    with database.transaction() as session:
        (row,) = session.scalars(select(Conflict))
        assert row.reason == "limit:licence_no"
        two = (session.get_one(Identifier, number) for number in (row.a_id, row.b_id))
        identity.judge.keep_apart(session, *two, actor="admin", reason="两个人", now=NOON)
    with database.reading() as session:
        assert session.scalars(select(Conflict.reason)).all() == ["cannot_link"]


def test_the_same_event_takes_effect_once(database: Database) -> None:
    for _ in range(3):
        with database.transaction() as session:
            see(session, EXTERNAL, UNION, key="inbox:1")
    with database.reading() as session:
        from app.identity.models import Evidence

        assert len(session.scalars(select(Evidence)).all()) == 1


def test_any_order_of_events_gives_the_same_one_ids(database: Database) -> None:
    rng = random.Random(7)
    pool = [EXTERNAL, UNION, OPEN, LICENCE, PHONE, Id(Kind.CRM_ID, "", "HCP-1"),
            Id(Kind.UNIONID, "open", "oU2"), Id(Kind.LICENCE_NO, "", "110440000099999"),
            Id(Kind.PHONE, "", "+8619987654321"), Id(Kind.OPENID, "wx1", "oA2")]  # fmt: skip
    events = [rng.sample(pool, 2) for _ in range(8)]
    states = []
    for turn in range(3):
        rng.shuffle(events)
        with database.transaction() as session:
            suffix = f"-{turn}"
            for a, b in events:
                moved = [Id(i.kind, i.namespace + suffix, i.value) for i in (a, b)]
                see(session, *moved, key=f"{turn}:{a.value}:{b.value}")
            rows = session.scalars(
                select(Identifier).where(Identifier.namespace.endswith(suffix))
            ).all()
            groups: dict[str, set[str]] = {}
            for row in rows:
                groups.setdefault(row.one_id, set()).add(row.kind + row.value)
            states.append({frozenset(group) for group in groups.values()})
    assert states[0] == states[1] == states[2]


def test_an_old_one_id_redirects_for_ever(database: Database) -> None:
    with database.transaction() as session:
        (contact,) = see(session, EXTERNAL, key="inbox:1")
        first = contact.one_id
        see(session, EXTERNAL, UNION, key="inbox:2")
        see(session, UNION, LICENCE, key="inbox:3")
        physician = identity.get_physician(session, first)
        assert physician.live
        session.refresh(contact)
        assert contact.one_id == physician.one_id != first


def test_a_judgement_splits_and_retracting_it_restores_exactly(database: Database) -> None:
    with database.transaction() as session:
        see(session, LICENCE, PHONE, key="a")
        see(session, PHONE, UNION, key="b")
        see(session, UNION, EXTERNAL, key="c")
    before = people(database)
    with database.transaction() as session:
        a, b = identity.find(session, LICENCE), identity.find(session, EXTERNAL)
        assert a
        assert b
        shown = identity.preview(session, "cannot", a, b)
        assert shown.moves
        override = identity.keep_apart(session, a, b, actor="user:1", reason="两个人", now=NOON)
    assert people(database) != before
    with database.transaction() as session:
        identity.retract(session, override.id, actor="user:1", now=NOON)
    assert people(database) == before


def test_the_chain_between_two_identifiers_is_told_in_words(database: Database) -> None:
    with database.transaction() as session:
        see(session, EXTERNAL, UNION, key="inbox:1")
        see(session, UNION, OPEN, key="inbox:2")
        steps = identity.explain(
            session,
            *(identity.find(session, one) for one in (EXTERNAL, OPEN)),  # type: ignore[arg-type]
        )
    assert [step.event_key for step in steps] == ["inbox:1", "inbox:2"]
    assert "同时出现" in steps[0].text


def test_attributes_survive_by_trust_and_names_are_found_encrypted(database: Database) -> None:
    with database.transaction() as session:
        (row, _) = see(session, EXTERNAL, LICENCE, key="inbox:1")
        for source, trust, name in (("wecom", 20, "王医生"), ("crm", 90, "王某某")):
            identity.describe(
                session, row, {"name": name, "hospital": "示例市第一医院"},
                source=source, trust=trust, at=NOON, now=NOON,
            )  # fmt: skip
    with database.reading() as session:
        physician = session.scalars(select(Physician).where(Physician.live.is_(True))).one()
        assert (physician.name, physician.verified) == ("王某某", True)
        for text in ("王某某", "某某", "王", "第一医院", "110440000012345", physician.one_id):
            found, total = identity.search(session, text)
            assert [p.one_id for p in found] == [physician.one_id], text
            assert total == 1
        assert identity.search(session, "李")[1] == 0
    with database.engine.connect() as connection:
        raw = connection.exec_driver_sql("select name from physician").scalars().all()
    assert "王某某".encode() not in b"".join(bytes(r) for r in raw if r)


def test_forgetting_removes_value_and_links_and_a_return_starts_afresh(database: Database) -> None:
    with database.transaction() as session:
        (row, _) = see(session, OPEN, UNION, key="inbox:1")
        identity.forget(session, row, cause="inbox:2", now=NOON)
    assert people(database) == {frozenset({""}), frozenset({"oU1"})}
    with database.transaction() as session:
        see(session, OPEN, UNION, key="inbox:3")
    assert people(database) == {frozenset({"oA1", "oU1"})}


def test_forgetting_a_phone_computes_the_device_again_that_it_alone_had_named(
    database: Database,
) -> None:
    device = Id(Kind.DEVICE, "web", "cookie-1")

    def tell(session: Session, *ids: Id, name: str) -> None:
        identity.observe(session, ids, event_key=name, source="test", at=NOON, now=NOON, name=name)

    with database.transaction() as session:
        tell(session, PHONE, device, name="王敏")
        tell(session, OPEN, device, name="李敏")
        assert len({row.one_id for row in session.scalars(select(Identifier))}) == 3, "two names"
        phone = identity.find(session, PHONE) or pytest.fail("the phone was seen")
        identity.forget(session, phone, cause="inbox:2", now=NOON)
    with database.transaction() as session:
        found = [identity.find(session, one) for one in (OPEN, device)]
        assert len({row.one_id for row in found if row}) == 1, "only one name is left"
        assert found[1] is not None
        assert found[1].status == "active"
        assert identity.rebuild(session, now=NOON) == 0


def test_nobody_is_listed_of_whom_nothing_is_left(database: Database) -> None:
    with database.transaction() as session:
        (row,) = see(session, OPEN, key="inbox:1")
        assert identity.search(session)[1] == 1
        identity.forget(session, row, cause="inbox:2", now=NOON)
        assert identity.search(session)[1] == 0
    with database.transaction() as session:
        see(session, OPEN, key="inbox:3")
        assert identity.search(session)[1] == 1


def test_rebuilding_changes_nothing(database: Database) -> None:
    rng = random.Random(3)
    pool = [EXTERNAL, UNION, OPEN, LICENCE, PHONE, Id(Kind.LICENCE_NO, "", "110440000099999")]
    with database.transaction() as session:
        for number, pair in enumerate(rng.sample(list(combinations(pool, 2)), 9)):
            see(session, *pair, key=str(number))
    before = people(database)
    with database.transaction() as session:
        assert identity.rebuild(session, now=NOON) == 0
    assert people(database) == before


@pytest.mark.parametrize("seed", range(12))
def test_surer_and_earlier_evidence_of_known_pairs_ends_as_a_rebuild_does(
    database: Database, seed: int
) -> None:
    """Two licences and five phones: limits keep some apart, and then what was joined first counts."""
    rng = random.Random(seed)
    pool = [LICENCE, Id(Kind.LICENCE_NO, "", "110440000099999"), UNION, OPEN, EXTERNAL]
    pool += [Id(Kind.PHONE, "", f"+86199{n:08d}") for n in range(3)]
    pairs = rng.sample(list(combinations(pool, 2)), 8)
    with database.transaction() as session:
        for number in range(30):
            identity.observe(
                session, rng.choice(pairs), event_key=str(number), source="test",
                trust=rng.choice((20, 50, 90)), at=NOON - timedelta(minutes=rng.randrange(99)),
                now=NOON,
            )  # fmt: skip
    before = people(database)
    with database.transaction() as session:
        assert identity.rebuild(session, now=NOON) == 0
    assert people(database) == before


def test_workers_at_once_agree_with_one_worker(database: Database) -> None:
    pool = [Id(Kind.UNIONID, "open", f"u{i}") for i in range(4)]
    pool += [Id(Kind.OPENID, "wx1", f"o{i}") for i in range(4)] + [PHONE, LICENCE]
    rng = random.Random(5)
    events = [(n, rng.sample(pool, 2)) for n in range(24)]

    def work(event: tuple[int, list[Id]]) -> None:
        for _attempt in range(20):
            try:
                with database.transaction() as session:
                    see(session, *event[1], key=str(event[0]))
                return
            except Exception as problem:
                if "deadlock" not in str(problem).lower():
                    raise
        pytest.fail("too many deadlocks")

    with ThreadPoolExecutor(4) as workers:
        list(workers.map(work, events))
    together = people(database)
    with database.transaction() as session:
        assert identity.rebuild(session, now=NOON) == 0
    assert people(database) == together


def test_workers_who_tell_many_at_once_never_wait_for_each_other_in_a_circle(
    database: Database,
) -> None:
    """Their batches name the same people, in any order, and make them one component: nobody has
    to begin again, and the end is what one worker would come to."""
    pool = [Id(Kind.UNIONID, "open", f"u{i}") for i in range(12)]
    pool += [Id(Kind.OPENID, "wx1", f"o{i}") for i in range(12)] + [PHONE, LICENCE]
    pool += [Id(Kind.PHONE, "", f"+861391234560{i}") for i in range(6)]
    rng = random.Random(8)

    def told(key: str) -> identity.Told:
        at, name = NOON + timedelta(minutes=rng.randrange(9)), rng.choice(["", "王敏", "李静"])
        return identity.Told(rng.sample(pool, 2), key, "test", at, name=name)

    batches = [[told(f"{n}:{i}") for i in range(6)] for n in range(16)]

    def work(batch: list[identity.Told]) -> None:
        with database.transaction() as session:
            identity.recognise_many(session, batch, now=NOON)

    with ThreadPoolExecutor(4) as workers:
        list(workers.map(work, batches))
    together = people(database)
    assert len(together) < len(pool)
    with database.transaction() as session:
        assert identity.rebuild(session, now=NOON) == 0
    assert people(database) == together


def test_an_event_that_was_told_says_nothing_for_others(database: Database) -> None:
    """A sentence that is not written down, because its event has spoken, tells no other one."""
    with database.transaction() as session:
        see(session, EXTERNAL, UNION, key="inbox:1")
        again = identity.Told([EXTERNAL, UNION], "inbox:1", "test", NOON, trust=90)
        surer = identity.Told([EXTERNAL, UNION], "inbox:2", "test", NOON, trust=80)
        identity.recognise_many(session, [again, surer, surer], now=NOON)
        said = session.execute(select(Evidence.event_key, Evidence.trust)).all()
        assert sorted(said) == [("inbox:1", 50), ("inbox:2", 80)]


def test_whoever_is_told_with_strangers_keeps_name_and_verification(database: Database) -> None:
    """A profile follows who becomes one person, told together with others who are nobody's."""
    with database.transaction() as session:
        (contact,) = see(session, EXTERNAL, key="inbox:1")
        identity.describe(
            session, contact, {"name": "王某某"}, source="t", trust=20, at=NOON, now=NOON
        )
        before = contact.one_id
        told = [
            identity.Told([OPEN, PHONE], "inbox:2", "test", NOON),
            identity.Told([EXTERNAL, UNION, LICENCE], "inbox:3", "test", NOON),
        ]
        (_, (row, *_)) = identity.recognise_many(session, told, now=NOON)
        person = session.get_one(Physician, row.one_id)
        assert (person.name, person.verified, person.live) == ("王某某", True, True)
        assert contact.one_id == row.one_id, "rows in the session follow"
        assert identity.search(session, "王某某")[1] == 1
        assert identity.resolve_one_id(session, before) == row.one_id


@pytest.mark.parametrize(
    ("text", "phone"),
    [
        ("199 1234 5678", "+8619912345678"),
        ("+86-199-1234-5678", "+8619912345678"),
        ("１９９１２３４５６７８", "+8619912345678"),
        ("13800000000", None),
        ("13800138000", None),
        ("18800000000", None),
        ("010-88886666", None),
        ("4008123123", None),
        ("95588", None),
        ("", None),
        ("undefined", None),
    ],
)
def test_phones_have_one_form_and_switchboards_none(text: str, phone: str | None) -> None:
    one = identity.make_id(Kind.PHONE, text)
    assert (one.value if one else None) == phone


@pytest.mark.parametrize("text", ["N/A", "无", "d41d8cd98f00b204e9800998ecf8427e"])
def test_what_stands_for_nothing_is_nobody(text: str) -> None:
    assert identity.make_id(Kind.CRM_ID, text) is None


def test_a_merge_holds_though_the_oldest_identifier_turns_out_to_be_shared(
    database: Database,
) -> None:
    with database.transaction() as session:
        see(session, PHONE, key="inbox:0")
        (contact, _) = see(session, EXTERNAL, PHONE, key="inbox:1")
        (follower,) = see(session, OPEN, key="inbox:2")
        identity.merge(
            session, contact.one_id, follower.one_id, actor="user:1", reason="同一人", now=NOON
        )
        for number in (1, 2):  # a clinic's phone, as it seems
            licence = Id(Kind.LICENCE_NO, "", f"11044000001234{number}")
            see(session, licence, PHONE, key=f"import:{number}")
        session.refresh(contact)
        session.refresh(follower)
        assert contact.one_id == follower.one_id


def test_a_departments_phone_joins_nobody_until_the_wrong_name_is_mended(
    database: Database,
) -> None:
    def told(session: Session, *ids: Id, key: str, name: str, minute: int) -> Identifier:
        at = NOON + timedelta(minutes=minute)
        return identity.observe(
            session, ids, event_key=key, source="test", at=at, now=NOON, name=name
        )[0]

    with database.transaction() as session:
        told(session, LICENCE, PHONE, key="1", name="王敏", minute=0)
        told(session, EXTERNAL, PHONE, key="2", name="", minute=0)
        assert identity.find(session, PHONE).status == "active"  # type: ignore[union-attr]
    assert people(database) == {frozenset({LICENCE.value, EXTERNAL.value, PHONE.value})}
    with database.transaction() as session:
        told(session, EXTERNAL, PHONE, key="2", name="李静主任", minute=1)
        assert identity.find(session, PHONE).status == "shared"  # type: ignore[union-attr]
        told(session, EXTERNAL, PHONE, key="3", name="王静", minute=0)  # an older word
    assert len(people(database)) == 3
    with database.transaction() as session:
        told(session, EXTERNAL, PHONE, key="2", name="王静", minute=2)
    assert len(people(database)) == 1
    with database.transaction() as session:
        told(session, EXTERNAL, PHONE, key="2", name="李静", minute=3)
        identity.forget(session, identity.find(session, EXTERNAL), cause="asked", now=NOON)  # type: ignore[arg-type]
        assert identity.find(session, PHONE).status == "active"  # type: ignore[union-attr]


def test_a_device_seen_earlier_than_known_links_only_who_came_in_its_window(
    database: Database,
) -> None:
    device = Id(Kind.DEVICE, "web", "cookie-1")
    for number, (one, day) in enumerate(((OPEN, 0), (EXTERNAL, 80), (OPEN, -20))):
        at = NOON + timedelta(days=day)
        with database.transaction() as session:
            identity.observe(
                session, [one, device], event_key=f"{number}", source="test", at=at, now=NOON
            )
        together = people(database)
        assert (len(together) == 1) == (number < 2), "told again earlier, its window ends earlier"
    assert together == {frozenset({OPEN.value, device.value}), frozenset({EXTERNAL.value})}
