"""Merging, splitting and taking back, as somebody in marketing does it."""

from __future__ import annotations

from app import identity
from app.identity import Kind
from tests.scenarios.conftest import Line
from tests.scenarios.test_console import Browser, people

__all__ = ["people"]


def ids(line: Line, name: str) -> str:
    found: str = line.api_says(q=name)["items"][0]["one_id"]
    return found


def identifier(line: Line, one_id: str, kind: Kind) -> int:
    with line.parts.db.reading() as session:
        current = identity.get_physician(session, one_id).one_id
        rows = identity.identifiers_of(session, current)
        return next(row.id for row in rows if row.kind == kind)


def test_two_are_merged_with_a_reason_and_taken_apart_again(
    line: Line, people: dict[str, Browser]
) -> None:
    marketer, wang, li = people["marketer"], ids(line, "王某某"), ids(line, "李某某")
    choice = marketer.get(f"/console/physicians/{wang}/judge?q=李某某").text
    page = f"/console/physicians/{wang}/judge?kind=must&other={li}"
    assert page.replace("&", "&amp;") in choice
    shown = marketer.get(page).text
    assert "判断之后" in shown
    assert shown.count("企业微信联系人") == 4  # two now, and both at one person
    assert "这个判断不会改变" not in shown
    nothing = marketer.send(page, page, reason="  ")
    assert "请写明理由" in nothing.text
    done = marketer.send(page, page, reason="代表核实是同一人")
    assert "已记录判断" in done.text
    assert "代表核实是同一人" in done.text
    found = [len(line.api_says(q=name)["items"]) for name in ("王某某", "李某某")]
    assert sorted(found) == [0, 1]  # one of the names survives
    listed = marketer.get("/console/governance/judgements").text
    assert "代表核实是同一人" in listed
    with line.parts.db.reading() as session:
        (made,) = identity.judgements(session)
    undone = marketer.send(
        "/console/governance/judgements", f"/console/governance/judgements/{made.id}/undo",
        back="list",
    )  # fmt: skip
    assert "已撤销" in undone.text
    assert ids(line, "王某某") == wang
    assert ids(line, "李某某") == li
    twice = marketer.client.get("/console/governance/audit").status_code
    assert twice == 403  # the trail is not for marketing
    trail = people["admin"].get("/console/governance/audit").text
    assert "合并为同一人" in trail
    assert "撤销身份判断" in trail


def test_what_does_not_belong_is_split_off_and_a_shared_phone_is_put_aside(
    line: Line, people: dict[str, Browser]
) -> None:
    line.do("edit_contact", userid="rep01", person="wang", tag_ids=[], phones=["19912345678"])
    line.do("follow", person="wang")
    marketer, wang = people["marketer"], ids(line, "王某某")
    page = marketer.get(f"/console/physicians/{wang}").text
    assert "不是同一人" in page
    assert "多人共用" in page
    phone, fan = (identifier(line, wang, kind) for kind in (Kind.PHONE, Kind.OPENID))
    split = f"/console/physicians/{wang}/judge?kind=cannot&identifier={fan}"
    assert "不属于这位医生" in marketer.get(split).text
    assert "已记录判断" in marketer.send(split, split, reason="不是本人的微信").text
    block = f"/console/physicians/{wang}/judge?kind=block&identifier={phone}"
    listed = marketer.send(block, block, reason="科室电话").text
    assert "已记录判断" in listed
    assert listed.count("撤销</button>") == 2  # there it can be taken back
    after = marketer.get(f"/console/physicians/{wang}").text
    assert "不是本人的微信" in after
    assert "公众号粉丝" not in after.split("人工判断")[0]


def test_who_may_not_judge_cannot_and_nonsense_is_told(
    line: Line, people: dict[str, Browser]
) -> None:
    wang, li = ids(line, "王某某"), ids(line, "李某某")
    page = f"/console/physicians/{wang}/judge?kind=must&other={li}"
    for role in ("rep", "reviewer"):
        assert people[role].get(page).status_code == 403
        assert "judge?" not in people[role].get(f"/console/physicians/{wang}").text
    marketer = people["marketer"]
    for nonsense in ("kind=must&other=YS0000000000000000", "kind=cannot&identifier=9999999",
                     "kind=block&identifier=abc", "kind=cannot"):  # fmt: skip
        assert marketer.get(f"/console/physicians/{wang}/judge?{nonsense}").status_code == 404
    himself = marketer.get(f"/console/physicians/{wang}/judge?kind=must&other={wang}").text
    assert "不会改变任何人的身份" in himself
