"""The invented company has what the pages of tags are about."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

import app.models
from app import autotag, court, delivery, journey, segments
from app.bootstrap import Parts, build
from app.court import CaseEvent, CaseState, TagCase, TagCaseEvent
from app.identity import Identifier
from app.journey import Happened, Touchpoint
from app.sample import load as loading
from tests.conftest import make_settings


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Parts:
    """A smaller company, without today's plan."""
    folder: Path = tmp_path_factory.mktemp("sample")
    away = "http://127.0.0.1:9"
    made = build(
        make_settings(
            f"sqlite:///{folder}/yishu.db", "redis://127.0.0.1:9/0", wecom_api_base=away,
            oa_api_base=away,
        )
    )  # fmt: skip
    app.models.metadata.create_all(made.db.engine)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loading, "PHYSICIANS", 120)
        patch.setattr(loading, "plan_day", lambda *_args, **_how: [])
        loading.load(made)
    return made


def test_the_court_has_settled_waiting_and_appealed_cases(parts: Parts) -> None:
    with parts.db.reading() as session:
        cases = session.scalars(select(TagCase)).all()
        by_itself = [c for c in cases if c.state == CaseState.SETTLED and c.decided_by == "system"]
        assert {c.kind for c in by_itself} >= {court.Kind.NEVER_OPENED}
        appealed = select(TagCaseEvent.case_id).where(TagCaseEvent.kind == CaseEvent.APPEALED)
        assert len(session.scalars(appealed).all()) == 1
        waiting = [c for c in cases if c.state == CaseState.OPEN and c.verdict is None]
        assert {c.kind for c in waiting} >= {
            court.Kind.EXCLUSIVE, court.Kind.OPPOSITE, court.Kind.DENIED,
        }  # fmt: skip


def test_audiences_by_hospital_level_and_gaps_of_content_hold_somebody(parts: Parts) -> None:
    with parts.db.reading() as session:
        best, second = (
            segments.size(session, segments.parse(f"医院等级 = {level}"), parts.clock())
            for level in ("三甲", "二甲")
        )
        assert best > second > 5
        found = autotag.coverage(session, parts.clock())
        assert {gap.tag.key for gap in found.gaps if gap.people > 5} >= {"dyslipidemia", "cad"}
        served, unserved = sorted(found.segments, key=lambda one: one.segment.id)
        assert served.size > served.served > 0
        assert (served.missing, len(unserved.missing)) == ([], 2)


def test_what_a_physician_has_received_counts_as_a_contact(parts: Parts) -> None:
    """Else a page says 还可 2 次 above two contents of the week."""
    week = parts.clock() - timedelta(days=7)
    with parts.db.reading() as session:
        received = Counter(
            session.scalars(
                select(Identifier.one_id)
                .join(Touchpoint, Touchpoint.identifier_id == Identifier.id)
                .where(Touchpoint.kind == Happened.CONTENT_SENT, Touchpoint.at > week)
            )
        )
        counted = delivery.contacted_at(session, received, week)
        sent = session.scalars(select(Touchpoint).where(Touchpoint.kind == Happened.CONTENT_SENT))
        told = {(one.channel, journey.BY_HAND in (one.detail or {})) for one in sent}
    assert told == {("wecom", True), ("oa", False)}, "as the product says it of its own"
    assert received
    assert {one_id: len(times) for one_id, times in counted.items()} == received
