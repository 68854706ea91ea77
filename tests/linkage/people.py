"""Invented physicians who agree in every way in which two can."""

from __future__ import annotations

import random

from app.linkage.features import Features, features


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
