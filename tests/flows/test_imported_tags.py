"""Tag names from the CRM are kept and folded like those from WeCom."""

from __future__ import annotations

from sqlalchemy import select

from app import tagging
from app.flows.identity import import_physicians
from app.identity.models import Identifier, Kind
from app.infra.db import Database
from tests.conftest import NOON
from tests.tagging.people import fold_name


def take_in(database: Database, tags: str) -> None:
    data = f"姓名,执业证号,tags\n王某某,110000000012345,{tags}\n".encode()
    sheet = import_physicians.read("p.csv", data)
    assert not sheet.rejected
    with database.transaction() as session:
        batch = import_physicians.begin(session, "p.csv", sheet, actor="user:1", now=NOON)
        for rows in import_physicians.slices(sheet):
            import_physicians.take(session, batch.id, rows, digest=sheet.digest, now=NOON)


def test_an_unknown_crm_name_waits_with_its_physician_until_it_is_folded(
    database: Database,
) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
    take_in(database, "房颤;重点房颤客户")
    with database.transaction() as session:
        (waiting,) = tagging.unmapped(session)
        assert (waiting.raw, waiting.seen) == ("重点房颤客户", 1)
        fold_name(session, waiting.id, "anticoagulation", actor="user:1", now=NOON, batch="b")
    with database.reading() as session:
        chosen = select(Identifier.one_id).where(Identifier.kind == Kind.LICENCE_NO)
        one_id = session.scalars(chosen).one()
        keys = {tag.id: tag.key for tag in tagging.tags(session)}
        held = {keys[t] for t in tagging.weights(session, [one_id], NOON)[one_id]}
        assert held == {"af", "anticoagulation"}
