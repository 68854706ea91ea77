"""Receive, repeat, reorder, drain, crash, send, time out, tick, withdraw: in any order.

The real inbox, workers and flows run against the simulated platforms in one thread; `model.py`
says what must hold. Stories of 50 steps are made ten at a time, each ten from a seed of their own,
until 200 are told or patience (`PATIENCE_S`) is over. `PROOF_EXAMPLES` asks for that many stories
however long they take, `PROOF_SEED` says where the seeds begin. A failing story is printed as code
that can be pasted, as it was found: making it smaller takes minutes.
"""

from __future__ import annotations

import os
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

import app.models
from app import delivery
from app.content.models import ContentVersion
from app.delivery import Dispatch, State, Way
from app.facts import Fact
from app.flows import Flow, Received, flow_for
from app.flows.campaigns.withdraw_content import withdraw_content
from app.inbox import State as Inbox
from app.inbox import replay
from app.infra import crashpoint, log
from app.infra.db import Database, build_engine
from app.tagging.models import UnmappedName
from tests.pooled import Pool
from tests.stateful import model as rules
from tests.stateful.company import (
    Killed,
    Letter,
    Platforms,
    furnish,
    product,
    receive,
    settings_for,
)
from tests.stateful.model import Model
from workers import reading
from workers.drain import drain_inbox
from workers.planning import run_due
from workers.sending import send_due
from workers.sweeping import mend, tick

ASKED = os.environ.get("PROOF_EXAMPLES")
EXAMPLES = int(ASKED or 200)
PATIENCE_S = {"sqlite": 20.0, "postgresql": 13.0}
BATCH = 10
SEED = int(os.environ.get("PROOF_SEED", "1"))
STEPS = 50
HEALING_ROUNDS = 60
REPS, PERSONS = st.sampled_from(["rep01", "rep02"]), st.sampled_from(["wang", "li"])
ALIVE = st.sampled_from([""])
MAY_DIE = {
    "ack": st.sampled_from(["", "", "", "ack.opened", "ack.inserted", "ack.committed"]),
    "drain": st.sampled_from(
        ["", "", "", "", "drain.claimed", "drain.prepared", "drain.applied", "drain.committed"]
    ),
    "send": st.sampled_from(
        ["", "", "", "", "send.claimed", "send.called", "send.recorded", "send.committed"]
    ),
    "tick": st.sampled_from(["", "", "", "tick.written", "tick.committed"]),
    "run": st.sampled_from(["", "", "", "run.begun", "run.planned", "run.committed"]),
}
TROUBLES: tuple[dict[str, Any], ...] = (
    {"cut_after_effect": True},
    {"outage": "503"},
    {"errcodes": {"message/send": {"errcode": 45009, "times": 1}}},
    {"errcodes": {"message/send": {"errcode": -1, "times": 2}}},
    {"errcodes": {"externalcontact/get": {"errcode": 45033, "times": 1}}},
    {"errcodes": {"message/send": {"errcode": 42001, "times": 1}}},
)

NewDatabase = Callable[[], Any]
done: Counter[str] = Counter()


class Company(RuleBasedStateMachine):
    """One database, one pair of platforms, and everything that can happen to them."""

    new_database: NewDatabase
    platforms: Platforms

    @initialize()
    def open(self) -> None:
        """An empty company with one hourly push."""
        self.stack = ExitStack()
        self.platforms.reset()
        self.world, self.clock, self.post = (
            self.platforms.world, self.platforms.clock, self.platforms.post,
        )  # fmt: skip
        self.parts = self.stack.enter_context(
            product(self.stack.enter_context(self.new_database()), self.platforms)
        )
        self.model = Model()
        self.delivered: list[Letter] = []
        self.touched = True  # by the product; the world alone breaks no promise
        done["examples"] += 1

    # what the world does ------------------------------------------------------------------------

    @rule(userid=REPS, person=PERSONS)
    def becomes_contact(self, userid: str, person: str) -> None:
        self.platforms.do("add_contact", userid=userid, person=person)

    @rule(userid=REPS, person=PERSONS, by=st.sampled_from(["rep", "physician"]))
    def leaves(self, userid: str, person: str, by: str) -> None:
        self.platforms.do("delete_contact", userid=userid, person=person, by=by)
        self.clock.tick(seconds=1)  # nobody deletes and adds again within one second of the events

    @rule(userid=REPS, person=PERSONS, tags=st.sets(st.sampled_from(["et1", "et2"])))
    def is_tagged(self, userid: str, person: str, tags: set[str]) -> None:
        self.platforms.do("edit_contact", userid=userid, person=person, tag_ids=sorted(tags))

    @rule(person=PERSONS)
    def follows(self, person: str) -> None:
        self.platforms.do("follow", person=person)

    @rule(person=PERSONS, text=st.sampled_from(["你好", "房颤", "退订", "恢复"]))
    def says(self, person: str, text: str) -> None:
        if self.world.persons[person].follows_oa:
            self.platforms.do("oa_says", person=person, text=text)

    @rule(userid=REPS, text=st.sampled_from(["你好", "列表"]))
    def rep_writes(self, userid: str, text: str) -> None:
        self.platforms.do("rep_says", userid=userid, text=text)

    @rule(which=st.integers(0, 9), key=st.sampled_from(["adopt", "later", "refuse", "why"]))
    def taps(self, which: int, key: str) -> None:
        cards = sorted(self.world.cards)
        if cards:
            self.platforms.do("tap_card", task_id=cards[which % len(cards)], key=key)

    @rule(span=st.sampled_from([1, 5, 30, 120, 900, 3600]))
    def time_passes(self, span: int) -> None:
        self.clock.tick(seconds=span)

    @rule(trouble=st.sampled_from(TROUBLES))
    def platforms_have_trouble(self, trouble: dict[str, Any]) -> None:
        self.world.trouble = {
            **trouble,
            "errcodes": {k: dict(v) for k, v in trouble.get("errcodes", {}).items()},
        }

    @rule()
    def trouble_ends(self) -> None:
        self.world.trouble = {}

    # what the product does ----------------------------------------------------------------------

    @precondition(lambda self: self.post)
    @rule(which=st.integers(0, 99), die=MAY_DIE["ack"])
    def a_callback_arrives(self, which: int, die: str) -> None:
        """In whatever order; the platform keeps what was not acknowledged."""
        letter = self.post[which % len(self.post)]
        if self.lives(lambda: receive(self.parts, letter), die):
            self.post.remove(letter)
            self.model.ack(letter)
            self.delivered.append(letter)

    @precondition(lambda self: self.delivered)
    @rule(which=st.integers(0, 99))
    def a_callback_arrives_again(self, which: int) -> None:
        self.lives(lambda: receive(self.parts, self.delivered[which % len(self.delivered)]), "")

    @rule(die=MAY_DIE["drain"], limit=st.sampled_from([1, 3, 1000]))
    def a_worker_drains(self, die: str, limit: int) -> None:
        self.lives(lambda: drain_inbox(self.parts, limit=limit), die)

    @rule(die=MAY_DIE["send"], limit=st.sampled_from([1, 100]))
    def a_worker_sends(self, die: str, limit: int) -> None:
        with self.parts.db.reading() as session:
            before, blocked = rules.attempts(session), rules.blocked(session)
            withdrawn = rules.withdrawn(session)
        self.lives(lambda: send_due(self.parts, limit), die)
        with self.parts.db.reading() as session:
            for row_id, tries in rules.attempts(session).items():
                if tries > before.get(row_id, 0):
                    self.was_permitted(session.get_one(Dispatch, row_id), blocked, withdrawn)

    def was_permitted(self, row: Dispatch, blocked: set[int], withdrawn: set[int]) -> None:
        """Nothing that counts as a contact goes to who refused, or with withdrawn content."""
        if row.counts_as_contact or row.way == Way.REP_CARD:
            assert row.identifier_id not in blocked, (row.id, row.way)
        if row.counts_as_contact:
            assert row.content_version_id not in withdrawn, (row.id, row.way)

    @rule(die_draining=MAY_DIE["drain"], die_sending=MAY_DIE["send"])
    def everybody_works(self, die_draining: str, die_sending: str) -> None:
        """Most moments are like this: what was sent arrives, and workers go through it."""
        while self.post:
            self.a_callback_arrives(0, "")
        self.a_worker_drains(die_draining, 1000)
        self.a_worker_sends(die_sending, 100)

    @rule(die=MAY_DIE["tick"])
    def a_scheduler_ticks(self, die: str) -> None:
        now = self.clock()
        if self.lives(lambda: tick(self.parts), die) or die == "tick.committed":
            self.model.ticked = max(self.model.ticked, now)

    @rule(die=MAY_DIE["run"])
    def a_worker_plans(self, die: str) -> None:
        self.lives(lambda: run_due(self.parts), die)

    @rule()
    def a_sweeper_mends(self) -> None:
        self.lives(lambda: mend(self.parts), "")

    @rule()
    def content_is_withdrawn(self) -> None:
        self.touched = True
        with self.parts.db.transaction() as session:
            version = session.scalars(select(ContentVersion)).one()
            if version.stage == "approved":
                withdraw_content(session, version.id, reason="更新", now=self.clock())

    def lives(self, work: Callable[[], object], die: str) -> bool:
        """Do `work`, dying at the crash point `die`; True when it lived."""
        self.touched = True
        crashpoint._armed = die
        try:
            work()
        except Killed:
            done["crashes"] += 1
            return False
        finally:
            crashpoint._armed = ""
        return True

    # what must hold -----------------------------------------------------------------------------

    @invariant()
    def promises_are_kept(self) -> None:
        if not hasattr(self, "parts"):
            return
        done["steps"] += 1
        if self.touched:
            self.touched = False
            with self.parts.db.reading() as session:
                rules.check_always(session, self.world, self.model)

    def teardown(self) -> None:
        """Everything heals, and then everything is as if nothing had broken."""
        if not hasattr(self, "parts"):
            return
        try:
            self.heal()
        finally:
            self.stack.close()
            crashpoint._armed = ""

    def heal(self) -> None:
        """No more trouble, all callbacks come, and the workers have their time."""
        self.world.trouble = {}
        quiet = 0
        for _ in range(HEALING_ROUNDS):
            while self.post:
                letter = self.post.pop(0)
                receive(self.parts, letter)
                self.model.ack(letter)
            worked = drain_inbox(self.parts) + send_due(self.parts)
            with self.parts.db.transaction() as session:  # as a person on duty does
                worked += replay(session, self.clock(), state=Inbox.DEAD)
                waits = [
                    *session.scalars(select(Dispatch.id).where(Dispatch.state == State.SENDING))
                ]
            run_due(self.parts)
            self.clock.tick(minutes=6)
            quiet = 0 if worked or waits else quiet + 1
            if quiet > 1:
                break
        tick(self.parts)
        self.model.ticked = self.clock()
        with self.parts.db.reading() as session:
            rules.check_always(session, self.world, self.model)
            rules.check_healed(session, self.world, self.model)
            done["acknowledged"] += len(self.model.acked)
            done["sent"] += delivery.count_by_state(session)["sent"]


def with_ledger(fact: Fact) -> Flow | None:
    """The real flow, which also writes a line for each effect into the effect's transaction."""
    flow = flow_for(fact)
    if flow is None:
        return None

    def apply(session: Session, fact: Any, ready: Any, event: Received, now: datetime) -> None:
        flow.apply(session, fact, ready, event, now)
        line = {"source": rules.LEDGER, "raw": event.ref, "seen": 1, "last_at": now}
        session.execute(insert(UnmappedName).values(line))

    return Flow(flow.name, flow.prepare, apply)


@contextmanager
def copies(template: Path, folder: Path) -> Iterator[str]:
    path = folder / "yishu.db"
    for old in folder.glob("yishu.db*"):
        old.unlink()
    shutil.copy(template, path)
    yield f"sqlite:///{path}"


@contextmanager
def emptied(pool: Pool) -> Iterator[str]:
    with pool.lent() as url:
        engine = build_engine(url)
        with Database(engine).transaction() as session:
            furnish(session)
        engine.dispose()
        yield url


def furnished(url: str) -> None:
    engine = build_engine(url)
    app.models.metadata.create_all(engine)
    with Database(engine).transaction() as session:
        furnish(session)
    with engine.connect() as connection:
        connection.exec_driver_sql("COMMIT")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.exec_driver_sql("BEGIN")
    engine.dispose()


@pytest.fixture
def fast_folder(tmp_path: Path) -> Iterator[Path]:
    """In memory where there is such a folder: what is killed here is no power cut."""
    memory = Path("/dev/shm")  # a name, not a secret
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    folder = memory / f"yishu-{os.getpid()}"
    folder.mkdir()
    yield folder
    shutil.rmtree(folder)


@pytest.mark.timeout(0)
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_any_order_keeps_every_promise(
    kind: str,
    request: pytest.FixtureRequest,
    fast_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def crash() -> None:
        raise Killed

    monkeypatch.setattr(crashpoint, "_crash", crash)
    monkeypatch.setattr(reading, "flow_for", with_ledger)
    log.configure("CRITICAL")
    done.clear()
    began = time.monotonic()
    if kind == "sqlite":
        template = fast_folder / "template.db"
        furnished(f"sqlite:///{template}")
        new: NewDatabase = lambda: copies(template, fast_folder)  # noqa: E731
    else:
        pool = request.getfixturevalue("postgres_pool")
        new = lambda: emptied(pool)  # noqa: E731

    class Here(Company):
        new_database = staticmethod(new)
        platforms = Platforms(settings_for("sqlite:///nowhere.db"))

    first = SEED
    while done["examples"] < EXAMPLES and (ASKED or time.monotonic() - began < PATIENCE_S[kind]):
        print(f"seed {first}")  # shown when it fails
        run_state_machine_as_test(
            seed(first)(Here),
            settings=settings(
                max_examples=BATCH, stateful_step_count=STEPS, deadline=None, database=None,
                suppress_health_check=list(HealthCheck), phases=(Phase.generate,),
            ),
        )  # fmt: skip
        first += 1
    with capsys.disabled():
        print(
            f"\n{kind}: {dict(done)} in {time.monotonic() - began:.0f} s (seeds {SEED}–{first - 1})"
        )
