"""The comparison of `compare` written for Splink: the same levels in SQL, on any of its engines.

    settings()        for DuckDB on one machine and for Spark on many: nothing in it is of either
    as_columns(…)     the records as columns, for DuckDB, or for `spark.createDataFrame`
    model_of(…)       what Splink has learned, as weights that the product applies without Splink

Splink is imported when it is asked for: it is no part of the product (`OPTIONAL`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.identity.names import spoken_surname
from app.infra.errors import Misconfigured
from app.linkage.compare import COLUMNS, LONG_NAME, SHORT_KEY, SHORT_NAME
from app.linkage.em import LEAST
from app.linkage.features import Features
from app.linkage.model import Level, Model, never_less

OPTIONAL = "pip install --require-hashes -r requirements-linkage.lock"
TEXTS = ("name", "surname", "pinyin", "hospital", "institution", "city", "department")
SETS = ("phones", "tails", "heads")
# DuckDB's levenshtein and hamming count bytes, of which a Chinese character has three.
_DIFFERING = "({})".format(
    " + ".join(
        f"case when substr(name_l, {n}, 1) = substr(name_r, {n}, 1) then 0 else 1 end"
        for n in range(1, LONG_NAME + 1)
    )
)
_NAME = (
    "name_l = name_r",
    "pinyin_l = pinyin_r",
    f"surname_l = surname_r and length(name_l) = length(name_r) and length(name_l) "
    f"between {SHORT_NAME} and {LONG_NAME} and {_DIFFERING} = 1",
    "surname_l = surname_r",
)
_PLACE = (
    "institution_l = institution_r",
    "kinds_l = kinds_r and (city_l is null or city_r is null or city_l = city_r) and "
    f"least(length(hospital_l), length(hospital_r)) >= {SHORT_KEY} and "
    "(right(hospital_l, length(hospital_r)) = hospital_r or "
    "right(hospital_r, length(hospital_l)) = hospital_l)",
    "kinds_l = kinds_r and city_l = city_r",
    "kinds_l = kinds_r and (city_l is null or city_r is null or city_l = city_r)",
)
_TITLE = ("title_l = title_r", "abs(title_l - title_r) = 1")
_CITY_NULL = (
    "(hospital_l is not null and hospital_r is not null) or city_l is null or city_r is null"
)


def settings(*, keep_levels: bool = False) -> Any:
    """A `SettingsCreator`; `keep_levels`: predictions tell the level of each column. Raises
    Misconfigured without Splink."""
    splink = _splink()
    from splink.internals.comparison_level_library import ArrayIntersectLevel

    block_on = splink.block_on
    phones = [ArrayIntersectLevel(column, 1) for column in SETS]
    return splink.SettingsCreator(
        link_type="dedupe_only",
        comparisons=[
            _comparison("name", _NAME, frequency="name"),
            _comparison("hospital", _PLACE),
            _comparison("department", ("department_l = department_r",)),
            _comparison("title", _TITLE),
            _comparison("phone", phones, null="phones_l is null or phones_r is null"),
            _comparison("city", ("city_l = city_r",), null=_CITY_NULL),
        ],
        blocking_rules_to_generate_predictions=[
            block_on("name"),
            block_on("pinyin", "hospital"),
            block_on("surname_sound", "hospital", "department"),
            block_on("pinyin", "city"),
            block_on("surname_sound", "tails", arrays_to_explode=["tails"]),
        ],
        retain_matching_columns=keep_levels,
        retain_intermediate_calculation_columns=keep_levels,
    )


def teachers() -> list[Any]:
    """Blocking rules to learn from, one after the other."""
    splink = _splink()
    return [splink.block_on("name"), splink.block_on("hospital", "department")]


def as_columns(records: Sequence[Features]) -> dict[str, list[Any]]:
    """Column → values; None where nothing is known. `unique_id` is the position."""
    columns: dict[str, list[Any]] = {"unique_id": list(range(len(records)))}
    columns |= {name: [getattr(one, name) or None for one in records] for name in TEXTS}
    columns |= {name: [sorted(getattr(one, name)) or None for one in records] for name in SETS}
    columns["kinds"] = [one.kinds for one in records]
    columns["title"] = [one.title for one in records]
    columns["surname_sound"] = [spoken_surname(one.name) or None for one in records]
    return columns


def model_of(trained: Mapping[str, Any], *, version: str, trained_on: str, records: int) -> Model:
    """From the dictionary that `linker.misc.save_model_to_json()` gives."""
    chance = float(trained["probability_two_random_records_match"])
    columns = {}
    for comparison in trained["comparisons"]:
        name = comparison["output_column_name"]
        found = [one for one in comparison["comparison_levels"] if not one.get("is_null_level")]
        columns[name] = _levels(COLUMNS[name], found)
    return Model(version, trained_on, chance * max(records - 1, 1), columns, ("name",))


def _comparison(
    column: str, levels: Sequence[Any], *, null: str = "", frequency: str = ""
) -> dict[str, Any]:
    nothing = null or f"{column}_l is null or {column}_r is null"
    found: list[Any] = [
        {"sql_condition": nothing, "label_for_charts": "null", "is_null_level": True}
    ]
    for label, level in zip(COLUMNS[column], levels, strict=False):
        if isinstance(level, str):
            level = {"sql_condition": level, "label_for_charts": label}
            if frequency and len(found) == 1:
                level["tf_adjustment_column"] = frequency
        found.append(level)
    found.append({"sql_condition": "ELSE", "label_for_charts": COLUMNS[column][-1]})
    return {"output_column_name": column, "comparison_levels": found}


def _levels(labels: Sequence[str], found: Sequence[Mapping[str, Any]]) -> tuple[Level, ...]:
    """What Splink never saw has no share: it says nothing, or what the next level says."""
    shares = [(_share(one.get("m_probability")), _share(one.get("u_probability"))) for one in found]
    return never_less([Level(label, m, u) for label, (m, u) in zip(labels, shares, strict=True)])


def _share(value: float | None) -> float:
    return min(max(float(value or LEAST), LEAST), 1.0)


def _splink() -> Any:
    try:
        import splink
    except ImportError as problem:
        raise Misconfigured(f"Splink is not installed. Install it with: {OPTIONAL}") from problem
    return splink
