"""A content about a tag that was merged is about the tag it was merged into, whoever asks."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import autotag, content, journey, tagging
from app.autotag import Library, backtest
from app.autotag.conclude import conclude
from app.autotag.live import LIVE
from app.autotag.models import TagRuleTest
from app.campaigns import CampaignWay
from app.content import ContentVersion
from app.court import behaviour
from app.flows.campaigns.audience import reach
from app.flows.fitting import scoring
from app.flows.tagging import vocabulary
from app.identity import Identifier
from app.infra.db import Database
from app.journey import Happened
from app.recommend import DAY_0
from tests.autotag.test_following import make, try_out
from tests.company import CORP, hire, meet, publish
from tests.conftest import NOON, SetClock

DAY = timedelta(days=1)
ABOUT_CAD = {"is": "count", "act": "opened", "tagged": "cad", "at_least": 1, "days": 30}


@pytest.fixture
def merged(database: Database, clock: SetClock) -> tuple[Database, int, int, Library]:
    """Somebody opened a content about af, whom nothing says of cad; then af became cad."""
    library = Library()
    with database.transaction() as session:
        tagging.seed(session, NOON)
        who = meet(session, hire(session, "a", NOON), "1", NOON, tags=("cad",))
        version = publish(session, "房颤新进展", ("af",), NOON - 30 * DAY)
        for kind, days in ((Happened.CONTENT_SENT, 9), (Happened.CONTENT_OPENED, 8)):
            journey.note(
                session, who.id, kind, channel="wecom", at=NOON - days * DAY, ref=str(kind),
                content_version_id=version.id,
            )  # fmt: skip
        rule = make(session, clock, "冠心病", {"gives": "b-active", "all": [ABOUT_CAD]})
        try_out(session, rule, clock)
        autotag.switch(session, rule, autotag.Switch.LIVE, by="user:1", now=NOON)
        assert says(session, who, library) == []
    with database.transaction() as session:
        vocabulary.merge(session, "af", "cad", actor="user:1", now=NOON)
    return database, who.id, version.id, library


def says(session: Session, who: Identifier, library: Library) -> list[int]:
    found = conclude(session, {who.one_id: LIVE.of(session)}, library, NOON)
    return [want.rule_id for want in found[who.one_id]]


def test_everybody_sees_what_it_was_merged_into(
    merged: tuple[Database, int, int, Library],
) -> None:
    database, identifier_id, version_id, library = merged
    with database.reading() as session:
        who = session.get_one(Identifier, identifier_id)
        cad = tagging.id_of(session, "cad")
        assert cad is not None
        assert content.topics_of(session, [version_id]) == {version_id: {cad: 1.0}}

        assert len(says(session, who, library)) == 1, "a library that had read it before"

        asked = session.scalars(select(TagRuleTest)).one()
        assert backtest._begin(session, asked, NOON)[0].about == {cad}
        assert [one.names for one in autotag.coverage(session, NOON).thin] == [["冠心病"]]

        sent = behaviour.exposures(session, [who.one_id], tagging.shape(session), NOON)
        assert cad in behaviour.by_tag(sent[who.one_id])

        opened = {who.one_id: [scoring.Opened(1, version_id, NOON - DAY)]}
        asks = replace(DAY_0, usual={cad: 0.5})
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(scoring, "openings", lambda *_: opened)
            told = scoring.interests_of(session, {who.one_id: {}}, asks, NOON)
        assert -cad in told[who.one_id]

        version = session.get_one(ContentVersion, version_id)
        way = CampaignWay.SUGGESTION
        (share,) = reach(session, "标签:冠心病", way, version, NOON, app_id=CORP).shares
        assert [set(one.fit.parts) for one in share.considered.candidates] == [{cad}]
