"""What the database complains about reaches logs; what was to be stored must not."""

from __future__ import annotations

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import DBAPIError

from app.identity.models import Physician
from app.infra.db import Database


def test_an_error_of_the_database_holds_no_values(database: Database) -> None:
    with pytest.raises(DBAPIError) as caught, database.transaction() as session:
        session.execute(insert(Physician).values(one_id=None, hospital="示例人民医院"))
    assert "示例人民医院" not in str(caught.value).split("DETAIL")[0]
