"""Splink beside: the same levels in SQL, and weights that the product can apply."""

from __future__ import annotations

import random

import pytest

from app.linkage.compare import COLUMNS, compare
from app.linkage.features import Features, features
from app.linkage.model import loads

pytest.importorskip("splink", reason="Splink (requirements-linkage.lock) is not installed")


def people() -> list[Features]:
    rng = random.Random(5)
    given = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平晓小"
    places = [("四川大学华西医院", "成都市"), ("华西医院", "成都市"), ("华西第二医院", "成都市"), ("人民医院", ""),
              ("人民医院", "示例市"), ("示例市中医院", "示例市"), ("", "示例市"), ("", "")]  # fmt: skip
    found = []
    for _ in range(700):
        hospital, city = rng.choice(places)
        phone = f"+86139{rng.randrange(100):04d}{rng.randrange(60):04d}"
        name = rng.choice("王李张") + "".join(rng.choices(given, k=rng.choice((1, 2, 2))))
        found.append(
            features(
                {"name": rng.choice((name, name, name, "")), "hospital": hospital, "city": city,
                 "department": rng.choice(("心内科", "骨科", "")),
                 "title": rng.choice(("主任医师", "副高", "主治医师", ""))},
                rng.choice(((phone,), ())),
            )
        )  # fmt: skip
    return found


def test_every_level_in_sql_is_that_in_python_and_what_is_learned_can_be_applied() -> None:
    from app.linkage.splink_engine import linker, train

    records = people()
    with linker(records, threads=1, keep_levels=True) as linking:
        table = linking.inference.predict(threshold_match_weight=-200).as_pyarrow_table()
        model = train(linking, len(records), version="test", trained_on="test")
    names = list(COLUMNS)
    told = [table[f"gamma_{name}"].to_pylist() for name in names]
    left, right = (table[f"unique_id_{side}"].to_pylist() for side in "lr")
    assert len(left) > 1000
    for n, (a, b) in enumerate(zip(left, right, strict=True)):
        mine = compare(records[a], records[b])
        his = tuple(
            g[n] if g[n] < 0 else len(COLUMNS[name]) - 1 - g[n]
            for name, g in zip(names, told, strict=True)
        )
        assert mine == his, (tuple(records[a]), tuple(records[b]))
    assert loads(model.dumps(), COLUMNS) == model
