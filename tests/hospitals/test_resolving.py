"""From a list to physicians: imported, resolved by exact name, decided by people, undone."""

from __future__ import annotations

import importlib
import io
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook
from sqlalchemy import func, select

from app import hospitals, identity
from app.flows.identity import import_hospitals
from app.flows.identity.hospitals import catch_up, follow
from app.hospitals import Asked, Institution, InstitutionAlias, Written
from app.hospitals.load import Done
from app.hospitals.names import Kind
from app.hospitals.resolve import Known, decide, keys_of
from app.hospitals.rows import Said
from app.identity import Id, Physician
from app.infra.db import Database
from app.infra.errors import NotFound, Refused
from tests.conftest import NOON

LIST = """医院名称,别名,等级,省份,城市,城市代码,院区
四川大学华西医院,华西医院；川大华西,三甲,四川省,成都市,5101,
四川大学华西第二医院,,三甲,四川省,成都市,510100,
江南大学附属医院（无锡市第四人民医院）,,三级甲等,江苏省,无锡市,,
同济医院,,三甲,湖北省,武汉市,,
同济医院,,,湖北省,武汉市,,光谷院区
仁爱医院,,,江苏省,南通市,,
仁爱医院,,,浙江省,宁波市,,
某某中医院,,,,,,
"""


def take(database: Database, text: str, name: str = "list.csv") -> Done:
    sheet = import_hospitals.read(name, text.encode())
    with database.transaction() as session:
        upload = import_hospitals.keep(session, name, sheet, actor="user:1", now=NOON)
    return import_hospitals.apply(database, upload.id, actor="user:1", now=NOON)


def physician(database: Database, number: int, **said: str) -> None:
    with database.transaction() as session:
        one = Id(identity.Kind.CRM_ID, "", f"crm-{number}")
        (row,) = identity.observe(
            session, [one], event_key=f"test:{number}", source="crm.import", kind="crm_master",
            trust=80, at=NOON, now=NOON,
        )  # fmt: skip
        identity.describe(session, row, said, source="crm.import", trust=80, at=NOON, now=NOON)


def works_at(database: Database, number: int) -> str | None:
    with database.reading() as session:
        row = identity.find(session, Id(identity.Kind.CRM_ID, "", f"crm-{number}"))
        assert row is not None
        found = session.get_one(Physician, row.one_id).institution_id
        return session.get_one(Institution, found).name if found else None


def means(database: Database, text: str, city: str = "", province: str = "") -> str | None:
    with database.reading() as session:
        found = hospitals.resolve(session, text, city, province).institution_id
        return session.get_one(Institution, found).name if found else None


def waiting(database: Database) -> dict[str, int]:
    with database.reading() as session:
        rows = identity.institutions.waiting(session, limit=50)
        assert len(rows) == identity.institutions.how_many_wait(session)
        return {one.row.text: one.row.id for one in rows}


def state(database: Database) -> list[tuple[object, ...]]:
    """All names with what they belong to."""
    with database.reading() as session:
        rows = session.execute(
            select(InstitutionAlias.key, InstitutionAlias.place, Institution.name)
            .join(Institution, Institution.id == InstitutionAlias.institution_id)
            .order_by(InstitutionAlias.key, InstitutionAlias.place)
        )
        return [tuple(row) for row in rows]


def test_a_list_is_taken_whole_and_again_without_any_change(database: Database) -> None:
    first = take(database, LIST)
    assert (first.figures["new"], first.figures["aliases"], first.figures["rejected"]) == (8, 3, 0)
    before = state(database)
    again = take(database, LIST)
    assert (again.figures["new"], again.figures["aliases"]) == (0, 0)
    assert (again.figures["changed"], again.figures["unchanged"]) == (0, 8)
    assert state(database) == before
    with database.reading() as session:
        (huaxi,), _total = hospitals.search(session, "川大华西")
        assert (huaxi.level, huaxi.province_code, huaxi.city_code) == ("三级甲等", "51", "5101")
        (campus,), _total = hospitals.search(session, "光谷")
        assert session.get_one(Institution, campus.parent_id).name == "同济医院"


@pytest.mark.parametrize(
    ("text", "city", "province", "wanted"),
    [
        ("华西医院", "成都", "", "四川大学华西医院"),
        ("四川大学华西第２医院", "", "", "四川大学华西第二医院"),
        ("华西第二医院", "成都市", "", None),  # never by similarity
        ("无锡市第四人民医院", "无锡市", "江苏", "江南大学附属医院"),
        ("无锡市第四人民医院（江南大学附属医院）", "无锡市", "", "江南大学附属医院"),
        ("同济医院光谷院区", "武汉市", "", "同济医院（光谷院区）"),
        ("仁爱医院", "宁波市", "", "仁爱医院"),
        ("仁爱医院", "", "", None),  # two cities have one
        ("仁爱医院", "", "浙江省", "仁爱医院"),
        ("华西医院", "上海市", "", None),  # another city
        ("某某中医院", "苏州市", "", "某某中医院"),  # its city is not known, and there is one only
        ("", "", "", None),
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_exactly_one_institution_or_none(
    database: Database, text: str, city: str, province: str, wanted: str | None
) -> None:
    take(database, LIST)
    assert means(database, text, city, province) == wanted


def test_what_belongs_to_another_hospital_of_the_city_is_told_and_not_moved(
    database: Database,
) -> None:
    take(database, LIST)
    done = take(
        database,
        "name,aliases,province,city\n"
        "成都某某医院,华西医院|某某,四川省,成都市\n"
        "无锡市第四人民医院,,江苏省,无锡市\n"
        "仁爱医院,,,\n人民医院,,四川省,成都市\n成都又一医院,,四川省,成都市\n,别的,,\n",
    )
    said = {(remark.line, remark.code) for remark in done.remarks}
    assert said == {
        (2, Said.TAKEN), (3, Said.IS_ALIAS), (4, Said.SEVERAL), (5, Said.TOO_GENERAL),
        (7, Said.MISSING),
    }  # fmt: skip
    assert means(database, "华西医院", "成都市") == "四川大学华西医院"
    assert means(database, "某某", "成都市") == "成都某某医院"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_preview_says_the_same_and_writes_nothing(database: Database) -> None:
    sheet = import_hospitals.read("list.csv", LIST.encode())
    with database.transaction() as session:
        upload = import_hospitals.keep(session, "list.csv", sheet, actor="user:1", now=NOON)
    with database.reading() as session:
        seen = import_hospitals.look(session, upload, NOON)
    assert state(database) == []
    done = import_hospitals.apply(database, upload.id, actor="user:1", now=NOON)
    assert seen.figures == done.figures
    with pytest.raises(Refused, match="已经导入"):
        import_hospitals.apply(database, upload.id, actor="user:1", now=NOON)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("城市\n成都\n", "没有找到“医院名称”列"),
        ("医院名称\n人民医院\n", "没有可以导入"),
        ("", "没有找到"),
    ],
)
def test_a_file_that_is_no_list_is_refused_with_what_to_do(text: str, problem: str) -> None:
    with pytest.raises(Refused, match=problem):
        import_hospitals.read("list.csv", text.encode())


def test_a_workbook_is_read_too() -> None:
    book = Workbook()
    for row in (["机构名称", "城市", "区划代码", "备注"], ["某某医院", "成都市", 510100.0, "-"]):
        book.active.append(row)  # type: ignore[union-attr]
    data = io.BytesIO()
    book.save(data)
    sheet = import_hospitals.read("list.xlsx", data.getvalue())
    assert [(row.name, row.city_code) for row in sheet.rows] == [("某某医院", "5101")]
    assert sheet.ignored == ["备注"]


def test_what_a_name_might_mean_is_worked_out_once_until_a_name_comes_or_goes(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    worked_out: list[Asked] = []
    suggesting = importlib.import_module("app.hospitals.suggest")
    best = suggesting._best

    def counted(asked: Asked, names: Sequence[Known]) -> list[tuple[float, Known]]:
        worked_out.append(asked)
        return best(asked, names)

    monkeypatch.setattr(suggesting, "_best", counted)
    monkeypatch.setattr(suggesting, "_KEPT", suggesting._Kept())
    take(database, LIST)
    one, other = Asked("华西二院", "成都市"), Asked("华西二院", "绵阳市")

    def suggested(asked: Asked) -> list[str]:
        with database.reading() as session:
            found = hospitals.suggest(session, asked, hospitals.pool(session))
        return [each.institution.name for each in found]

    first = suggested(one)
    assert suggested(one) == first == ["四川大学华西第二医院"]
    suggested(other)
    assert worked_out == [one, other]
    physician(database, 1, hospital="华西二院新院", city="成都市")
    new = waiting(database)["华西二院新院"]
    with database.transaction() as session:
        hospitals.review.is_new(session, new, actor="user:1", now=NOON)
    assert "华西二院新院" in suggested(one)
    with database.transaction() as session:
        hospitals.review.undo(session, new)
    assert suggested(one) == first
    assert worked_out == [one, other, one, one]


def test_physicians_follow_names_decisions_and_undoing(database: Database) -> None:
    physician(database, 1, hospital="华西医院", city="成都市")
    physician(database, 2, hospital="华西二院", city="成都市")
    physician(database, 3, hospital="华西2院", city="成都")
    physician(database, 4, hospital="新建某某医院", city="成都市")
    physician(database, 5, hospital="自由职业", city="成都市")
    assert works_at(database, 1) is None
    take(database, LIST)
    assert works_at(database, 1) == "四川大学华西医院"
    names = waiting(database)
    assert set(names) == {"华西二院", "华西2院", "新建某某医院", "自由职业"}
    with database.reading() as session:
        asked = Asked("华西二院", "成都市")
        best = hospitals.suggest(session, asked, hospitals.pool(session))
        assert [one.institution.name for one in best] == ["四川大学华西第二医院"]
        right = best[0].institution.id
        assert (best[0].here, best[0].shared) == (True, "华西二院")
    with database.transaction() as session:
        hospitals.review.is_one(session, names["华西二院"], right, actor="user:1", now=NOON)
        hospitals.review.is_new(session, names["新建某某医院"], actor="user:1", now=NOON)
        hospitals.review.ignore(session, names["自由职业"], actor="user:1", now=NOON)
    follow(database)
    assert works_at(database, 2) == works_at(database, 3) == "四川大学华西第二医院"
    assert works_at(database, 4) == "新建某某医院"
    assert waiting(database) == {}
    physician(database, 6, hospital="华西二院", city="成都市")
    assert works_at(database, 6) == "四川大学华西第二医院"
    with database.transaction() as session, pytest.raises(Refused, match="已经有人处理"):
        hospitals.review.is_one(session, names["自由职业"], right, actor="user:2", now=NOON)
    for name in ("华西二院", "新建某某医院", "自由职业"):
        with database.transaction() as session:
            hospitals.review.undo(session, names[name])
    follow(database)
    assert [works_at(database, number) for number in (2, 3, 4, 5, 6)] == [None] * 5
    assert waiting(database) == names
    assert means(database, "新建某某医院", "成都市") is None


def test_a_new_hospital_text_is_looked_up_when_it_is_told(database: Database) -> None:
    take(database, LIST)
    physician(database, 1, hospital="同济医院", city="武汉市")
    assert works_at(database, 1) == "同济医院"
    with database.transaction() as session:
        row = identity.find(session, Id(identity.Kind.CRM_ID, "", "crm-1"))
        assert row is not None
        identity.describe(
            session, row, {"hospital": "同济医院(光谷院区)"}, source="crm.import", trust=80, at=NOON,
            now=NOON,
        )  # fmt: skip
    assert works_at(database, 1) == "同济医院（光谷院区）"


def test_catching_up_finds_whoever_was_there_before(database: Database) -> None:
    physician(database, 1, hospital="同济医院", city="武汉市")
    take(database, LIST)
    with database.transaction() as session:  # as before the names were kept at all
        session.get_one(Written, 1).institution_id = None
        for row in session.scalars(select(Physician)):
            row.institution_id = None
        session.flush()
        session.delete(session.get_one(Written, 1))
    caught = catch_up(database, NOON)
    assert (caught.noted, caught.physicians) == (1, 1)
    assert works_at(database, 1) == "同济医院"
    assert replace(catch_up(database, NOON)) == type(caught)()


def test_an_interrupted_decision_reaches_physicians_all_the_same(database: Database) -> None:
    take(database, LIST)
    physician(database, 1, hospital="同济医院", city="武汉市")
    with database.reading() as session:
        assert not identity.institutions.is_behind(session)
    with database.transaction() as session:
        for row in session.scalars(select(Physician)):
            row.institution_id = None
    with database.reading() as session:
        assert identity.institutions.is_behind(session)
    assert follow(database) == 1
    assert works_at(database, 1) == "同济医院"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_names_are_added_and_removed_by_people(database: Database) -> None:
    take(database, LIST)
    with database.reading() as session:
        (huaxi,), _ = hospitals.search(session, "川大华西")
        (other,), _ = hospitals.search(session, "华西第二")
    with database.transaction() as session:
        hospitals.review.add_name(session, huaxi.id, "华西总院", actor="user:1", now=NOON)
    assert means(database, "华西总院", "成都市") == huaxi.name
    for name, reason in (("华西总院", "已经是"), ("人民医院", "具体的名称"), (" ", "具体的名称")):
        with database.transaction() as session, pytest.raises(Refused, match=reason):
            hospitals.review.add_name(session, other.id, name, actor="user:1", now=NOON)
    with database.transaction() as session:
        named = hospitals.names_of(session, [huaxi.id])[huaxi.id]
        mine = next(one for one in named if one.name == "华西总院")
        hospitals.review.remove_name(session, huaxi.id, mine.id)
        with pytest.raises(Refused, match="正式名称"):
            hospitals.review.remove_name(session, huaxi.id, named[0].id)
        with pytest.raises(NotFound):
            hospitals.review.remove_name(session, other.id, named[1].id)
    assert means(database, "华西总院", "成都市") is None


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_general_name_without_a_city_is_never_given_to_one_hospital(database: Database) -> None:
    take(database, LIST)
    physician(database, 1, hospital="市人民医院")
    (row_id,) = waiting(database).values()
    with database.transaction() as session:
        first = session.scalars(select(Institution.id).limit(1)).one()
        with pytest.raises(Refused, match="没有城市"):
            hospitals.review.is_one(session, row_id, first, actor="user:1", now=NOON)
        assert (
            session.scalar(select(func.count()).where(InstitutionAlias.kind == Kind.REPORTED)) == 0
        )


A_NAME = st.sampled_from(
    ["仁爱医院", "华西医院", "市第一医院", "仁爱医院（华西医院）", "原华西医院"]
)
A_PLACE = st.sampled_from(["", "成都", "南通", "宁波"])
A_TABLE = st.dictionaries(
    st.tuples(st.sampled_from(["仁爱医院", "华西医院", "市1医院"]), A_PLACE), st.integers(1, 4)
)


@given(A_TABLE, A_NAME, A_PLACE)
def test_what_a_name_means_has_that_very_name_and_contradicts_no_city(
    named: dict[tuple[str, str], int], text: str, city: str
) -> None:
    table: dict[str, list[Known]] = {}
    for (key, place), owner in named.items():
        table.setdefault(key, []).append(Known(key, place, "", owner, key))
    found = decide(Asked(text, city), table).institution_id
    if found is not None:
        mine = [(key, place) for (key, place), owner in named.items() if owner == found]
        assert any(key in keys_of(text) for key, _place in mine)
        assert not city or any(place in (city, "") for _key, place in mine)
        rest = {pair: owner for pair, owner in named.items() if pair not in mine}
        without = {k: [r for r in rows if (k, r.place) in rest] for k, rows in table.items()}
        assert decide(Asked(text, city), without).institution_id != found
