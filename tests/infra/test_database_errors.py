"""What the database complains about reaches logs; what was to be stored must not."""

from __future__ import annotations

import io
import logging
import traceback

import pytest
from sqlalchemy import insert, text
from sqlalchemy.exc import DBAPIError

from app.content.models import Brand
from app.identity.models import Physician
from app.infra import log
from app.infra.db import Database
from app.infra.discreet import discreet

NAME = "示例人民医院"
TWO_LINES = f'{NAME}\nzweite "Zeile"'


def seen_of(caught: pytest.ExceptionInfo[DBAPIError]) -> str:
    """Everything that a log, a page or Redis could show of it."""
    return "".join(traceback.format_exception(caught.value)) + repr(caught.value.orig)


def test_a_row_that_is_refused_is_not_shown(database: Database) -> None:
    with pytest.raises(DBAPIError) as caught, database.transaction() as session:
        session.execute(insert(Physician).values(one_id=None, hospital=NAME))
    said = seen_of(caught)
    assert NAME not in said
    assert "DETAIL" not in said
    assert "one_id" in said, "what is wrong must still be said"


def test_a_key_that_exists_is_not_shown(database: Database) -> None:
    brand = insert(Brand).values(key=NAME, name="a", therapy_area="b")
    with database.transaction() as session:
        session.execute(brand)
    with pytest.raises(DBAPIError) as caught, database.transaction() as session:
        session.execute(brand)
    assert NAME not in seen_of(caught)


def test_a_value_that_cannot_be_read_is_not_shown(database: Database) -> None:
    if database.engine.dialect.name != "postgresql":
        pytest.skip("SQLite takes any value")
    with pytest.raises(DBAPIError) as caught, database.transaction() as session:
        session.execute(text("select cast(:value as integer)"), {"value": TWO_LINES})
    said = seen_of(caught)
    assert NAME not in said
    assert "zweite" not in said
    assert "integer" in said


def test_a_line_of_the_log_shows_no_row_whoever_raised_it() -> None:
    raw = (
        "duplicate key value violates unique constraint\n"
        f"DETAIL:  Key (value)=({NAME}\nin two lines) already exists.\nHINT:  try again\n"
        "[SQL: INSERT …]\n(Background on this error at: …)"
    )
    assert discreet(raw) == (
        "duplicate key value violates unique constraint\nHINT:  try again\n"
        "[SQL: INSERT …]\n(Background on this error at: …)"
    )
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(log.formatter())
    record = logging.LogRecord("a.driver", logging.ERROR, __file__, 1, raw, None, None)
    handler.emit(record)
    try:
        raise ValueError(raw)
    except ValueError as problem:
        told = (type(problem), problem, problem.__traceback__)
        handler.emit(logging.LogRecord("x", logging.ERROR, __file__, 1, "failed", None, told))
    assert NAME not in stream.getvalue()
    assert "in two lines" not in stream.getvalue()
    assert stream.getvalue().count("already exists") == 0
