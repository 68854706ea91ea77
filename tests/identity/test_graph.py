"""The graph shows every identifier and link of a person once, and who is kept apart."""

from __future__ import annotations

from datetime import timedelta

from app import identity
from app.identity import Id, Kind
from app.infra.db import Database
from tests.conftest import NOON

CORP = "wwexample"
LATER = NOON + timedelta(days=3)
WECOM = Id(Kind.WECOM_EXTERNAL_USERID, CORP, "wmA")
UNION = Id(Kind.UNIONID, "", "uA")
OPEN = Id(Kind.OPENID, "wxexample", "oA")


def test_links_are_counted_and_know_their_sources(database: Database) -> None:
    with database.transaction() as session:
        for number, (source, at) in enumerate(
            [("wecom.contact", NOON), ("crm.import", LATER), ("wecom.contact", LATER)]
        ):
            identity.observe(
                session, [WECOM, UNION], event_key=f"e{number}", source=source, at=at, now=at,
                trust=50 + number,
            )  # fmt: skip
        rows = identity.observe(
            session, [OPEN, UNION], event_key="e9", source="oa.user_info", at=NOON, now=NOON
        )
        seen = identity.graph(session, rows[0].one_id)
    assert {row.kind for row in seen.identifiers} == {Kind.WECOM_EXTERNAL_USERID, Kind.UNIONID,
                                                      Kind.OPENID}  # fmt: skip
    told = {link.sources: (link.times, link.first, link.last, link.judged) for link in seen.links}
    assert told == {
        ("crm.import", "wecom.contact"): (3, NOON, LATER, ""),
        ("oa.user_info",): (1, NOON, NOON, ""),
    }
    assert seen.apart == []


def test_judgements_join_and_keep_apart(database: Database) -> None:
    with database.transaction() as session:
        (one,) = identity.observe(
            session, [WECOM], event_key="a", source="wecom.event", at=NOON, now=NOON
        )
        (other,) = identity.observe(
            session, [OPEN], event_key="b", source="oa.user_info", at=NOON, now=NOON
        )
        made = identity.merge(
            session, one.one_id, other.one_id, actor="user:1", reason="电话核实", now=LATER
        )
        (link,) = identity.graph(session, one.one_id).links
        assert (link.times, link.judged, link.sources) == (0, "电话核实", ())
        identity.retract(session, made.id, actor="user:1", now=LATER)
        identity.keep_apart(session, one, other, actor="user:1", reason="两位医生", now=LATER)
        identity.observe(
            session, [WECOM, OPEN], event_key="c", source="crm.import", at=LATER, now=LATER
        )
        seen = identity.graph(session, one.one_id)
    assert [row.id for row in seen.identifiers] == [one.id]
    assert seen.links == []
    assert [(held.mine_id, held.other.id, held.reason) for held in seen.apart] == [
        (one.id, other.id, "cannot_link")
    ]
