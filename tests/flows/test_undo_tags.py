"""Taking an import of tags back: exactly what it did, nothing that others said, and once."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import accounts, identity, tagging
from app.flows.followers.unfollowed import _erase
from app.flows.tagging import import_tags, undo_tags
from app.flows.tagging.undo_tags import Touched
from app.identity import Id, Kind
from app.infra.db import Database
from app.infra.errors import NotFound, Refused
from app.tagging import Source, TagImport, TagImportChange
from app.tagging.models import TagAssertion, TagSighting
from tests.conftest import NOON
from tests.tagging.people import fold_name

DAY = timedelta(days=1)
COLUMNS = {0: "licence_no", 1: "tags"}
FIRST, OTHER = "110000000012345", "110000000012346"


@pytest.fixture(autouse=True)
def people(database: Database) -> dict[str, int]:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        for number in (FIRST, OTHER):
            one = Id(Kind.LICENCE_NO, "", number)
            identity.observe(session, [one], event_key=number, source="crm", at=NOON, now=NOON)
        found = {number: identity.find(session, Id(Kind.LICENCE_NO, "", number))
                 for number in (FIRST, OTHER)}  # fmt: skip
        return {number: row.id for number, row in found.items() if row}


def take(database: Database, at: datetime, *rows: str, tool: str = "mail") -> int:
    """`rows`: licence,names."""
    text = "\n".join(["执业证号,标签", *rows])
    with database.transaction() as session:
        upload = import_tags.keep(
            session, "m.csv", text.encode(), tool=tool, actor="user:1", now=at
        )
    import_tags.apply(database, upload.id, COLUMNS, actor="user:1", now=at)
    return upload.id


def undo(database: Database, number: int, at: datetime = NOON + 9 * DAY) -> Touched:
    return undo_tags.undo(database, number, "传错了文件", actor="user:2", now=at)


def said(database: Database, person: int) -> dict[str, datetime]:
    """Names that hold of somebody, or wait, and since when."""
    with database.reading() as session:
        holds = select(TagAssertion.raw, TagAssertion.at).where(
            TagAssertion.identifier_id == person, TagAssertion.superseded_at.is_(None),
            TagAssertion.source == Source.MARKETING,
        )  # fmt: skip
        waits = select(TagSighting.raw, TagSighting.at).where(TagSighting.identifier_id == person)
        return {raw: at for rows in (holds, waits) for raw, at in session.execute(rows)}


def test_the_tool_says_again_what_it_said_before_and_since_when(
    database: Database, people: dict[str, int]
) -> None:
    take(database, NOON, f"{FIRST},房颤;大会常客")
    before = said(database, people[FIRST])
    wrong = take(database, NOON + DAY, f"{FIRST},心衰;新来的", f"{OTHER},抗凝")
    take(database, NOON + DAY, f"{FIRST},高血压", tool="other")
    with database.reading() as session:
        upload = session.get_one(TagImport, wrong)
        assert undo_tags.touches(session, upload) == Touched(back=2, kept=0)
    assert undo(database, wrong) == Touched(back=2, kept=0)
    assert said(database, people[FIRST]) == before | {"高血压": NOON + DAY}
    assert said(database, people[OTHER]) == {}
    with database.reading() as session:
        names = {one.raw: one.seen for one in tagging.unmapped(session)}
        assert names == {"大会常客": 1, "新来的": 0}
        ended = select(TagAssertion.superseded_at).where(TagAssertion.raw == "心衰")
        assert session.scalars(ended).all() == [NOON + 9 * DAY], "it stays as history"
        upload = session.get_one(TagImport, wrong)
        assert (upload.undone_by, upload.undone_reason) == ("user:2", "传错了文件")
        (line, *_) = accounts.audit_trail(session, "tag_import", str(wrong))
        assert (line.action, line.actor) == ("tags.import_undone", "user:2")


def test_doing_it_twice_changes_nothing_and_a_reason_is_needed(
    database: Database, people: dict[str, int]
) -> None:
    number = take(database, NOON, f"{FIRST},房颤")
    with pytest.raises(Refused, match="原因"):
        undo_tags.undo(database, number, " ", actor="user:2", now=NOON)
    assert said(database, people[FIRST]) == {"房颤": NOON}
    undo(database, number)
    take(database, NOON + 10 * DAY, f"{FIRST},房颤")
    assert undo(database, number, NOON + 11 * DAY) == Touched(back=1, kept=0)
    assert said(database, people[FIRST]) == {"房颤": NOON + 10 * DAY}
    with database.reading() as session:
        assert session.get_one(TagImport, number).undone_at == NOON + 9 * DAY
        trail = accounts.audit_trail(session, "tag_import", str(number))
        assert [line.action for line in trail] == [
            "tags.import_undone", "tags.import_undo_begun", "tags.imported"
        ]  # fmt: skip
    with pytest.raises(NotFound):
        undo(database, 999)


def test_what_was_confirmed_since_stays(database: Database, people: dict[str, int]) -> None:
    """By a person, or by a newer file; what that one follows is then what was before the mistake."""
    take(database, NOON, f"{FIRST},高血压", f"{OTHER},高血压")
    wrong = take(database, NOON + DAY, f"{FIRST},房颤", f"{OTHER},房颤")
    newer = take(database, NOON + 2 * DAY, f"{FIRST},房颤;心衰")
    with database.transaction() as session:
        tag = tagging.id_of(session, "房颤")
        assert tag is not None
        tagging.assert_tag(
            session, people[OTHER], tag, source=Source.PERSON, ref="user:3", evidence="亲自确认",
            at=NOON + 2 * DAY,
        )  # fmt: skip
    assert undo(database, wrong) == Touched(back=1, kept=1)
    assert said(database, people[FIRST]) == {"房颤": NOON + DAY, "心衰": NOON + 2 * DAY}
    assert said(database, people[OTHER]) == {"高血压": NOON}
    with database.reading() as session:
        mine = select(TagAssertion.superseded_at).where(TagAssertion.source == Source.PERSON)
        assert session.scalars(mine).all() == [None]
    assert undo(database, newer) == Touched(back=1, kept=0)
    assert said(database, people[FIRST]) == {"高血压": NOON}


def test_what_was_folded_since_goes_with_it(database: Database, people: dict[str, int]) -> None:
    number = take(database, NOON, f"{FIRST},大会常客")
    with database.transaction() as session:
        (waiting,) = tagging.unmapped(session)
        fold_name(session, waiting.id, "af", actor="user:7", now=NOON + DAY, batch="b")
    assert said(database, people[FIRST]) == {"大会常客": NOON}
    undo(database, number)
    assert said(database, people[FIRST]) == {}


def test_one_that_was_broken_off_is_gone_on_with(
    database: Database, people: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_tags, "SLICE", 1)
    number = take(database, NOON, f"{FIRST},房颤", f"{OTHER},房颤")
    whole, left = import_tags.say, [1]

    def breaks(*asked: object) -> None:
        if not left:
            raise OSError
        left.pop()
        whole(*asked)  # type: ignore[arg-type]

    monkeypatch.setattr(import_tags, "say", breaks)
    with pytest.raises(OSError):
        undo(database, number)
    monkeypatch.setattr(import_tags, "say", whole)
    with database.reading() as session:
        (line, *_) = accounts.audit_trail(session, "tag_import", str(number))
        assert (line.action, line.actor) == ("tags.import_undo_begun", "user:2")
    assert sorted(map(len, (said(database, one) for one in people.values()))) == [0, 1]
    assert undo(database, number) == Touched(back=2, kept=0)
    assert [said(database, one) for one in people.values()] == [{}, {}]


def test_who_is_erased_leaves_nothing_to_be_brought_back(
    database: Database, people: dict[str, int]
) -> None:
    take(database, NOON, f"{FIRST},房颤")
    wrong = take(database, NOON + DAY, f"{FIRST},心衰", f"{OTHER},心衰")
    with database.transaction() as session:
        _erase(session, session.get_one(identity.Identifier, people[FIRST]), None)
    assert undo(database, wrong) == Touched(back=1, kept=0)
    assert said(database, people[FIRST]) == {}


def test_an_import_of_an_older_version_is_refused(database: Database) -> None:
    number = take(database, NOON, f"{FIRST},房颤")
    with database.transaction() as session:
        session.delete(session.scalars(select(TagImportChange)).one())
    with pytest.raises(Refused, match="早于撤销功能"):
        undo(database, number)


def test_an_import_of_which_everybody_was_erased_says_so(
    database: Database, people: dict[str, int]
) -> None:
    number = take(database, NOON, f"{FIRST},房颤")
    with database.transaction() as session:
        _erase(session, session.get_one(identity.Identifier, people[FIRST]), None)
    with pytest.raises(Refused, match="医生已经删除"):
        undo(database, number)


def test_who_was_erased_up_to_a_day_is_undone_to_what_was_said_since(
    database: Database, people: dict[str, int]
) -> None:
    take(database, NOON, f"{FIRST},房颤")
    later = take(database, NOON + 2 * DAY, f"{FIRST},心衰")
    wrong = take(database, NOON + 3 * DAY, f"{FIRST},高血压")
    with database.transaction() as session:
        _erase(session, session.get_one(identity.Identifier, people[FIRST]), NOON + DAY)
        kept = session.scalars(select(TagImportChange).order_by(TagImportChange.id)).all()
        assert [(one.import_id, [*one.before]) for one in kept] == [(later, []), (wrong, ["心衰"])]
    assert undo(database, wrong) == Touched(back=1, kept=0)
    assert said(database, people[FIRST]) == {"心衰": NOON + 2 * DAY}
    assert undo(database, later) == Touched(back=1, kept=0)
    assert said(database, people[FIRST]) == {}


class Overtaken(Database):
    """Before transaction number `n` of ours somebody else does something."""

    def __init__(self, other: Database, n: int, then: Callable[[], object]) -> None:
        super().__init__(other.engine)
        self.left, self.then = n, then

    def transaction(self) -> AbstractContextManager[Session]:
        self.left -= 1
        if not self.left:
            self.then()
        return super().transaction()


def test_pieces_of_what_somebody_else_has_finished_are_left_alone(
    database: Database, people: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_tags, "SLICE", 1)
    with database.transaction() as session:
        file = f"执业证号,标签\n{FIRST},房颤\n{OTHER},房颤".encode()
        number = import_tags.keep(session, "m.csv", file, tool="mail", actor="u", now=NOON).id

    def whole() -> None:
        import_tags.apply(database, number, COLUMNS, actor="user:1", now=NOON)
        undo(database, number)

    slow = Overtaken(database, 2, whole)
    with pytest.raises(NotFound):
        import_tags.apply(slow, number, COLUMNS, actor="user:1", now=NOON)
    assert not any(said(database, person) for person in people.values())
    again = take(database, NOON + 10 * DAY, f"{FIRST},心衰", f"{OTHER},心衰")
    slow = Overtaken(database, 3, lambda: undo(database, again))
    assert undo(slow, again) == Touched(back=2, kept=0)
    with database.reading() as session:
        trail = accounts.audit_trail(session, "tag_import", str(again))
    assert [line.action for line in trail].count("tags.import_undone") == 1


def test_what_was_broken_off_is_not_thrown_away_and_can_be_gone_on_with(
    database: Database, people: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_tags, "SLICE", 1)
    real, done = import_tags.say, list[int]()

    def dies(*given: Any) -> None:
        if done:
            raise RuntimeError
        done.append(given[2])
        real(*given)

    with monkeypatch.context() as broken:
        broken.setattr(import_tags, "say", dies)
        with pytest.raises(RuntimeError):
            take(database, NOON, f"{FIRST},房颤", f"{OTHER},房颤")
    with database.transaction() as session:
        assert not import_tags.are_stale(session, NOON + 9 * DAY)
        import_tags.drop_stale(session, NOON + 9 * DAY)
        number = session.scalars(select(TagImport.id)).one()
    import_tags.apply(database, number, COLUMNS, actor="user:1", now=NOON + 9 * DAY)
    assert all(said(database, person) for person in people.values())
    assert undo(database, number) == Touched(2, 0)
    assert not any(said(database, person) for person in people.values())
