"""The invented hospitals as a master list has them, with their levels. The last city's are missing
from it, so that its written names wait for somebody."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app import hospitals
from app.hospitals import load
from app.sample.company import Company
from app.sample.people import CITIES, HOSPITALS, called

LEVELS = ("三级甲等", "三级甲等", "三级甲等", "二级甲等", "三级乙等")  # of HOSPITALS
SHORT = {"第一人民医院": "一院", "中心医院": "中心院"}


def know_hospitals(session: Session, company: Company) -> None:
    """Before anybody is met, so that every written name finds its hospital."""
    rows: list[hospitals.rows.Row] = []
    for province, city in CITIES[:-1]:
        for pattern, level in zip(HOSPITALS, LEVELS, strict=True):
            name = called(pattern, city)
            cells = {"name": name, "level": level, "province": province, "city": city}
            for long, short in SHORT.items():
                if name.endswith(long):
                    cells["aliases"] = name.replace(long, short)
            row = hospitals.rows.check(len(rows) + 2, cells)
            assert isinstance(row, hospitals.rows.Row), row
            rows.append(row)
    for part in load.parts(rows):
        load.take(session, part, source="sample", actor="system", now=company.now)
