"""A vocabulary that leaves as a file comes back as it was; a wrong one is told line by line."""

from __future__ import annotations

import csv
import io
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from app import tagging
from app.flows.tagging import vocabulary
from app.flows.tagging.vocabulary_export import MIMES, export
from app.flows.tagging.vocabulary_import import plan
from app.infra.db import Database
from app.infra.errors import Refused
from app.tagging import checking, stored
from app.tagging.document import CategoryDef, Document, TagDef, canonical
from app.tagging.naming import fold
from tests.conftest import NOON

texts = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"],
                              exclude_characters=";；,，、:："), min_size=1, max_size=8).filter(lambda text: fold(fold(text)) == fold(text))  # fmt: skip


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """Sound vocabularies with names that spreadsheets stumble over."""
    keys = draw(st.lists(st.from_regex(r"[a-z][a-z0-9-]{0,5}", fullmatch=True), min_size=1,
                         max_size=5, unique=True))  # fmt: skip
    tags = []
    for n, key in enumerate(keys):
        above = keys[:n]
        tags.append(TagDef(
            key, draw(texts), "one", draw(st.sampled_from(["sales", "medical"])), draw(texts),
            parent=draw(st.sampled_from(["", *above])),
            half_life_days=draw(st.one_of(st.none(), st.integers(1, 3650))),
            sensitivity=draw(st.sampled_from(["normal", "staff"])),
            may_assert=tuple(draw(st.sets(st.sampled_from(["crm", "person"])))),
            mirrored=draw(st.booleans()), active=draw(st.booleans()),
            names=tuple((s, fold(t)) for s, t in draw(
                st.lists(st.tuples(st.sampled_from(["any", "crm"]), texts), max_size=3))),
        ))  # fmt: skip
    pairs = {(a, b) for a, b in zip(sorted(keys), sorted(keys)[1:], strict=False)}
    opposites = frozenset(draw(st.sets(st.sampled_from(sorted(pairs))))) if pairs else frozenset()
    words = (("禁词甲", draw(texts)),)
    return canonical(Document((CategoryDef("one", "分类"),), tuple(tags), opposites, words))


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(document=documents(), form=st.sampled_from(sorted(MIMES)))
def test_what_is_exported_and_imported_changes_nothing(document: Document, form: str) -> None:
    found = plan(document, f"v.{form}", export(document, form))
    assert (found.changes, found.problems, found.ignored) == ([], [], [])
    empty = Document((CategoryDef("one", "分类"),), (), frozenset(), document.forbidden)
    if not checking.problems(document):
        assert plan(empty, f"v.{form}", export(document, form)).document == document


def test_the_starter_vocabulary_comes_back_and_is_sound(database: Database) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        now = stored.read(session)
        assert checking.problems(now) == []
        for form in MIMES:
            assert plan(now, f"v.{form}", export(now, form)).changes == []
        assert load_workbook(io.BytesIO(export(now, "xlsx"))).sheetnames == [
            "标签",
            "分类",
            "禁用词",
        ]


def edited(now: Document, **cells: dict[str, str]) -> bytes:
    """The exported CSV with some cells of some tags written over; unknown keys are new rows."""
    rows = list(csv.DictReader(io.StringIO(export(now, "csv").decode("utf-8-sig"))))
    for key, values in cells.items():
        name = key.replace("_", "-")
        row = next((row for row in rows if row["编号"] == name), None)
        if row is None:
            row = dict.fromkeys(rows[0], "") | {"编号": name}
            rows.append(row)
        row.update(values)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def test_changes_are_shown_and_then_taken(database: Database) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        now = stored.read(session)
        data = edited(
            now, af={"说明": "新的说明", "同义词": "心房颤动；crm:AF病人"}, cad={"使用中": "否"},
            mitral={"名称": "瓣膜病", "分类": "disease", "负责": "医学", "上级标签": "cardio"},
        )  # fmt: skip
        found = plan(now, "tags.csv", data)
        assert found.problems == []
        assert {(c.key, c.field) for c in found.changes} == {
            ("af", "meaning"), ("af", "names"), ("cad", "active"), ("mitral", ""),
        }  # fmt: skip
        vocabulary.edit(session, lambda _: found.document, actor="t", kind="import", now=NOON)
        assert stored.read(session) == found.document
        assert tagging.map_name(session, "crm", "af病人", NOON)
        assert tagging.by_key(session, "mitral").parent_id == tagging.by_key(session, "cardio").id  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        ({"af": {"名称": "冠心病"}}, "name_twice"),
        ({"af": {"同义词": "心衰"}}, "name_twice"),
        ({"af": {"名称": "高处方量"}}, "forbidden"),
        ({"cardio": {"上级标签": "af"}}, "cycle"),
        ({"af": {"负责": "总部"}}, "owner"),
        ({"af": {"分类": "没有的"}}, "category"),
        ({"af": {"半衰期（天）": "半年"}}, "row"),
        ({"af": {"半衰期（天）": "0"}}, "half_life"),
        ({"af": {"允许的来源": "谣言"}}, "may_assert"),
        ({"af": {"相反标签": "cardio"}}, "opposite"),
        ({"af": {"使用中": "也许"}}, "row"),
        ({"af": {"已并入": "cad"}}, "merged"),
        ({"BAD KEY": {"名称": "x", "分类": "disease"}}, "key"),
    ],
)
def test_what_is_wrong_is_told_and_nothing_is_taken(
    cells: dict[str, dict[str, str]], code: str
) -> None:
    now = canonical(_starter())
    found = plan(now, "tags.csv", edited(now, **cells))
    assert code in {one.code for one in found.problems}, found.problems


def test_what_cannot_be_read_is_refused() -> None:
    now = _starter()
    book = io.BytesIO()
    Workbook().save(book)
    for name, data, match in (
        ("v.json", b'{"tags": 7}', "不是导出的词表"), ("v.json", b"{", "不是导出的词表"),
        ("v.xlsx", b"PK\x03\x04nonsense", "无法打开"), ("v.csv", "名称\n房颤".encode(), "编号"),
        ("v.xlsx", book.getvalue(), "编号"), ("v.csv", b"x" * 11_000_000, "10 MB"),
    ):  # fmt: skip
        with pytest.raises(Refused, match=match):
            plan(now, name, data)
    twice = json.loads(export(now, "json"))
    twice["tags"].append(twice["tags"][0])
    assert plan(now, "v.json", json.dumps(twice).encode()).problems[0].code == "key_twice"


def _starter() -> Document:
    from app.tagging.starter import CATEGORIES, TAGS

    return canonical(Document(
        tuple(CategoryDef(key, name, "", only) for key, name, only in CATEGORIES),
        tuple(TagDef(e.key, e.name, e.category, e.owner, e.meaning, e.parent, e.half_life,
                     names=tuple(("any", fold(n)) for n in e.synonyms)) for e in TAGS),
    ))  # fmt: skip
