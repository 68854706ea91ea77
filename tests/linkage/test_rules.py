"""The rules of linkage alone: names, levels, scores, learning, clusters, figures."""

from __future__ import annotations

import json
import math
import random
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.identity.names import clean, pinyin, surname
from app.linkage.automatic import may_join
from app.linkage.block import keys
from app.linkage.cluster import cluster
from app.linkage.compare import COLUMNS, MISSING, compare
from app.linkage.em import Labels
from app.linkage.features import Features, features
from app.linkage.figures import figures, over_merged
from app.linkage.kit import PHYSICIANS
from app.linkage.learn import learn
from app.linkage.model import BadModel, Model, default, loads
from app.linkage.pairs import blocks, candidates
from app.linkage.score import Scorer, probability

WANG = {"name": "王晓明", "hospital": "四川大学华西医院", "department": "心内科",
        "title": "副主任医师", "city": "成都市"}  # fmt: skip
SAME = (0, 0, 0, 0, 0, MISSING)


def person(*phones: str, **changes: str) -> Features:
    return features(WANG | changes, phones)


@pytest.mark.parametrize(
    ("written", "name", "first", "sound"),
    [
        ("张 伟主任", "张伟", "张", "zhangwei"),
        ("張偉副教授", "张伟", "张", "zhangwei"),
        ("欧阳明医生", "欧阳明", "欧阳", "ouyangming"),
        ("单晓明", "单晓明", "单", "shanxiaoming"),
        ("曾毅", "曾毅", "曾", "zengyi"),
        ("Zhang Wei", "zhangwei", "", "zhangwei"),
        ("王医生", "", "", ""),
        ("", "", "", ""),
    ],
)
def test_names_are_compared_without_forms_of_address_and_as_they_sound(
    written: str, name: str, first: str, sound: str
) -> None:
    assert clean(written) == name
    assert (surname(name), pinyin(name)) == (first, sound)


@pytest.mark.parametrize(
    ("column", "other", "level"),
    [
        ("name", {"name": "王小明"}, "pinyin"),
        ("name", {"name": "王晓东"}, "one_character"),
        ("name", {"name": "王东"}, "surname"),
        ("name", {"name": "李晓明"}, "else"),
        ("name", {"name": "Wang Xiaoming"}, "pinyin"),
        ("hospital", {"hospital": "华西医院"}, "contained"),
        ("hospital", {"hospital": "华西第二医院"}, "apart"),
        ("hospital", {"hospital": "成都市人民医院"}, "same_city"),
        ("hospital", {"city": "绵阳市", "hospital": "人民医院"}, "apart"),
        ("department", {"department": "心血管内科二病区"}, "same"),
        ("department", {"department": "骨科"}, "else"),
        ("title", {"title": "主任医师、教授"}, "next"),
        ("title", {"title": "住院医师"}, "else"),
    ],
)
def test_levels(column: str, other: dict[str, str], level: str) -> None:
    position = list(COLUMNS).index(column)
    found = compare(person(), person(**other))
    assert COLUMNS[column][found[position]] == level
    assert found == compare(person(**other), person())


def test_phones_agree_whole_at_their_end_or_their_beginning_and_nothing_says_nothing() -> None:
    one = person("+8613912345678")
    told = [
        compare(one, person(phone))[4]
        for phone in ("+8613912345678", "+8618700005678", "+8613912340000", "+8618700001111")
    ]
    assert told == [0, 1, 2, 3]
    nothing = features({"name": "王晓明"})
    assert compare(one, nothing) == (0, *[MISSING] * 5)
    assert list(keys(features({"name": "王医生", "hospital": "华西医院"}))) == []


def test_the_score_is_the_sum_of_what_each_column_says() -> None:
    scorer = Scorer(default(), 100_000)
    told = scorer.explain(SAME, {"name": 0.001})
    parts = [float(one["bits"]) for one in told.weights.values()]
    assert told.bits == pytest.approx(scorer.prior + sum(parts), abs=0.05)
    assert told.weights["name"]["level"] == "exact"
    rare, common = (scorer.bits(SAME, {"name": share}) for share in (1e-5, 1e-3))
    assert rare - common == pytest.approx(math.log2(100))
    assert (
        scorer.bits(SAME)
        > scorer.bits((0, 0, 0, 0, 3, MISSING))
        > scorer.bits((4, 4, 1, 2, 3, MISSING))
    )
    assert 0 < probability(-2000) < 0.5 < probability(30) <= 1


def test_every_better_level_of_the_default_weights_says_more() -> None:
    for column, levels in default().columns.items():
        bits = [one.bits for one in levels]
        assert bits[0] > 0 > bits[-1], column


def test_four_digits_say_no_more_than_one_in_ten_thousand() -> None:
    data = json.loads(default().dumps())
    for one in data["columns"]["phone"][:3]:
        one.update(u=1e-6)  # as few records teach
    phone = loads(json.dumps(data), COLUMNS).columns["phone"]
    assert [one.u for one in phone[:3]] == [1e-6, 1e-4, 1e-4]
    assert [one.bits for one in phone] == sorted((one.bits for one in phone), reverse=True)
    assert default().columns["phone"][1].u == 1e-4


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (lambda data: data.pop("version"), "version"),
        (lambda data: data.update(format=9), "format"),
        (lambda data: data["columns"].pop("name"), "train them"),
        (lambda data: data["columns"]["name"][0].update(m=0), "above 0"),
        (lambda data: data.update(matches_per_record="many"), "many"),
    ],
)
def test_weights_that_cannot_be_used_say_why(broken, said) -> None:  # type: ignore[no-untyped-def]
    data = json.loads(default().dumps())
    broken(data)
    with pytest.raises(BadModel, match=said):
        loads(json.dumps(data), COLUMNS)
    assert loads(default().dumps(), COLUMNS) == default()


def test_nobody_is_joined_by_a_name_alone_nor_against_the_name_of_a_hospital() -> None:
    here = ("华西医院", "华西医院")
    assert may_join(SAME, 0.9999, here)
    assert may_join((0, 1, MISSING, 0, 0, MISSING), 0.9999, here)
    assert not may_join((0, 1, MISSING, 0, 1, MISSING), 0.9999, here)  # only the last four digits
    for against in ((0, 4, 0, 0, 0, MISSING), (0, 0, 1, 0, 0, MISSING), (0, 0, 0, 2, 0, MISSING)):
        assert not may_join(against, 0.9999, here)
    assert may_join(SAME, 0.9999, here, ("#1", "#1"))
    assert not may_join((0, 1, 0, 0, 0, MISSING), 0.9999, here, ("#1", "#2"))
    assert not may_join(SAME, 0.99, here)
    assert not may_join((1, 0, 0, 0, 0, MISSING), 0.9999, here)
    assert not may_join((0, 0, 1, 0, 3, MISSING), 0.9999, here)
    assert not may_join(SAME, 0.9999, ("华西医院", "华西第二医院"))


def test_weights_learned_without_labels_tell_who_is_who() -> None:
    rng = random.Random(3)
    given = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平"
    records, truth = [], []
    for number in range(300):
        said = {
            "name": rng.choice("王李张刘陈") + "".join(rng.choices(given, k=2)),
            "hospital": f"示例{rng.choice(given)}{rng.choice(given)}医院", "city": "",
            "department": rng.choice(("心内科", "骨科", "儿科", "眼科")),
            "title": rng.choice(("主任医师", "主治医师")),
        }  # fmt: skip
        for turn in range(2):
            moved = {"department": "妇科"} if turn and rng.random() < 0.1 else {}
            records.append(features(said | moved))
            truth.append(number)
    model = learn(PHYSICIANS, records, version="t", trained_on="t")
    assert model == learn(PHYSICIANS, records, version="t", trained_on="t")
    assert 0.7 < model.columns["department"][0].m < 1
    scorer = Scorer(model, len(records))

    def bits(i: int, j: int) -> float:
        return scorer.bits(compare(records[i], records[j]))

    pairs = candidates(len(records), blocks(records, PHYSICIANS.keys))
    found = figures(truth, cluster(len(records), [(bits(*p), *p) for p in pairs], bits, least=0))
    assert found.pairwise.f1 > 0.98


def test_what_people_decided_teaches_the_weights() -> None:
    rng = random.Random(3)
    given = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平"
    ranks = ("住院医师", "主任医师")
    records = []
    for number in range(150):
        said = {
            "name": rng.choice("王李张刘陈") + "".join(rng.choices(given, k=2)), "city": "",
            "hospital": f"示例{rng.choice(given)}{rng.choice(given)}医院",
            "department": rng.choice(("心内科", "骨科", "儿科", "眼科")), "title": rng.choice(ranks),
        }  # fmt: skip
        records.append(features(said))
        if number < 75:  # the same person, or a namesake of another rank in the same place
            other = {"title": ranks[0] if said["title"] == ranks[1] else ranks[1]}
            records.append(features(said | (other if number < 30 else {})))
    namesakes, moved = (0, 0, 0, 2, MISSING, MISSING), (0, 3, 1, 0, MISSING, MISSING)

    def taught(labels: Labels) -> Model:
        return learn(PHYSICIANS, records, version="t", trained_on="t", labels=labels)

    before, after = (
        Scorer(taught(labels), len(records)) for labels in (Labels(), Labels({}, {namesakes: 15}))
    )
    assert before.bits(namesakes) > 0, "all but the rank agrees"
    assert after.bits(namesakes) < before.bits(namesakes) - 2
    assert after.bits(SAME) == pytest.approx(before.bits(SAME), abs=1)
    known = Scorer(taught(Labels({moved: 15})), len(records))
    assert known.bits(moved) > before.bits(moved) + 2
    assert (
        taught(Labels({}, {}, {SAME: 45})).columns["title"][2].m
        < before.model.columns["title"][2].m
    )


@given(
    st.lists(st.sets(st.integers(0, 4), max_size=3), min_size=2, max_size=12),
)
def test_every_pair_that_shares_a_key_is_compared_once(keys_of: list[set[int]]) -> None:
    found = list(candidates(len(keys_of), blocks(keys_of, lambda one: [str(k) for k in one])))
    wanted = [(i, j) for i, j in combinations(range(len(keys_of)), 2) if keys_of[i] & keys_of[j]]
    assert sorted(found) == wanted


labels = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=20)


@given(labels)
def test_figures_are_what_counting_gives(both: list[tuple[int, int]]) -> None:
    truth, found = zip(*both, strict=True)
    told = figures(truth, found)
    pairs = list(combinations(range(len(both)), 2))
    real = {p for p in pairs if truth[p[0]] == truth[p[1]]}
    made = {p for p in pairs if found[p[0]] == found[p[1]]}
    assert told.pairwise.precision == pytest.approx(len(real & made) / len(made) if made else 1)
    assert told.pairwise.recall == pytest.approx(len(real & made) / len(real) if real else 1)
    mine = [{j for j in range(len(both)) if found[j] == found[i]} for i in range(len(both))]
    his = [{j for j in range(len(both)) if truth[j] == truth[i]} for i in range(len(both))]
    right = sum(len(a & b) / len(a) for a, b in zip(mine, his, strict=True)) / len(both)
    assert told.b_cubed.precision == pytest.approx(right)


marks = st.lists(
    st.sampled_from(({}, {"crm": "1"}, {"crm": "2"}, {"licence": "1"})), min_size=6, max_size=6
)


@given(st.lists(st.tuples(st.floats(-3, 20), st.integers(0, 5), st.integers(0, 5))), marks)
def test_no_cluster_holds_two_of_what_a_person_has_once(
    pairs: list[tuple[float, int, int]], of_record: list[dict[str, str]]
) -> None:
    found = cluster(6, pairs, lambda _a, _b: 5.0, least=0, marks=of_record)
    assert over_merged(found, [tuple(one.items()) for one in of_record]) == 0
    sure = [(i, j) for bits, i, j in pairs if bits >= 0]
    if not any(of_record):  # then whatever is likely is together
        assert all(found[i] == found[j] for i, j in sure)
