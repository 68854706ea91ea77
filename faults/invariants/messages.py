"""I3, I4, I6: nobody gets a message twice or too many; what was not sent says why."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from app.delivery import Dispatch, State, Way
from app.sandbox.world import Json
from faults import ledger
from faults.invariants.findings import Findings, Witnesses

PER_MINUTE = 30
FAILED = (State.UNKNOWN, State.FAILED, State.CANCELLED)


def check(found: Findings, seen: Witnesses) -> dict[str, Any]:
    """Compare messages with deliveries by what they say to whom, equal ones by their number."""
    ours = _ours(found, seen)
    arrived = Counter(_delivery_key(d) for d in seen.deliveries if not d.get("dropped"))
    silently = Counter(_delivery_key(d) for d in seen.deliveries if d.get("dropped") and d["body"])
    _not_twice(found, ours, arrived)
    for key, mine in ours.by_key.items():
        erased = ours.erased[mine[0].identifier_id] if key[0] == "oa" else 0
        _compare(found, mine, arrived[key], silently[key], erased)
    for dispatch, times in ledger.times_sent(seen.session).items():
        if times > 1:
            found.note("I3", "recorded as sent more than once", f"message {dispatch}: {times}")
    _not_too_many(found, seen.deliveries)
    return {
        "messages": sum(ours.states.values()), "delivered": sum(arrived.values()),
        "dropped by the platform": sum(1 for line in seen.deliveries if line.get("dropped")),
        "doubled": found.count("I2", "I3"),
        **{f"messages {state}": count for state, count in sorted(ours.states.items())},
    }  # fmt: skip


@dataclass(slots=True)
class Message:
    """What is compared of a message; its payload is too much for a hundred thousand."""

    id: int
    way: str
    state: str
    error: str
    maybe_sent: bool
    identifier_id: int | None

    @property
    def may_have_arrived(self) -> bool:
        """True when a delivery of it contradicts nothing."""
        known = self.state in (State.SENT, State.UNKNOWN, State.SENDING)
        return known or (self.state == State.QUEUED and self.maybe_sent)


@dataclass(slots=True)
class Ours:
    """Our messages. `erased`: by reader, how many that may have arrived have lost their payload
    since, because the reader left; whoever comes back may be told the same again."""

    by_key: dict[tuple[str, ...], list[Message]] = field(default_factory=dict)
    erased: Counter[int | None] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)


def _ours(found: Findings, seen: Witnesses) -> Ours:
    ours = Ours()
    columns = (Dispatch.id, Dispatch.way, Dispatch.state, Dispatch.error, Dispatch.maybe_sent,
               Dispatch.dedupe_key, Dispatch.task_id, Dispatch.payload,
               Dispatch.identifier_id)  # fmt: skip
    for row in seen.session.execute(select(*columns).execution_options(yield_per=1000)):
        ours.states[row.state] += 1
        message = Message(row.id, row.way, row.state, row.error, row.maybe_sent, row.identifier_id)
        key = _dispatch_key(row)
        if key is not None:
            ours.by_key.setdefault(key, []).append(message)
        elif message.may_have_arrived:
            ours.erased[row.identifier_id] += 1
        if row.state in FAILED and not row.error:
            found.note("I4", "not sent, and nobody says why", f"message {row.id} ({row.way})")
    return ours


def _not_twice(found: Findings, ours: Ours, arrived: Counter[tuple[str, ...]]) -> None:
    readers = {key[1]: mine[0].identifier_id for key, mine in ours.by_key.items() if key[0] == "oa"}
    for key, times in arrived.items():
        mine = ours.by_key.get(key, [])
        erased = 0
        if key[0] == "oa":  # of whoever left for good nothing says any more who it was
            one = readers.get(key[1])
            erased = ours.erased[one] if one is not None else sum(ours.erased.values())
        if times > len(mine) + erased:
            names = ", ".join(f"{row.id} {row.state}" for row in mine) or "no message"
            found.note("I3", f"delivered twice ({key[0]})", f"{times} times, messages: {names}")


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


def _dispatch_key(row: Any) -> tuple[str, ...] | None:
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


def _compare(found: Findings, mine: list[Message], arrived: int, dropped: int, erased: int) -> None:
    """`erased`: so many of the same reader's deliveries have no text of ours any more."""
    sent = sum(row.state == State.SENT for row in mine)
    maybe = sum(row.may_have_arrived for row in mine) + erased
    names = ", ".join(f"{row.id} {row.way} {row.state} {row.error}" for row in mine[:3])
    if sent > arrived + dropped:
        found.note("I4", "recorded as sent, never delivered", f"{names}, delivered {arrived}")
    if maybe < arrived <= len(mine):  # more than that is a double
        found.note("I4", "delivered, but recorded otherwise", f"{names}, delivered {arrived}")


def _not_too_many(found: Findings, deliveries: list[Json]) -> None:
    for member, times in _to_members(deliveries).items():
        for first, following in zip(times, times[PER_MINUTE:], strict=False):
            if following - first < 60:
                found.note("I6", f"more than {PER_MINUTE} messages a minute to a member", member)


def _to_members(deliveries: list[Json]) -> dict[str, list[float]]:
    times: dict[str, list[float]] = defaultdict(list)
    for line in sorted(deliveries, key=lambda line: float(line["at"])):
        if line["api"] == "message/send" and line["body"]:
            times[str(line["body"].get("touser"))].append(line["at"])
    return times
