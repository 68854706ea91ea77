"""I1–I10, from three witnesses: the database, the platform's ledger, and the sender.

I1   acknowledged is processed, with the effect that the event must have
I2   nothing is processed twice, judged by a ledger that no unique key protects
I3   nobody gets a message twice
I4   what was not delivered is visible with a reason; what counts as sent was delivered
I5   relations and tags are those of the platform
I6   per contact in order of arrival; no member gets more than the platform lets through
I7   nothing waits: no event, no message, no run, no spilled line
I8   no personal data and no secret in logs and files
I9   the chain of the audit holds
I10  each due time of a schedule has one run
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import accounts, inbox, tagging
from app.campaigns import Schedule, ScheduleRun
from app.connectors.payload import read
from app.consent.models import ConsentEntry
from app.delivery import Dispatch, State, Way
from app.identity.models import Identifier, Kind
from app.inbox import InboxEvent
from app.journey import Touchpoint
from app.links import TrackedLink
from app.recommend import SuggestionAnswer
from app.reps import RelationState, Rep, RepContact
from app.sandbox.world import Json
from app.tagging import Source
from app.tagging.models import TagAssertion, TagSighting
from faults import company, ledger
from faults.sender import Posted
from faults.workload import EFFECTS

SHOWN = 5
RECEIVERS = {"wecom": company.CORP, "oa": company.APP}
READS_CONTACT = {"contact_edited", "contact_removed", "contact_added"}
SAME_WITHIN = timedelta(seconds=10)  # a look and a callback that far apart are one happening
PER_MINUTE = 30
PIECE = 1 << 20
EVERY_MINUTE = "* * * * *"


@dataclass(slots=True)
class Finding:
    """How often one invariant does not hold, with some examples."""

    invariant: str
    what: str
    count: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, example: str) -> None:
        """One more."""
        self.count += 1
        if len(self.examples) < SHOWN:
            self.examples.append(example)


class Findings(dict[tuple[str, str], Finding]):
    """Findings by invariant and sentence."""

    def note(self, invariant: str, what: str, example: object) -> None:
        """It does not hold here."""
        key = invariant, what
        self.setdefault(key, Finding(invariant, what)).add(str(example))

    def count(self, *invariants: str) -> int:
        """How often these do not hold."""
        return sum(found.count for (name, _), found in self.items() if name in invariants)


@dataclass(frozen=True, slots=True)
class Witnesses:
    """What is compared. `tolerated`: event kinds that may end dead (poison)."""

    session: Session
    posted: Iterable[Posted]
    deliveries: list[Json]
    world: Json
    logs: Iterable[Path]
    files: Iterable[Path]
    spill: Path
    waiting: ledger.Waiting
    now: datetime
    poison: frozenset[int] = frozenset()
    untold: frozenset[str] = frozenset()  # about whom not everything was sent


@dataclass(slots=True)
class Row:
    """An event in the inbox."""

    id: int
    partition: bytes
    state: str
    error: str
    at: datetime | None
    looked: bool  # written by a comparison of our own, whose transaction may end later


def check(seen: Witnesses) -> tuple[Findings, dict[str, Any]]:
    """What does not hold, and figures."""
    found: Findings = Findings()
    by_key = _rows(seen.session)
    figures: dict[str, Any] = {}
    figures |= _processed(found, seen, by_key)
    _once(found, seen.session, by_key)
    figures |= _deliveries(found, seen)
    figures |= _converged(found, seen)
    _in_order(found, seen, by_key)
    _nothing_waits(found, seen)
    _no_secrets(found, seen)
    broken = accounts.verify_audit(seen.session)
    if broken is not None:
        found.note("I9", "the audit chain is broken", broken)
    figures |= _schedules(found, seen)
    return found, figures


# I1, I2 -----------------------------------------------------------------------------------------


def _rows(session: Session) -> dict[bytes, Row]:
    chosen = select(
        InboxEvent.id, InboxEvent.dedupe_key, InboxEvent.partition, InboxEvent.state,
        InboxEvent.error, InboxEvent.occurred_at, InboxEvent.source,
    )  # fmt: skip
    return {
        row.dedupe_key: Row(
            row.id,
            row.partition,
            row.state,
            row.error,
            row.occurred_at,
            row.source == "reconcile",
        )
        for row in session.execute(chosen)
    }


@dataclass(frozen=True, slots=True)
class Traces:
    """Everything that events may have left behind."""

    touchpoints: set[str]
    consents: Counter[str]
    dispatches: set[str]
    answers: set[str]
    read_again: Counter[int]
    links: Counter[int]
    pulled: dict[tuple[bytes, str], list[datetime]]  # what a comparison noted, by partition, kind

    def told(self, row: Row, kind: str) -> bool:
        """True when a comparison with the platform noted this first, as the product counts it."""
        told = self.pulled.get((row.partition, kind), ())
        return row.at is not None and any(abs(at - row.at) <= SAME_WITHIN for at in told)


def _traces(session: Session) -> Traces:
    again: Counter[int] = Counter()
    for body in session.scalars(
        select(InboxEvent.body).where(
            InboxEvent.event_type == "change_external_contact/read_again", InboxEvent.body != b""
        )
    ):
        again[int(read(body).text("After").split()[0])] += 1
    links: Counter[int] = Counter(
        session.scalars(
            select(TrackedLink.suggestion_id).where(TrackedLink.suggestion_id.is_not(None))
        )
    )
    looks = select(InboxEvent.id, InboxEvent.partition).where(InboxEvent.source == "reconcile")
    looked = {f"inbox:{row.id}": row.partition for row in session.execute(looks)}
    noted = session.execute(select(Touchpoint.ref, Touchpoint.kind, Touchpoint.at)).all()
    pulled: dict[tuple[bytes, str], list[datetime]] = defaultdict(list)
    for one in noted:
        if one.ref in looked:
            pulled[looked[one.ref], one.kind].append(one.at)
    return Traces(
        {touchpoint.ref for touchpoint in noted},
        Counter(session.scalars(select(ConsentEntry.evidence))),
        set(session.scalars(select(Dispatch.dedupe_key))),
        set(session.scalars(select(SuggestionAnswer.ref))),
        again, links, pulled,
    )  # fmt: skip


def _processed(found: Findings, seen: Witnesses, by_key: Mapping[bytes, Row]) -> dict[str, Any]:
    traces = _traces(seen.session)
    lost = 0
    for posted in seen.posted:
        event = posted.event
        key = inbox.dedupe_key(event.platform, RECEIVERS[event.platform], event.body.encode())
        row, expected = by_key.get(key), EFFECTS[event.kind]
        name = f"event {event.number} ({event.kind})"
        if row is None:
            if posted.acked_at:
                lost += 1
                found.note("I1", "acknowledged and not in the inbox", name)
            continue
        if event.number in seen.poison:
            if row.state != "dead":
                found.note("I1", "a poison event is not parked", f"{name} is {row.state}")
            continue
        if row.state != expected.state:
            lost += row.state != "pending" and posted.acked_at > 0
            what = f"acknowledged and ended as {row.state}"
            if row.state == "pending":
                what = "still pending"
            if posted.acked_at:
                found.note("I1", what, f"{name}, row {row.id}: {row.error}")
            continue
        for problem in _missing(traces, row, event.code, event.body, event.kind):
            lost += 1
            found.note("I1", f"processed without its effect: {problem}", f"{name}, row {row.id}")
        for problem in _doubled(traces, row, event.kind, event.body):
            found.note("I2", f"an effect happened twice: {problem}", f"{name}, row {row.id}")
    return {"lost": lost}


def _missing(traces: Traces, row: Row, code: str, body: str, kind: str) -> Iterator[str]:
    expected, ref = EFFECTS[kind], f"inbox:{row.id}"
    if traces.told(row, kind):
        expected = replace(expected, touchpoint=False, consent=False)
    if expected.touchpoint and ref not in traces.touchpoints:
        yield "touchpoint"
    if expected.consent and not traces.consents[ref]:
        yield "consent"
    if expected.dispatch and expected.dispatch.format(ref=ref, code=code) not in traces.dispatches:
        yield "message"
    if expected.answer and ref not in traces.answers:
        yield "answer"
    if expected.read_again and not traces.read_again[row.id]:
        yield "reading the contact"
    if expected.link and not traces.links[_suggestion(body)]:
        yield "link"


def _doubled(traces: Traces, row: Row, kind: str, body: str) -> Iterator[str]:
    if traces.consents[f"inbox:{row.id}"] > 1:
        yield "consent"
    if traces.read_again[row.id] > 1:
        yield "reading the contact"
    if EFFECTS[kind].link and traces.links[_suggestion(body)] > 1:
        yield "link"


def _suggestion(body: str) -> int:
    return int(read(body.encode()).text("TaskId").rpartition("-")[2])


def _once(found: Findings, session: Session, by_key: Mapping[bytes, Row]) -> None:
    ended = Counter(event for event, state in ledger.finished(session) if state != "dead")
    for event, times in ended.items():
        if times > 1:
            found.note("I2", "an event was finished more than once", f"row {event}: {times} times")
    del by_key


# I3, I4 -----------------------------------------------------------------------------------------


def _delivery_key(line: Json) -> tuple[str, ...]:
    body, api = line["body"], line["api"]
    if api == "message/send":
        if body.get("msgtype") == "template_card":
            return "card", str(body["template_card"].get("task_id"))
        return "text", str(body.get("touser")), str((body.get("text") or {}).get("content"))
    if api == "message/update_template_card":
        return "update", str(body.get("response_code"))
    if api == "externalcontact/send_welcome_msg":
        return "welcome", str(body.get("welcome_code"))
    if api == "message/template/send":
        return "template", str(body.get("client_msg_id"))
    if api == "externalcontact/add_msg_template":
        return "task", str(body.get("sender")), str(body.get("text"))
    if "text" in body:
        return "oa", str(body.get("touser")), str(body["text"].get("content"))
    article = body["news"]["articles"][0]
    return "oa", str(body.get("touser")), str(article.get("url"))


def _dispatch_key(row: Dispatch) -> tuple[str, ...] | None:
    """What the platform would see of it; None when its payload was erased."""
    payload = row.payload
    if row.way == Way.OA_TEMPLATE:  # named after its run, also when its reader has gone
        return "template", row.dedupe_key.replace("campaign:", "yishu-").replace(":", "-")
    if not payload:
        return None
    if row.way == Way.REP_TEXT:
        return "text", payload["userid"], payload["text"]
    if row.way == Way.REP_CARD:
        return "card", str(row.task_id)
    if row.way == Way.CARD_UPDATE:
        return "update", payload["response_code"]
    if row.way == Way.WELCOME:
        return "welcome", payload["code"]
    if row.way == Way.OA_TEXT:
        return "oa", payload["openid"], payload.get("url") or payload["text"]
    return None


def _deliveries(found: Findings, seen: Witnesses) -> dict[str, Any]:
    """Messages are compared by what they say to whom, equal ones by their number."""
    by_key: dict[tuple[str, ...], list[Dispatch]] = defaultdict(list)
    erased = 0
    states: Counter[str] = Counter()
    for row in seen.session.scalars(select(Dispatch)):
        states[row.state] += 1
        key = _dispatch_key(row)
        if key is None:
            erased += 1
        else:
            by_key[key].append(row)
        if row.state in (State.UNKNOWN, State.FAILED, State.CANCELLED) and not row.error:
            found.note("I4", "not sent, and nobody says why", f"message {row.id} ({row.way})")
    arrived = Counter(_delivery_key(d) for d in seen.deliveries if not d.get("dropped"))
    dropped = sum(1 for line in seen.deliveries if line.get("dropped"))
    silently = Counter(_delivery_key(d) for d in seen.deliveries if d.get("dropped") and d["body"])
    leavers = {row[1] for row in arrived if row[0] == "oa"} - {
        key[1] for key in by_key if key[0] == "oa"
    }
    for key, times in arrived.items():
        mine = by_key.get(key, [])
        if times > len(mine) and not (key[0] == "oa" and (key[1] in leavers or erased)):
            names = ", ".join(f"{row.id} {row.state}" for row in mine) or "no message"
            found.note("I3", f"delivered twice ({key[0]})", f"{times} times, messages: {names}")
    for key, mine in by_key.items():
        _compare(found, mine, arrived[key], silently[key])
    for dispatch, times in ledger.times_sent(seen.session).items():
        if times > 1:
            found.note("I3", "recorded as sent more than once", f"message {dispatch}: {times}")
    doubled = found.count("I3")
    return {
        "messages": sum(states.values()), "delivered": sum(arrived.values()),
        "dropped by the platform": dropped, "doubled": doubled,
        **{f"messages {state}": count for state, count in sorted(states.items())},
    }  # fmt: skip


def _compare(found: Findings, mine: list[Dispatch], arrived: int, dropped: int) -> None:
    sent = sum(row.state == State.SENT for row in mine)
    maybe = sum(row.state in (State.SENT, State.UNKNOWN, State.SENDING) for row in mine)
    maybe += sum(row.state == State.QUEUED and row.maybe_sent for row in mine)
    names = ", ".join(f"{row.id} {row.way} {row.state} {row.error}" for row in mine[:3])
    if sent > arrived + dropped:
        found.note("I4", "recorded as sent, never delivered", f"{names}, delivered {arrived}")
    if maybe < arrived <= len(mine):  # more than that is a double
        found.note("I4", "delivered, but recorded otherwise", f"{names}, delivered {arrived}")


# I5 ---------------------------------------------------------------------------------------------


def _converged(found: Findings, seen: Witnesses) -> dict[str, Any]:
    known = _contacts_to_compare(seen)
    ours = _relations(seen.session)
    names = {
        tag["id"]: _meaning(seen, tag["name"])
        for group in seen.world["corp_tags"]
        for tag in group["tags"]
    }
    carried = _tags(seen.session)
    compared = 0
    for side in seen.world["relations"]:
        pair = side["userid"].lower(), side["external_userid"]
        if pair[1] not in known:
            continue
        compared += 1
        row = ours.get(pair)
        alive = not side["removed_by"]
        if alive is not (row is not None and row.state == RelationState.CONNECTED):
            state = row.state if row else "missing"
            found.note("I5", "a relation is not the platform's", f"{pair}: {state}, {side}"[:300])
        elif alive and row is not None:
            if (row.remark or "") != side["remark"]:
                found.note("I5", "a remark is not the platform's", f"{pair}")
            wanted = {names[tag] for tag in side["tag_ids"]}
            if carried[row.rep_id, row.identifier_id] != wanted:
                found.note("I5", "tags are not the platform's", f"{pair}: {side['tag_ids']}")
    return {"relations compared": compared}


def _contacts_to_compare(seen: Witnesses) -> set[str]:
    """Contacts that the product was told to read, and about whom no news was refused."""
    told, never = set(), set()
    for posted in seen.posted:
        event = posted.event
        if not event.about.startswith("wmfault"):
            continue
        if not posted.acked_at:
            never.add(event.about)
        elif event.kind in READS_CONTACT:
            told.add(event.about)
    return told - never - seen.untold


def _relations(session: Session) -> dict[tuple[str, str], RepContact]:
    rows = session.execute(
        select(RepContact, Rep.userid, Identifier)
        .join(Rep, Rep.id == RepContact.rep_id)
        .join(Identifier, Identifier.id == RepContact.identifier_id)
        .where(Identifier.kind == Kind.WECOM_EXTERNAL_USERID)
    )
    return {(userid, identifier.value): contact for contact, userid, identifier in rows}


def _meaning(seen: Witnesses, name: str) -> str:
    tag = tagging.map_name(seen.session, Source.WECOM_TAG, name, seen.now)
    return f"tag {tag.id}" if tag else f"name {name.lower()}"


def _tags(session: Session) -> dict[tuple[int, int], set[str]]:
    carried: dict[tuple[int, int], set[str]] = defaultdict(set)
    for row in session.scalars(
        select(TagAssertion).where(
            TagAssertion.source == Source.WECOM_TAG, TagAssertion.superseded_at.is_(None)
        )
    ):
        carried[int(row.ref.split(":")[1]), row.identifier_id].add(f"tag {row.tag_id}")
    for seen in session.scalars(select(TagSighting).where(TagSighting.source == Source.WECOM_TAG)):
        carried[int(seen.scope.split(":")[1]), seen.identifier_id].add(f"name {seen.raw}")
    return carried


# I6, I7 -----------------------------------------------------------------------------------------


def _in_order(found: Findings, seen: Witnesses, by_key: Mapping[bytes, Row]) -> None:
    partitions = {row.id: row.partition for row in by_key.values() if not row.looked}
    last: dict[bytes, int] = {}
    for event, state in ledger.finished(seen.session):
        if state == "dead" or event not in partitions:
            continue
        partition = partitions[event]
        if event < last.get(partition, 0):
            found.note("I6", "a later event of the contact was finished first", f"row {event}")
        last[partition] = max(event, last.get(partition, 0))
    for member, times in _to_members(seen.deliveries).items():
        for first, following in zip(times, times[PER_MINUTE:], strict=False):
            if following - first < 60:
                found.note("I6", f"more than {PER_MINUTE} messages a minute to a member", member)


def _to_members(deliveries: list[Json]) -> dict[str, list[float]]:
    times: dict[str, list[float]] = defaultdict(list)
    for line in sorted(deliveries, key=lambda line: float(line["at"])):
        if line["api"] == "message/send" and line["body"]:
            times[str(line["body"].get("touser"))].append(line["at"])
    return times


def _nothing_waits(found: Findings, seen: Witnesses) -> None:
    for name in ("events", "sending", "queued", "postponed", "runs"):
        count = getattr(seen.waiting, name)
        if count:
            found.note("I7", f"{name} still wait", count)
    if seen.spill.exists():
        for path in seen.spill.rglob("*"):
            if path.is_file() and path.stat().st_size and path.suffix != ".lock":
                found.note("I7", "the spill is not empty", f"{path.name}: {path.stat().st_size}")


# I8, I10 ----------------------------------------------------------------------------------------


def _no_secrets(found: Findings, seen: Witnesses) -> None:
    wanted = [text.encode() for text in company.secrets_to_look_for()]
    wanted.append(company.MARK.encode("unicode_escape"))
    for kind, paths in (("a log", seen.logs), ("a file", seen.files)):
        for path in paths:
            for needle in _held(path, wanted):
                found.note("I8", f"{kind} holds personal data or a secret",
                           f"{path}: {needle.decode()}")  # fmt: skip


def _held(path: Path, wanted: list[bytes]) -> set[bytes]:
    found: set[bytes] = set()
    try:
        with path.open("rb") as file:
            before = b""
            while piece := file.read(PIECE):
                text = before + piece
                found |= {one for one in wanted if one in text and _stands_alone(one, text)}
                before = piece[-100:]
    except OSError:
        return set()
    return found


def _stands_alone(needle: bytes, text: bytes) -> bool:
    """False when digits are only a piece of a longer number."""
    if not needle.isdigit():
        return True
    return re.search(rb"(?<![\d.])" + needle + rb"(?!\d)", text) is not None


def _schedules(found: Findings, seen: Witnesses) -> dict[str, Any]:
    runs = 0
    for schedule in seen.session.scalars(select(Schedule).where(Schedule.kind == "campaign")):
        rows = list(
            seen.session.scalars(select(ScheduleRun).where(ScheduleRun.schedule_id == schedule.id))
        )
        runs += len(rows)
        for row in rows:
            if row.state == "failed":
                found.note("I10", "a run failed", f"run {row.id}: {row.error}")
        had = Counter(row.due_at for row in rows)
        for due_at, times in had.items():
            if times > 1:
                found.note("I10", "a due time has two runs", due_at)
        by_cron = [due_at for due_at in had if not (due_at.second or due_at.microsecond)]
        if schedule.catch_up == "all" and by_cron:  # the others were started by hand
            for due_at in _due(schedule.cron, min(by_cron), schedule.watermark):
                if due_at not in had:
                    found.note("I10", "a due time has no run", f"{due_at} {schedule.cron}")
    return {"runs": runs}


def _due(cron: str, first: datetime, until: datetime) -> list[datetime]:
    """Due times of the two forms that fault runs use: every minute, every second hour."""
    step = timedelta(minutes=1) if cron == EVERY_MINUTE else timedelta(hours=2)
    moment = first.astimezone(UTC)
    found = []
    while (moment := moment + step) <= until:
        found.append(moment)
    return found
