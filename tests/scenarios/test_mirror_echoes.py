"""Echoes never loop: whatever reps and our calls do in whatever order, only persons' marks speak."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from app import tagging
from app.reps import Rep, RepContact
from app.tagging import Source, TagMark
from app.tagging import mirror_rules as rules
from app.tagging.models import TagAssertion
from tests.completeness.pulling import pull
from tests.scenarios.conftest import LOOPBACK, Line, opened
from tests.scenarios.test_mirror import calls, ends, ids, mirror, run, say, there

REPS = ("rep01", "rep02")
TAGS = {"af": "房颤", "anticoagulation": "抗凝"}
KEYS = st.sampled_from(sorted(TAGS))
DEEDS = st.one_of(
    st.tuples(st.just("set"), st.sampled_from(REPS), KEYS),
    st.tuples(st.just("unset"), st.sampled_from(REPS), KEYS),
    st.tuples(st.just("unset late"), st.sampled_from(REPS), KEYS),
    st.tuples(st.just("edit"), st.sampled_from(REPS), KEYS),
    st.tuples(st.just("say"), st.just(""), KEYS),
    st.tuples(st.just("ends"), st.just(""), KEYS),
    st.tuples(st.sampled_from(("mirror", "cut", "busy", "no answer", "crash")), st.just(""), KEYS),
)


class Story:
    """What reps did in WeCom, beside the product that is told of it."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.stated: set[tuple[str, str]] = set()
        self.refused: set[tuple[str, str]] = set()
        self.untold: set[tuple[str, str]] = set()

    def do(self, deed: str, rep: str, key: str) -> None:
        self.line.clock.tick(seconds=10)
        shown = there(self.line, rep, "wang") if rep else set()
        if deed == "set" and TAGS[key] not in shown:
            self._tags(rep, shown | {TAGS[key]})
            self.stated.add((rep, key))
            self.refused.discard((rep, key))
        elif deed.startswith("unset") and TAGS[key] in shown:
            if not self._is_under_way(rep, key):  # else it looks as if our call had had no effect
                self.refused.add((rep, key))
            if deed == "unset late":
                self.untold.add((rep, key))
            self._tags(rep, shown - {TAGS[key]}, late=deed == "unset late")
            self.stated.discard((rep, key))
        elif deed == "edit":
            self.line.do("edit_contact", userid=rep, person="wang", remark="王主任")
        elif deed == "say":
            say(self.line, "wang", key)
        elif deed == "ends":
            ends(self.line, key)
        else:
            self._mirror(deed)

    def _tags(self, rep: str, names: set[str], late: bool = False) -> None:
        arguments = {"userid": rep, "person": "wang", "tag_ids": ids(self.line, *names)}
        if late:  # our next calls are made before anybody is told
            LOOPBACK.post(f"{self.line.base}/sandbox/do/edit_contact", json=arguments)
        else:
            self.line.do("edit_contact", **arguments)

    def _mirror(self, deed: str) -> None:
        trouble = self.line.world.trouble
        code = {"busy": 45035, "no answer": -1}.get(deed)
        if code:
            trouble["errcodes"] = {"externalcontact/mark_tag": {"errcode": code, "times": 2}}
        if deed == "cut":
            trouble["cut_after_effect"] = True
        with pytest.MonkeyPatch.context() as patch:
            if deed == "crash":  # between the call and what would be written about it
                patch.setattr(tagging.mark_calls, "record_done", _dies)
            try:
                run(self.line, 2)
            except Crash:
                self.line.clock.tick(minutes=2)  # until the lease is over
        trouble.pop("cut_after_effect", None)
        self._forget_what_we_took_away_too()

    def _forget_what_we_took_away_too(self) -> None:
        """Before anybody was told of it: then nothing tells any more that a rep did so as well."""
        chosen = (
            select(Rep.userid, tagging.Tag.key)
            .join(RepContact, RepContact.rep_id == Rep.id)
            .join(TagMark, TagMark.contact_id == RepContact.id)
            .join(tagging.Tag, tagging.Tag.id == TagMark.tag_id)
            .where(TagMark.known.is_(False), TagMark.refused_at.is_(None))
        )
        with self.line.parts.db.reading() as session:
            gone = {(userid, key) for userid, key in session.execute(chosen)}
        self.refused -= self.untold & gone
        self.untold.clear()

    def ends_well(self) -> None:
        """Everybody is told of everything, then all is as it should be, and stays so."""
        self.line.world.trouble.clear()
        for _ in range(4):
            self.line.clock.tick(minutes=11)
            run(self.line)
        marks = {(m.contact_id, m.tag_id): m for m in self._marks()}
        assert not any(m.writing or m.missing_at or m.error for m in marks.values())
        wanted = {m.tag_id for m in marks.values() if m.wanted}
        names = self._names()
        for rep in REPS:
            mine = {TAGS[key] for r, key in self.stated if r == rep}
            refused = {TAGS[key] for r, key in self.refused if r == rep}
            assert there(self.line, rep, "wang") == mine | ({names[t] for t in wanted} - refused)
        assert self._said() == self.stated
        before = calls(self.line, "mark_tag"), self._assertions()
        self.line.do("edit_contact", userid="rep01", person="wang", remark="王教授")
        run(self.line)
        assert (calls(self.line, "mark_tag"), self._assertions()) == before
        assert pull(self.line).found == {}, "what we did ourselves is no lost callback"

    def _is_under_way(self, rep: str, key: str) -> bool:
        """Whether we set this mark and do not know yet what became of it."""
        chosen = (
            select(TagMark.tag_id)
            .join(RepContact, RepContact.id == TagMark.contact_id)
            .join(Rep, Rep.id == RepContact.rep_id)
            .join(tagging.Tag, tagging.Tag.id == TagMark.tag_id)
            .where(Rep.userid == rep, tagging.Tag.key == key, TagMark.writing == "add")
        )
        with self.line.parts.db.reading() as session:
            return session.scalar(chosen) is not None

    def _marks(self) -> list[TagMark]:
        with self.line.parts.db.reading() as session:
            return list(session.scalars(select(TagMark)))

    def _names(self) -> dict[int, str]:
        with self.line.parts.db.reading() as session:
            return {tag.id: tag.name for tag in tagging.tags(session)}

    def _assertions(self) -> list[Any]:
        with self.line.parts.db.reading() as session:
            rows = select(TagAssertion.id, TagAssertion.superseded_at).order_by(TagAssertion.id)
            return [tuple(row) for row in session.execute(rows)]

    def _said(self) -> set[tuple[str, str]]:
        with self.line.parts.db.reading() as session:
            reps = {f"rep:{rep.id}": rep.userid for rep in session.scalars(select(Rep))}
            rows = session.execute(
                select(TagAssertion.ref, TagAssertion.raw, tagging.Tag.key)
                .join(tagging.Tag, tagging.Tag.id == TagAssertion.tag_id)
                .where(
                    TagAssertion.source == Source.WECOM_TAG, TagAssertion.superseded_at.is_(None)
                )
            )
            return {(reps[ref.rsplit(":", 2)[0]], key) for ref, _raw, key in rows}


class Crash(BaseException):
    """As if the process had been killed here."""


def _dies(*_: object) -> bool:
    raise Crash


@settings(
    max_examples=2,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(deeds=st.lists(DEEDS, min_size=4, max_size=10))
@example(
    deeds=[
        ("say", "", "af"),
        ("crash", "", "af"),
        ("unset", "rep01", "af"),
        ("unset late", "rep01", "anticoagulation"),
        ("no answer", "", "af"),
        ("set", "rep01", "anticoagulation"),
    ]
)
def test_only_what_persons_set_speaks_and_wecom_converges(
    database_url: str, valkey_url: str, deeds: list[tuple[str, str, str]]
) -> None:
    with fresh(database_url, valkey_url) as line:
        line.do("add_contact", userid="rep01", person="wang")
        line.do("add_contact", userid="rep02", person="wang")
        mirror(line, *TAGS)
        line.clock.tick(minutes=5)
        run(line)
        pull(line)  # the first look is an import
        story = Story(line)
        story.do("say", "", "anticoagulation")
        run(line)
        for deed in deeds:
            story.do(*deed)
        story.ends_well()


def fresh(database_url: str, valkey_url: str) -> Any:
    """A line over emptied tables: examples share the database of the test."""
    from sqlalchemy import delete

    import app.models
    from app.infra.db import Database, build_engine
    from tests.conftest import SetClock

    db = Database(build_engine(database_url))
    with db.engine.begin() as connection:
        if db.engine.dialect.name == "sqlite":
            connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
            for table in reversed(app.models.metadata.sorted_tables):
                connection.execute(delete(table))
        else:
            names = ", ".join(f'"{t.name}"' for t in app.models.metadata.sorted_tables)
            connection.exec_driver_sql(f"TRUNCATE {names} RESTART IDENTITY CASCADE")
    db.engine.dispose()
    return opened(database_url, valkey_url, SetClock())


AT = datetime.fromisoformat("2026-11-24T04:00:00+00:00")
MOMENTS = st.integers(0, 5).map(lambda n: AT + timedelta(seconds=n))
MARKS = st.builds(
    rules.Mark, at=MOMENTS, wanted=st.booleans(), known=st.booleans(), ours=st.booleans(),
    writing=st.sampled_from(("", "add", "remove")), missing_at=st.none() | MOMENTS,
    refused_at=st.none() | MOMENTS,
).filter(lambda m: (m.known or not m.ours) and (m.ours or m.missing_at is None))  # fmt: skip


@given(mark=MARKS, present=st.booleans(), after=MOMENTS)
def test_reading_the_same_twice_says_the_same(
    mark: rules.Mark, present: bool, after: datetime
) -> None:
    now = AT + timedelta(minutes=1)
    first = rules.reading(mark, present, after, now)
    assert first.mark is not None
    second = rules.reading(
        first.mark, present, now + timedelta(seconds=1), now + timedelta(seconds=2)
    )
    if not first.again:
        assert (second.mark, second.says) == (first.mark, first.says)
    if mark.ours and mark.missing_at is None:
        assert first.says is not rules.Says.PERSON, "ours proves nothing"
    assert first.mark.wanted == mark.wanted


@given(strengths=st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_a_tag_that_hovers_is_not_set_and_taken_away_for_ever(strengths: list[float]) -> None:
    was, changes = False, 0
    for strength in strengths:
        now = rules.should(strength, was)
        assert now or strength < rules.ON
        assert not now or strength >= rules.OFF
        changes, was = changes + (now != was), now
    inside = [s for s in strengths if rules.OFF <= s < rules.ON]
    if len(inside) == len(strengths):
        assert changes == 0
