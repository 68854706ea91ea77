"""What was learned last is read once in a process, and the next at once."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import event

from app import recommend
from app.infra.db import Database
from app.recommend import Response
from tests.conftest import SetClock


def test_the_body_is_read_once_until_there_is_a_newer_one(
    database: Database, clock: SetClock
) -> None:
    read: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *said: read.append(said[2]))

    def now_by() -> Response:
        with database.reading() as session:
            return recommend.current(session)

    assert now_by() == recommend.DAY_0
    for steep in (2.0, 3.0):
        with database.transaction() as session:
            recommend.keep(session, Response(steep=steep), clock())
            assert recommend.current(session).steep == steep
        read.clear()
        assert [now_by().steep, now_by().steep] == [steep, steep]
        assert sum("learned_response" in one for one in read) == 1
        clock.tick(days=1)
    with database.transaction() as session:
        again = clock() - timedelta(days=1)  # the same day's is replaced
        recommend.keep(session, Response(steep=4.0), again)
    assert now_by().steep == 4.0
    with database.transaction() as session:  # the clock was ahead, and has been set back
        recommend.keep(session, Response(steep=5.0), clock() - timedelta(days=60))
    assert now_by().steep == 5.0
