"""Whoever is new or has changed is compared: queued, joined when sure, or left alone."""

from __future__ import annotations

import sys
import threading
from datetime import timedelta

import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.orm import Session

from app import identity, linkage
from app.flows.identity import link_all
from app.flows.identity.link_decision import undo
from app.flows.identity.link_due import link_due
from app.identity import Id, Identifier, Kind, Physician
from app.infra.db import Database
from app.linkage import LinkCandidate, State
from app.linkage.due import _WHO
from app.linkage.model import default
from app.linkage.models import LinkKey
from tests.conftest import NOON

LATER = NOON + timedelta(hours=1)
WANG = {"name": "王晓明", "hospital": "示例市第一人民医院", "department": "心内科",
        "title": "主任医师", "city": "示例市"}  # fmt: skip


def know(session: Session, one: Id, *also: Id, **values: str) -> Identifier:
    """A source says this about somebody."""
    rows = identity.observe(
        session, [one, *also], event_key=one.value, source="test", at=NOON, now=NOON
    )
    identity.describe(session, rows[0], values, source="test", trust=50, at=NOON, now=NOON)
    return rows[0]


def crm(number: int) -> Id:
    return Id(Kind.CRM_ID, "", f"HCP-{number}")


def contact(number: int) -> Id:
    return Id(Kind.WECOM_EXTERNAL_USERID, "ww1", f"wm{number}")


def phone(number: int) -> Id:
    return Id(Kind.PHONE, "", f"+86199123{number:05d}")


def run(database: Database) -> None:
    """Until nobody is left to be compared."""
    while True:
        with database.transaction() as session:
            if not link_due(session, LATER, 2):
                return


def found(database: Database) -> list[LinkCandidate]:
    with database.reading() as session:
        return list(session.scalars(select(LinkCandidate).order_by(LinkCandidate.id)))


def test_the_sure_are_joined_the_likely_wait_and_the_unlikely_are_left_alone(
    database: Database,
) -> None:
    with database.transaction() as session:
        know(session, crm(1), **WANG)
        know(session, contact(1), **WANG | {"name": "王晓明主任", "department": "心血管内科"})
        know(session, crm(2), **WANG | {"name": "李建国", "department": "骨科"})
        know(session, contact(2), **WANG | {"name": "李建国", "department": "", "title": ""})
        know(
            session, contact(3), **WANG | {"name": "赵丽", "hospital": "另一家医院", "city": "别市"}
        )
    run(database)
    sure, likely = found(database)
    assert (sure.state, likely.state) == (State.AUTOMATIC, State.OPEN)
    assert sure.weights["name"]["level"] == "exact"
    assert set(likely.weights) == {"name", "hospital"}
    assert "李建国" not in str(likely.weights)
    with database.reading() as session:
        owners = {row.value: row.one_id for row in session.scalars(select(Identifier))}
    assert owners["HCP-1"] == owners["wm1"]
    assert len(set(owners.values())) == 4


def test_what_a_person_took_back_no_rule_joins_again_and_an_answer_is_never_asked_again(
    database: Database,
) -> None:
    with database.transaction() as session:
        know(session, crm(1), **WANG)
        know(session, contact(1), **WANG)
    run(database)
    (joined,) = found(database)
    with database.transaction() as session:
        undo(session, joined.id, actor="user:1", now=LATER)
    run(database)  # taken apart, both have changed
    assert [one.state for one in found(database)] == [State.OPEN]
    with database.transaction() as session:
        a, b = (session.get_one(Identifier, one) for one in (joined.a_id, joined.b_id))
        identity.keep_apart(session, a, b, actor="user:1", reason="不同", now=LATER)
        candidate = session.get_one(LinkCandidate, joined.id)
        linkage.move(candidate, State.REJECTED, LATER)
        know(session, contact(1), **WANG | {"title": "副主任医师"})
    run(database)
    assert [one.state for one in found(database)] == [State.REJECTED]


def test_two_of_the_crm_are_never_candidates_and_colleagues_of_one_name_are_not_joined(
    database: Database,
) -> None:
    with database.transaction() as session:
        know(session, crm(1), **WANG)
        know(session, crm(2), **WANG)
    run(database)
    assert found(database) == []
    with (
        database.transaction() as session
    ):  # a licence and a CRM number: two persons have to say so
        know(session, Id(Kind.LICENCE_NO, "", "110440000012345"), **WANG)
    run(database)
    assert {one.state for one in found(database)} == {State.OPEN}


def test_keys_follow_what_is_known_and_a_forgotten_physician_has_none(database: Database) -> None:
    with database.transaction() as session:
        row = know(session, contact(1), phone(1), **WANG)
    run(database)
    with database.transaction() as session:
        before = set(session.scalars(select(LinkKey.token)))
        assert len(before) == 5
        know(session, contact(1), phone(1), **WANG | {"department": "骨科"})
    run(database)
    with database.transaction() as session:
        assert len(before & set(session.scalars(select(LinkKey.token)))) == 4
        identity.forget(session, session.get_one(Identifier, row.id), cause="e", now=LATER)
    run(database)
    with database.reading() as session:
        assert session.scalars(select(LinkKey)).all() == []
        assert not linkage.is_due(session)


def test_comparing_all_finds_what_comparing_each_finds(database: Database) -> None:
    with database.transaction() as session:
        for number, name in enumerate(("王晓明", "李建国", "张伟", "张伟", "陈静怡")):
            know(session, crm(number), **WANG | {"name": name, "department": ""})
            know(session, contact(number), **WANG | {"name": name, "title": ""})
    everybody = link_all.read(database, lambda _text: None)
    assert len(everybody) == 10
    pairs = link_all.scored(everybody, default())
    with database.transaction() as session:
        assert link_due(session, LATER, 50) == 10  # all at once, so that namesakes are counted
    each = {(one.a_id, one.b_id): round(one.score, 1) for one in found(database)}
    assert {(one.a.stands, one.b.stands): round(one.score.bits, 1) for one in pairs} == each
    told = link_all.place_all(database, pairs, "again", lambda: LATER, lambda _text: None)
    assert told == {"open": len(pairs), "automatic": 0}
    assert len(found(database)) == len(each)


@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize("third", ["contact", "registered"])
def test_a_third_never_joins_two_whom_no_rule_would_join(
    database: Database, third: str, batch: bool
) -> None:
    licence = Id(Kind.LICENCE_NO, "", "110440000012345")
    two, other = ([contact(1), contact(2)], crm(1)) if third == "contact" else (
        [crm(1), licence], contact(1)
    )  # fmt: skip
    with database.transaction() as session:
        for one in (*two, other):
            know(session, one, **WANG)
    if batch:
        pairs = link_all.scored(link_all.read(database, lambda _text: None), default())
        assert sum(one.sure for one in pairs) == 2
        link_all.place_all(database, pairs, "all", lambda: LATER, lambda _text: None)
        with database.reading() as session:
            assert linkage.is_due(session)
    run(database)
    states = sorted(one.state for one in found(database))
    assert states.count(State.AUTOMATIC) == 1
    with database.reading() as session:
        owners = {row.value: row.one_id for row in session.scalars(select(Identifier))}
    assert len(set(owners.values())) == 2
    assert owners[two[0].value] != owners[two[1].value]


def test_nobody_is_joined_while_others_wait_and_who_is_sure_is_joined_then(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.transaction() as session:
        know(session, crm(1), **WANG)
        know(session, contact(1), **WANG)
    with database.transaction() as session, monkeypatch.context() as patch:
        patch.setattr(linkage, "others_wait", lambda _session: True)
        assert link_due(session, LATER, 50) == 2
    (held,) = found(database)
    assert held.state == State.OPEN
    with database.transaction() as session:
        know(session, crm(2), **WANG | {"name": "李建国"})
        know(session, crm(3), **WANG | {"name": "赵丽"})
    with database.transaction() as session:
        assert linkage.others_wait(session)
        assert link_due(session, LATER, 1) == 1
    assert [one.state for one in found(database)] == [State.OPEN]
    run(database)
    (joined,) = found(database)
    assert (joined.state, joined.model_version) == (State.AUTOMATIC, default().version)
    with database.reading() as session:
        assert not linkage.is_due(session)


def test_two_workers_at_once_find_what_one_finds(database: Database) -> None:
    if database.engine.dialect.name != "postgresql":
        pytest.skip("SQLite writes one transaction at a time")
    names = ("王晓明", "李建国", "张伟", "周海燕", "陈静怡", "赵丽")
    with database.transaction() as session:
        for number, name in enumerate(names):
            know(session, crm(number), **WANG | {"name": name})
            know(session, contact(number), **WANG | {"name": name})
    ready, looked, problems = threading.Barrier(2), [0, 0], []

    def work(which: int) -> None:
        ready.wait(20)
        try:
            while True:
                with database.transaction() as session:
                    number = link_due(session, LATER, 2)
                    waiting = linkage.is_due(session)
                looked[which] += number
                if not number and not waiting:
                    return
        except Exception as problem:
            problems.append(problem)

    workers = [threading.Thread(target=work, args=(which,)) for which in (0, 1)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert problems == []
    assert sum(looked) >= 2 * len(names)
    assert [one.state for one in found(database)] == [State.AUTOMATIC] * len(names)
    with database.reading() as session:
        assert not linkage.is_due(session)
        owners = {row.value: row.one_id for row in session.scalars(select(Identifier))}
    assert len(set(owners.values())) == len(names)
    assert all(owners[f"HCP-{n}"] == owners[f"wm{n}"] for n in range(len(names)))


def test_whoever_is_due_is_found_along_the_partial_index(database: Database) -> None:
    with database.transaction() as session:
        rows = [{"one_id": f"YS{n}", "link_due": False, "created_at": NOON, "updated_at": NOON}
                for n in range(400)]  # fmt: skip
        session.execute(insert(Physician), rows)
        postgresql = session.get_bind().dialect.name == "postgresql"
        if postgresql:
            session.execute(text("set local enable_seqscan = off"))
        for asked in (_WHO.limit(1), _WHO.order_by(Physician.one_id).limit(20)):
            sql = str(asked.compile(session.get_bind(), compile_kwargs={"literal_binds": True}))
            explain = "explain " if postgresql else "explain query plan "
            plan = str(session.execute(text(explain + sql)).all())
            assert "ix_physician_link_due" in plan


def test_a_change_is_due_even_if_another_worker_has_just_looked(database: Database) -> None:
    with database.transaction() as session:
        row = know(session, contact(1), **WANG)
        physician = session.get_one(Physician, row.one_id)
        assert physician.link_due
        session.connection().execute(update(Physician.__table__).values(link_due=False))
        know(session, contact(1), **WANG | {"title": "副主任医师"})
    with database.reading() as session:
        assert linkage.is_due(session)


def test_scoring_again_leaves_alone_when_somebody_said_what(database: Database) -> None:
    with database.transaction() as session:
        know(session, crm(2), **WANG | {"name": "李建国", "department": "骨科"})
        know(session, contact(2), **WANG | {"name": "李建国", "department": "", "title": ""})
    run(database)
    with database.transaction() as session:
        one = session.get_one(LinkCandidate, found(database)[0].id)
        linkage.move(one, State.UNSURE, NOON, decided_by="user:1", decided_at=NOON)
        know(
            session, contact(2), **WANG | {"name": "李建国", "department": "", "title": "主任医师"}
        )
    run(database)
    (after,) = found(database)
    assert (after.state, after.decided_by, after.updated_at) == (State.UNSURE, "user:1", NOON)
    assert "title" in after.weights


def test_what_somebody_decides_in_this_moment_is_left_to_them(database: Database) -> None:
    with database.transaction() as session:
        know(session, crm(1), **WANG)
        know(session, contact(1), **WANG)
    pairs = link_all.scored(link_all.read(database, lambda _text: None), default())
    with database.transaction() as session:
        (placed,) = linkage.put(session, pairs, "first", LATER)
        number = placed[0].id
        if session.get_bind().dialect.name != "postgresql":
            return  # its writers are alone
    with database.transaction() as person:
        linkage.get(person, number, lock=True)
        with database.transaction() as worker:
            assert linkage.put(worker, pairs, "again", LATER) == []
            assert linkage.tidy(worker, LATER) == {State.EXPIRED: 0, State.OPEN: 0}


def test_many_physicians_are_counted_once_a_minute(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["app.linkage.look"], "FEW", 1)
    with database.transaction() as session:
        know(session, crm(1), **WANG)
        assert linkage.scorer(session, NOON).records == 1
        know(session, crm(2), **WANG)
        assert linkage.scorer(session, NOON + timedelta(seconds=59)).records == 1
        assert linkage.scorer(session, NOON + timedelta(seconds=60)).records == 2
