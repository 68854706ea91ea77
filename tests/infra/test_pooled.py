"""A PostgreSQL database that is lent again has nothing of the test before."""

from __future__ import annotations

import psycopg
import pytest

from tests import pooled
from tests.pooled import Pool

TAG = (
    "INSERT INTO tag_category (key, name, exclusive, position) VALUES ('x', 'x', false, 0);"
    "INSERT INTO tag (key, name, category_key, owner, meaning, active, created_at) "
    "VALUES ('x', 'x', 'x', 'nobody', '', true, now())"
)


def test_rows_and_counted_keys_are_gone_and_whoever_held_a_lock_is_out(
    postgres_pool: Pool,
) -> None:
    with postgres_pool.lent() as url:
        mine = psycopg.connect(url, autocommit=True)
        mine.execute(TAG)
        first = mine.execute("SELECT max(id) FROM tag").fetchall()
        mine.execute("BEGIN; LOCK TABLE tag; DELETE FROM tag")  # and never ended
    with pytest.raises(psycopg.OperationalError):
        mine.execute("SELECT 1")
    with postgres_pool.lent() as again, psycopg.connect(again) as other:
        assert again == url
        assert other.execute("SELECT count(*) FROM tag_category").fetchall() == [(0,)]
        other.execute(TAG)
        assert other.execute("SELECT max(id) FROM tag").fetchall() == first


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE tag ADD COLUMN more int",
        "ALTER TABLE tag ALTER COLUMN meaning DROP NOT NULL",
        "ALTER TABLE tag ADD CONSTRAINT short CHECK (length(name) < 9)",
        "DROP TABLE tag_synonym",
        "CREATE TABLE alembic_version (version_num text)",
        "CREATE INDEX quick ON tag (meaning)",
        "CREATE SCHEMA aside",
        "CREATE FUNCTION one() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    ],
)
def test_a_database_that_was_changed_is_not_lent_again(postgres_pool: Pool, change: str) -> None:
    with postgres_pool.lent() as url, psycopg.connect(url) as connection:
        connection.execute(change)
    with postgres_pool.lent() as other:
        assert other != url


def test_a_database_that_was_filled_is_not_lent_again(
    postgres_pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pooled, "LARGEST_BYTES", 4096)  # less than one page
    with postgres_pool.lent() as url, psycopg.connect(url) as connection:
        connection.execute(TAG)
    with postgres_pool.lent() as other:
        assert other != url
