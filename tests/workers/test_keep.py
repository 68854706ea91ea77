"""What the scheduler keeps in order: one work that fails holds up none of the others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

import pytest
from sqlalchemy import select

from app.flows.tagging import import_tags
from app.infra.db import Database
from app.tagging import TagImport
from tests.conftest import NOON, SetClock
from workers import scheduler
from workers.sweeping import keep_uploads


@dataclass
class Here:
    """As much of the process as these need."""

    db: Database
    clock: SetClock


def test_an_upload_that_nobody_confirmed_goes_though_other_work_fails(
    database: Database, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, hours in enumerate((25, 23)):
        with database.transaction() as session:
            import_tags.keep(
                session, f"{number}.csv", "手机,标签\n1,房颤\n".encode(), tool="", actor="user:1",
                now=NOON - timedelta(hours=hours),
            )  # fmt: skip

    def fails(_: Any) -> None:
        raise ValueError

    monkeypatch.setattr(scheduler, "KEPT", (fails, keep_uploads))
    assert names(database) == ["0.csv", "1.csv"]
    scheduler.keep(cast(Any, Here(database, clock)))
    assert names(database) == ["1.csv"]


def names(database: Database) -> list[str]:
    """Uploads that are kept."""
    with database.reading() as session:
        return list(session.scalars(select(TagImport.filename).order_by(TagImport.id)))
