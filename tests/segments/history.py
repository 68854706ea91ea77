"""Things that happen to a few physicians, and questions about them, at random from a seed."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import consent, identity, journey, links, reps, tagging
from app.campaigns import Campaign
from app.consent import Action
from app.hospitals.models import Institution
from app.identity import Id, Identifier, Kind, Physician, changed
from app.infra.db import Database
from app.journey import Happened
from app.reps import RelationState, Rep
from app.segments.models import ListState, Segment, SegmentList, SegmentListMember
from app.tagging import Learned, Source
from tests.company import CORP, hire, publish
from tests.conftest import SetClock
from tests.segments.questions import CAMPAIGNS, CITIES, LISTS, SEGMENTS, Questions

PEOPLE = 12
SOURCES = tuple(Source)
FAMILY = ("cardio", "af", "cad", "acs")  # narrower and narrower


class History(Questions):
    """`happen` does one thing, `question` asks one."""

    def __init__(self, db: Database, clock: SetClock, seed: int) -> None:
        self.db, self.clock, self.rng = db, clock, random.Random(seed)
        with db.transaction() as session:
            tagging.seed(session, clock())
            exclusive = {c.key for c in tagging.categories(session) if c.exclusive}
            known = tagging.tags(session)
            stages = [tag.key for tag in known if tag.category_key in exclusive]
            self.tags = [*FAMILY, *stages[:3], next(t.key for t in known if not t.half_life_days)]
            self.reps = [hire(session, f"rep0{n}", clock()) for n in range(3)]
            self.version = publish(session, "房颤抗凝", ("af",), clock())
            self.links: list[int] = []
            self.names = {key: _tag(session, key).name for key in self.tags}
            self.lists = self._saved(session)
        self.judged: list[int] = []

    def happen(self) -> None:
        name = self.rng.choice(
            ["tag"] * 6 + ["list", "tell", "meet", "meet", "leave", "open", "open", "refuse",
             "join", "apart", "take back", "forget", "retire", "hand over", "fail", "later",
             "read", "write", "get", "get", "sign up", "sign up", "rank", "learn"]
        )  # fmt: skip
        step: Callable[[Session], object] = getattr(self, name.replace(" ", "_"))
        try:
            with self.db.transaction() as session:
                step(session)
                if name == "fail":
                    raise InterruptedError
        except InterruptedError:
            pass

    def tag(self, session: Session) -> None:
        key, source = self.rng.choice(self.tags), self.rng.choice(SOURCES)
        tagging.assert_tag(
            session, self._someone(session).id, _tag(session, key).id, source=source,
            ref=str(self.rng.random()), evidence="", at=self._when(),
            confidence=self.rng.choice((1.0, 0.6, 0.3, -0.7)),
        )  # fmt: skip

    def list(self, session: Session) -> None:
        names = {_tag(session, key).name: "" for key in self.rng.sample(self.tags, 2)}
        at = self._when()
        tagging.take_names(
            session, self._someone(session).id, source=Source.CRM, scope="crm", names=names,
            at=at, now=at,
        )  # fmt: skip

    def tell(self, session: Session) -> None:
        said = {"city": self.rng.choice(CITIES), "specialty": self.rng.choice(("心内科", "肿瘤"))}
        identity.describe(
            session, self._someone(session), said, source=self.rng.choice(("crm", "oa")),
            trust=self.rng.choice((50, 80)), at=self._when(), now=self.clock(),
        )  # fmt: skip

    def meet(self, session: Session) -> None:
        reps.connect(
            session, self._rep(session), self._contact(session), since=self._when(),
            now=self.clock(), one_sided=self.rng.random() < 0.2,
        )  # fmt: skip

    def leave(self, session: Session) -> None:
        who, state = self._contact(session), RelationState.REMOVED_BY_PHYSICIAN
        if self.rng.random() < 0.3:
            reps.close_missing(session, CORP, who, [], self.clock())
        reps.disconnect(session, self._rep(session), who, state, self.clock())

    def open(self, session: Session) -> None:
        link = links.create_link(
            session, self.version.id, identifier_id=self._someone(session).id, channel="oa",
            now=self.clock(), campaign_id=self.rng.choice((None, *CAMPAIGNS.values())),
        )  # fmt: skip
        for _ in range(self.rng.choice((1, 1, 2, 3))):
            links.open_page(
                session, link.id, f"visit-{self.rng.random()}"[:30].replace(".", "-"),
                agent="wechat", now=self._when(),
            )  # fmt: skip

    def refuse(self, session: Session) -> None:
        action = self.rng.choice((Action.WITHDRAW, Action.GRANT))
        consent.record(
            session, self._someone(session).id, action=action, source="t", at=self._when(),
            channel=self.rng.choice((consent.ANY, "wecom", "oa")),
        )  # fmt: skip

    def read(self, session: Session) -> None:
        link = links.create_link(
            session, self.version.id, identifier_id=self._someone(session).id, channel="oa",
            now=self.clock(),
        )  # fmt: skip
        visit = f"visit-{self.rng.random()}"[:30].replace(".", "-")
        view = links.open_page(session, link.id, visit, agent="wechat", now=self.clock())
        assert view is not None
        view.opened_at = self.clock() - timedelta(hours=1)
        links.progress(
            session, view, visible_s=900, depth_pct=100, reading_seconds=60, now=self.clock()
        )

    def write(self, session: Session) -> None:
        self._touch(session, Happened.MESSAGE_RECEIVED, None)

    def get(self, session: Session) -> None:
        self._touch(session, Happened.CONTENT_SENT, self.rng.choice((None, *CAMPAIGNS.values())))

    def sign_up(self, session: Session) -> None:
        number, who = self.rng.choice(self.lists), self._someone(session).id
        if session.get(SegmentListMember, (number, who)) is None:
            session.add(SegmentListMember(list_id=number, identifier_id=who))
        changed.note(session, who)

    def rank(self, session: Session) -> None:
        """The hospital of everybody in a city becomes known, or its level another."""
        level = self.rng.choice(("三级甲等", "二级"))
        row = session.get(Institution, 1)
        if row is None:
            row = Institution(id=1, name="示例医院", source="t", created_at=self.clock(),
                              updated_at=self.clock())  # fmt: skip
            session.add(row)
        row.level = level
        session.flush()
        people = identity.search(session, self.rng.choice(CITIES))[0]
        for person in people:
            person.institution_id = 1
        everybody = session.scalars(
            select(Physician.one_id).where(Physician.institution_id == 1)
        ).all()
        identity.changed.note_people(session, everybody)

    def join(self, session: Session) -> None:
        ids = [self._id(), self._id()]
        if len(set(ids)) == 2:
            identity.observe(
                session, ids, event_key=f"e{self.rng.random()}", source="test", at=self._when(),
                now=self.clock(), kind="api_assert", trust=90,
            )  # fmt: skip

    def apart(self, session: Session) -> None:
        a, b = self._someone(session), self._someone(session)
        if a.id != b.id:
            judged = identity.keep_apart(
                session, a, b, actor="user:1", reason="t", now=self.clock()
            )
            self.judged.append(judged.id)

    def take_back(self, session: Session) -> None:
        if self.judged:
            identity.retract(session, self.judged.pop(), actor="user:1", now=self.clock())

    def forget(self, session: Session) -> None:
        who = self._someone(session)
        if who.value:
            identity.forget(session, who, cause="test", now=self.clock())

    def retire(self, session: Session) -> None:
        if self.rng.random() < 0.3:
            tagging.retire(session, self.rng.choice(self.tags))

    def learn(self, session: Session) -> None:
        """A source is more or less reliable than was thought, for one tag or for all."""
        tag = self.rng.choice((0, *(_tag(session, key).id for key in self.tags)))
        value = self.rng.random() * 0.98
        tagging.learn(
            session, Learned(self.rng.choice(SOURCES), tag, value, 0, 1, 9, 9, 9, 9.0, 9.0),
            self.clock(),
        )  # fmt: skip

    def hand_over(self, session: Session) -> None:
        old, new = self._rep(session), self._rep(session)
        if old.id != new.id:
            reps.hand_over(session, old, new, self.clock())

    def fail(self, session: Session) -> None:
        self.tag(session)
        self.join(session)

    def later(self, session: Session) -> None:
        self.clock.tick(hours=self.rng.choice((1, 30, 700, 3000)))

    def _touch(self, session: Session, kind: Happened, campaign_id: int | None) -> None:
        journey.note(
            session, self._someone(session).id, kind, channel="oa", at=self._when(),
            ref=f"t{self.rng.random()}", campaign_id=campaign_id,
        )  # fmt: skip

    def _saved(self, session: Session) -> list[int]:
        """Campaigns, segments and empty lists; the ids of the lists."""
        now = self.clock()
        for name, number in CAMPAIGNS.items():
            session.add(Campaign(
                id=number, name=name, content_id=self.version.content_id, expression="全部",
                way="suggestion", created_by="t", created_at=now,
            ))  # fmt: skip
        for name, text in SEGMENTS.items():
            session.add(Segment(name=name, expression=text, created_by="t", created_at=now))
        rows = [
            SegmentList(name=name, purpose="t", filename="t.csv", state=ListState.READY,
                        figures={}, created_by="t", created_at=now)
            for name in LISTS
        ]  # fmt: skip
        session.add_all(rows)
        session.flush()
        return [row.id for row in rows]

    def _id(self) -> Id:
        n = self.rng.randrange(PEOPLE)
        kind = self.rng.choice((Kind.WECOM_EXTERNAL_USERID, Kind.OPENID, Kind.PHONE, Kind.UNIONID))
        value = f"139{n:08d}" if kind is Kind.PHONE else f"x{n}"
        return Id(kind, "" if kind is Kind.PHONE else CORP, value)

    def _someone(self, session: Session, one: Id | None = None) -> Identifier:
        (row,) = identity.observe(
            session, [one or self._id()], event_key=f"s{self.rng.random()}", source="test",
            at=self.clock(), now=self.clock(),
        )  # fmt: skip
        return row

    def _contact(self, session: Session) -> Identifier:
        who = Id(Kind.WECOM_EXTERNAL_USERID, CORP, f"x{self.rng.randrange(PEOPLE)}")
        return self._someone(session, who)

    def _rep(self, session: Session) -> Rep:
        return reps.get_rep(session, self.rng.choice(self.reps).id)

    def _when(self) -> datetime:
        return self.clock() - timedelta(days=self.rng.choice((0, 0, 0, 1, 6, 29, 200)))


def _tag(session: Session, key: str) -> tagging.Tag:
    found = tagging.by_key(session, key)
    assert found is not None
    return found
