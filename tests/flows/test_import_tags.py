"""Files of marketing tools: mapped, looked at, taken once, and never inventing anybody."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from app import identity, tagging
from app.flows.tagging import import_tags
from app.identity import Id, Kind
from app.infra.db import Database
from app.infra.errors import NotFound, Refused
from app.tagging import Source
from app.tagging.models import TagAssertion
from tests.company import hire, meet
from tests.conftest import NOON
from tests.flows.test_imported_tags import take_in
from tests.tagging.people import fold_name

FILE = "执业证号,客户标签,备注\n110000000012345,房颤;大会常客,a\n110000000099999,房颤,b\n,房颤,c\n110000000012345,处方量高,d\n"


def kept(database: Database, text: str = FILE, tool: str = "会议系统", now: datetime = NOON) -> int:
    with database.transaction() as session:
        return import_tags.keep(
            session, "m.csv", text.encode(), tool=tool, actor="user:1", now=now
        ).id


def test_a_file_is_looked_at_then_taken_and_the_newer_one_counts(database: Database) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
    take_in(database, "")
    upload_id = kept(database)
    columns = {0: "licence_no", 1: "tags"}
    assert import_tags.guess(["执业证号", "客户标签", "备注"]) == columns
    with database.reading() as session:
        upload = session.get_one(tagging.TagImport, upload_id)
        looked = import_tags.look(session, upload, columns)
        assert looked.figures == {
            "rows": 4,
            "physicians": 1,
            "known": 1,
            "waiting": 1,
            "left_out": 3,
        }
        assert [line for line, _why in looked.remarks] == [3, 4, 5]
        with pytest.raises(Refused, match="指明哪一列"):
            import_tags.look(session, upload, {1: "tags"})
        assert session.scalars(select(TagAssertion)).all() == []
    import_tags.apply(database, upload_id, columns, actor="user:1", now=NOON)
    with pytest.raises(NotFound):
        import_tags.apply(database, upload_id, columns, actor="user:1", now=NOON)
    with database.reading() as session:
        assert session.get_one(tagging.TagImport, upload_id).table == []
        (row,) = session.scalars(select(TagAssertion))
        assert (row.source, row.raw, row.evidence) == (
            Source.MARKETING,
            "房颤",
            "市场工具标签「房颤」",
        )
        assert [(w.source, w.raw, w.seen) for w in tagging.unmapped(session)] == [
            ("marketing", "大会常客", 1)
        ]
    later = NOON + timedelta(days=1)
    newer = kept(database, "执业证号,标签\n110000000012345,心衰\n")
    import_tags.apply(database, newer, columns, actor="user:1", now=later)
    with database.reading() as session:
        active = select(TagAssertion.raw).where(TagAssertion.superseded_at.is_(None))
        assert session.scalars(active).all() == ["心衰"]
        assert [w.seen for w in tagging.unmapped(session)] == [0]


def test_no_tool_speaks_for_another(database: Database) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
    take_in(database, "")
    for tool, name in (("mail:a", "房颤"), ("mail", "心衰"), ("m_il", "抗凝"), ("%", "高血压")):
        upload_id = kept(database, f"执业证号,标签\n110000000012345,{name}\n", tool)
        import_tags.apply(
            database, upload_id, {0: "licence_no", 1: "tags"}, actor="user:1", now=NOON
        )
    assert spoken(database) == {"房颤", "心衰", "抗凝", "高血压"}
    assert import_tags.tool_key(" Mail ") == import_tags.tool_key("mail")


def test_a_newer_file_replaces_the_older_one_whichever_column_names_the_physician(
    database: Database,
) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        licence = Id(Kind.LICENCE_NO, "", "110000000012345")
        crm = Id(Kind.CRM_ID, "", "C-1")
        identity.observe(session, [licence, crm], event_key="t", source="crm", at=NOON, now=NOON)
    first = kept(database, "执业证号,标签\n110000000012345,房颤;大会常客\n")
    import_tags.apply(database, first, {0: "licence_no", 1: "tags"}, actor="user:1", now=NOON)
    rows = "CRM编号,执业证号,标签\nC-1,,心衰\n,110000000012345,抗凝\n"  # two lines of one person
    columns = {0: "crm_id", 1: "licence_no", 2: "tags"}
    import_tags.apply(
        database, kept(database, rows), columns, actor="user:1", now=NOON + timedelta(days=1)
    )
    assert spoken(database) == {"心衰", "抗凝"}
    with database.reading() as session:
        assert [w.seen for w in tagging.unmapped(session)] == [0]


def spoken(database: Database) -> set[str]:
    """Names that hold."""
    with database.reading() as session:
        active = select(TagAssertion.raw).where(TagAssertion.superseded_at.is_(None))
        return set(session.scalars(active))


def test_what_cannot_be_used_says_why(database: Database) -> None:
    for text, why in (("手机,标签\n", "没有数据"), ("手机,月处方\n1,2\n", "处方量")):
        with pytest.raises(Refused, match=why):
            kept(database, text)


def test_the_physician_page_names_the_raw_name_and_who_folded_it(database: Database) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        who = meet(session, hire(session, "rep01", NOON), "1", NOON)
        tagging.take_names(
            session, who.id, source=Source.CRM, scope="crm", names={"房颤大户": "CRM 标签「房颤大户」"},
            at=NOON, now=NOON,
        )  # fmt: skip
        (waiting,) = tagging.unmapped(session)
        fold_name(session, waiting.id, "af", actor="user:7", now=NOON, batch="b")
        (told,) = tagging.reasons(session, who.one_id, NOON).values()
        assert told[0].raw == "房颤大户"
        folded = tagging.folded_by(session, {(told[0].source, told[0].raw)})
        assert folded[told[0].source, told[0].raw].actor == "user:7"
