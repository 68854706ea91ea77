"""The review desk without any script: forms, two persons for two registered, and a way back."""

from __future__ import annotations

from sqlalchemy import select

from app import identity, linkage
from app.identity import Kind
from app.linkage import LinkCandidate, State
from tests.scenarios.conftest import Line
from tests.scenarios.test_console import Browser, people
from tests.scenarios.test_judgements import ids

__all__ = ["people"]
DESK = "/console/governance/desk"


def alike(line: Line) -> int:
    """Two of the company's physicians that somebody should look at."""
    with line.parts.db.transaction() as session:
        one, other = (identity.anchor(session, ids(line, name)) for name in ("王某某", "李某某"))
        a, b = sorted((one.id, other.id))
        now = line.parts.clock()
        row = LinkCandidate(
            a_id=a, b_id=b, score=12.0, probability=0.98, model_version="test", state=State.OPEN,
            weights={"name": {"level": "else", "bits": -3.0}}, created_at=now, updated_at=now,
        )  # fmt: skip
        session.add(row)
        session.flush()
        return row.id


def state(line: Line, number: int) -> str:
    with line.parts.db.reading() as session:
        return linkage.get(session, number).state


def test_a_form_decides_and_another_takes_it_back(line: Line, people: dict[str, Browser]) -> None:
    marketer, number = people["marketer"], alike(line)
    shown = marketer.get(DESK).text
    assert "王某某" in shown
    assert "李某某" in shown
    done = marketer.send(DESK, f"{DESK}/{number}", verdict="different", reason="两家医院各有一位")
    assert "已记录" in done.text
    assert "都看完了" in done.text
    with line.parts.db.reading() as session:
        (made,) = identity.judgements(session)
        assert (made.kind, made.reason) == ("cannot", "两家医院各有一位")
    assert "请选择" in marketer.send(DESK, f"{DESK}/{number}").text
    again = marketer.send(DESK, f"{DESK}/{number}", verdict="same")
    assert "已经有人处理过了" in again.text
    back = marketer.send(DESK, f"{DESK}/undo")
    assert "已撤销" in back.text
    assert "王某某" in back.text
    assert state(line, number) == State.OPEN
    assert "没有可以撤销" in marketer.send(DESK, f"{DESK}/undo").text


def test_two_registered_need_two_persons(line: Line, people: dict[str, Browser]) -> None:
    number = alike(line)
    with line.parts.db.transaction() as session:
        row = session.scalars(select(LinkCandidate)).one()
        for n, one in enumerate((row.a_id, row.b_id)):
            known = session.get_one(identity.Identifier, one)
            contact = identity.Id(Kind(known.kind), known.namespace, known.value)
            crm = identity.Id(Kind.CRM_ID, f"crm{n}", f"HCP-{n}")
            identity.observe(
                session, [contact, crm], event_key=f"crm{n}", source="crm", kind="crm_master",
                trust=95, at=line.parts.clock(), now=line.parts.clock(),
            )  # fmt: skip
    page = f"/console/physicians/{ids(line, '王某某')}/judge?kind=must&other={ids(line, '李某某')}"
    first = people["marketer"].send(page, page, reason="同一位医生")
    assert "还需另一位同事" in first.text
    assert state(line, number) == State.OPEN
    back = people["marketer"].send(DESK, f"{DESK}/undo")
    assert "已撤销" in back.text
    first = people["marketer"].send(DESK, f"{DESK}/{number}", verdict="same")
    assert "还需另一位同事确认" in first.text
    assert "都看完了" in first.text
    assert state(line, number) == State.OPEN
    assert "需要您确认" in people["admin"].get(DESK).text
    people["admin"].send(DESK, f"{DESK}/{number}", verdict="same")
    assert state(line, number) == State.ACCEPTED


def test_nobody_else_sees_the_desk(line: Line, people: dict[str, Browser]) -> None:
    alike(line)
    for role in ("reviewer", "rep"):
        refused = people[role].get(DESK)
        assert "王某某" not in refused.text
        assert refused.status_code == 403


def test_what_was_not_shown_is_not_decided(line: Line, people: dict[str, Browser]) -> None:
    number = alike(line)
    wang = ids(line, "王某某")
    stale = people["marketer"].send(
        DESK, f"{DESK}/{number}", verdict="same", shown=[wang, "YS0000000000000000"]
    )
    assert "刚刚有变化" in stale.text
    assert state(line, number) == State.OPEN
    shown = [wang, ids(line, "李某某")]
    people["marketer"].send(DESK, f"{DESK}/{number}", verdict="same", shown=shown)
    assert state(line, number) == State.ACCEPTED
