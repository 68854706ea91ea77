"""The vocabulary in the console: every page, and the work people do there."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest

from app import content, tagging
from app.flows.tagging import fold_names
from app.tagging import versions
from tests.flows.test_imported_tags import take_in
from tests.scenarios.conftest import Line, publish
from tests.scenarios.test_console import Browser, people
from tests.scenarios.test_content_page import one_id
from workers.mirroring import follow_names

__all__ = ["people"]
FIELDS = {"category": "disease", "owner": "medical", "sensitivity": "normal", "meaning": "一句话"}


def newest(line: Line) -> int:
    with line.parts.db.reading() as session:
        return versions.newest_number(session)


def test_pages_open_for_staff_only(line: Line, people: dict[str, Browser]) -> None:
    for path in ("new", "one/af", "one/af/edit", "one/af/merge", "one/af/merge?rest=cad",
                 "one/af/split", "one/af/split?to0=cad&source0=crm", "versions", "versions/1",
                 "import", "branches", "export.xlsx", "names?name=房颤", "?q=af", "?retired",
                 "?category=disease", "versions?older=1&newer=1"):  # fmt: skip
        assert people["marketer"].get(f"/console/tags/{path}").status_code == 200, path
        assert people["rep"].get(f"/console/tags/{path}").status_code == 403, path
    for path in ("one/none", "one/none/edit", "versions/99", "export.doc"):
        assert people["admin"].get(f"/console/tags/{path}").status_code == 404, path


def test_a_tag_is_made_changed_and_taken_back(line: Line, people: dict[str, Browser]) -> None:
    browser = people["marketer"]
    told = browser.get("/console/tags/name?name=心衰").text
    assert "心力衰竭" in told
    assert "不得收集" in browser.get("/console/tags/name?name=统方").text
    page = browser.send("/console/tags/new", "/console/tags/", key="mitral", name="瓣膜病",
                        names="二尖瓣\ncrm:VHD", opposites="elderly", **FIELDS)  # fmt: skip
    assert "已添加标签" in page.text
    assert "vhd（CRM）" in page.text
    again = browser.send("/console/tags/new", "/console/tags/", key="m2", name="瓣膜病", **FIELDS)
    assert (again.status_code, "瓣膜病" in again.text) == (409, True)
    edit = "/console/tags/one/mitral/edit"
    base = re.search(r'name="base" value="(\d+)"', browser.get(edit).text)
    assert base
    fields = FIELDS | {"name": "心脏瓣膜病", "may_assert": ["crm", "person"], "mirrored": "on",
                       "half_life_days": "90", "base": base.group(1)}  # fmt: skip
    wrong = browser.send(edit, edit, **fields | {"half_life_days": "9" * 9})
    assert (wrong.status_code, "半衰期要在" in wrong.text) == (409, True)
    page = browser.send(edit, edit, **fields)
    assert "已保存" in page.text
    assert "CRM、人工" in page.text
    stale = browser.send(edit, edit, **fields)
    assert (stale.status_code, "没有保存" in stale.text) == (409, True)
    number = newest(line)
    page = browser.send(f"/console/tags/versions/{number}", f"/console/tags/versions/{number}",
                        action="undo")  # fmt: skip
    assert "撤销版本" in page.text
    assert "瓣膜病" in browser.get("/console/tags/one/mitral").text


def test_a_merge_is_looked_at_done_and_undone(line: Line, people: dict[str, Browser]) -> None:
    browser = people["reviewer"]
    line.do("edit_contact", userid="rep01", person="wang", tag_ids=["et1"])
    publish(line, "房颤抗凝新进展", ["af"])
    before = newest(line)
    listed = browser.get("/console/tags/?category=disease").text
    for name in ("房颤", "心血管疾病"):  # who has the narrower one has it, as audiences count
        row = next(row for row in listed.split("<tr>") if f">{name}</a>" in row)
        assert re.findall(r'class="num">(\d+)<', row) == ["1", "1"], name
    seen = browser.get("/console/tags/one/af/merge?rest=cad").text
    assert "王某某" in seen
    assert "房颤抗凝新进展" in seen
    assert newest(line) == before
    page = browser.send("/console/tags/one/af/merge", "/console/tags/one/af/merge", rest="cad")
    assert "可以在“版本”里原样撤销" in page.text
    assert "王某某" in page.text
    rows = line.api_says(q="王某某")["items"][0]["tags"]
    assert [row["key"] for row in rows] == ["cad"]
    with line.parts.db.reading() as session:  # the approved content goes on, for the other tag
        (usable,) = content.usable(session, line.clock())
        assert usable.tags == {tagging.id_of(session, "cad"): 1.0}
        found = content.search_usable(session, "", line.clock(), tag_ids=list(usable.tags))
        assert [version.id for version in found] == [usable.version.id]
    number = newest(line)
    browser.send(f"/console/tags/versions/{number}", f"/console/tags/versions/{number}",
                 action="undo")  # fmt: skip
    rows = line.api_says(q="王某某")["items"][0]["tags"]
    assert [row["key"] for row in rows] == ["af"]


def test_a_reviewer_reads_imports_and_makes_none(line: Line, people: dict[str, Browser]) -> None:
    page = "/console/tags/take"
    assert "上传并检查" in people["marketer"].get(page).text
    assert "上传并检查" not in people["reviewer"].get(page).text
    for path in (page, f"{page}/1", f"{page}/1/undo"):
        assert people["reviewer"].send(page, path).status_code == 403


def test_reps_see_no_tag_that_is_for_staff(line: Line, people: dict[str, Browser]) -> None:
    line.do("edit_contact", userid="rep01", person="wang", tag_ids=["et1"])
    mine = f"/console/physicians/{one_id(line)}"
    pages = (mine, "/console/physicians/")
    assert all("房颤" in people["rep"].get(page).text for page in pages)
    edit = "/console/tags/one/af/edit"
    people["admin"].send(edit, edit, **FIELDS | {"name": "房颤", "sensitivity": "staff"})
    assert not any("房颤" in people["rep"].get(page).text for page in pages)
    assert all("房颤" in people["admin"].get(page).text for page in pages)


def test_a_file_is_looked_at_and_taken(line: Line, people: dict[str, Browser]) -> None:
    browser = people["admin"]
    text = browser.get("/console/tags/export.csv").data.decode("utf-8-sig")

    def upload(content: str) -> Any:
        file = (io.BytesIO(content.encode()), "v.csv")
        return browser.send("/console/tags/import", "/console/tags/import", file=file)

    assert "没有区别" in upload(text).text
    assert "都叫“房颤”" in upload(text.replace("冠心病", "房颤", 1)).text
    before = newest(line)
    seen = upload(text.replace("经常诊治冠心病", "以冠心病为主", 1)).text
    assert newest(line) == before
    fields = dict(re.findall(r'name="(packed|base|filename)" value="([^"]*)"', seen))
    page = browser.send("/console/tags/import", "/console/tags/import/take", **fields)
    assert "以冠心病为主" in page.text
    assert newest(line) == before + 1
    again = browser.send("/console/tags/import", "/console/tags/import/take", **fields)
    assert "重新上传" in again.text
    broken = browser.send("/console/tags/import", "/console/tags/import/take",
                          **fields | {"packed": "AAAA", "base": str(newest(line))})  # fmt: skip
    assert "重新上传" in broken.text


def test_branches_and_words(line: Line, people: dict[str, Browser]) -> None:
    browser, page = people["admin"], "/console/tags/branches"
    added = {"key": "tumour", "name": "肿瘤各科", "parent": "disease", "action": "add"}
    assert "已保存" in browser.send(page, page, **added).text
    told = browser.send(page, page, key="disease", name="疾病", parent="tumour", action="save")
    assert "自己的下级" in told.text
    assert "已保存" in browser.send(page, page, key="tumour", action="remove").text
    words = "/console/tags/words"
    assert "已保存" in browser.send(page, words, word="大客户", reason="内部规定").text
    assert "内部规定" in browser.get("/console/tags/name?name=大 客户").text
    assert "内置" in browser.send(page, words, word="红包", reason="x").text
    assert "已保存" in browser.send(page, words, word="大客户", reason="").text


def test_a_click_over_many_names_shows_how_far_it_is(
    line: Line, people: dict[str, Browser], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fold_names, "PIECES_AT_ONCE", 0)
    take_in(line.parts.db, "房颤重点患者;老朋友")
    browser = people["marketer"]
    with line.parts.db.reading() as session:
        names = [row.id for row in tagging.unmapped(session)]
    chosen = {f"tag-{name}": "af" for name in names}
    page = browser.send("/console/tags/names", "/console/tags/names", how="fold", name=names,
                        **chosen)  # fmt: skip
    assert "0 / 2 个名称已完成" in page.text
    assert "every 1s" in page.text
    polled = re.search(r'hx-get="(/console/tags/names/history/\w+)"', page.text)
    assert polled
    assert follow_names(line.parts) == 4  # two carriers, two names
    done = browser.get(polled.group(1)).text
    assert "全部完成" in done
    assert "hx-get" not in done
    assert browser.get("/console/tags/names/history/none").status_code == 404


def test_what_another_window_did_is_not_offered_and_the_rest_of_a_click_is_undone(
    line: Line, people: dict[str, Browser]
) -> None:
    take_in(line.parts.db, "房颤重点患者;老朋友;新朋友")
    browser, page = people["marketer"], "/console/tags/names"
    with line.parts.db.reading() as session:
        names = [row.id for row in tagging.unmapped(session)]
    chosen: dict[str, Any] = {f"tag-{name}": "af" for name in names} | {"name": names}
    browser.send(page, page, how="fold", **chosen)
    late = browser.send(page, f"{page}/preview", how="fold", **chosen).text
    assert "3 个刚刚已经处理过了" in late
    assert "确认" not in late
    history = browser.get(f"{page}/history").text
    newest = re.findall(r'name="id" value="(\d+)"', history)[0]
    left = browser.send(f"{page}/history", f"{page}/undo", id=newest).text
    batch = re.search(r'name="batch" value="(\w+)"', left)
    assert batch
    assert "已撤销 2 个名称" in browser.send(f"{page}/history", f"{page}/undo", batch=batch[1]).text
