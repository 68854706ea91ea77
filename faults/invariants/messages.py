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
    for key in sorted(ours.by_key.keys() | arrived.keys()):
        _compare(found, ours, key, arrived[key], silently[key])
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
    """Our messages. `erased`: by reader, how many that may have arrived have lost their text
    since, because the reader left; whoever comes back may be told the same again. Each of them
    explains one delivery, whatever it said. `readers`: by the name under which the platform knows
    them; of who left for good nothing says any more who it was."""

    by_key: dict[tuple[str, ...], list[Message]] = field(default_factory=dict)
    erased: Counter[int | None] = field(default_factory=Counter)
    readers: dict[str, int | None] = field(default_factory=dict)
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
        elif message.may_have_arrived and row.way == Way.OA_TEXT:
            ours.erased[row.identifier_id] += 1
        if row.state in FAILED and not row.error:
            found.note("I4", "not sent, and nobody says why", f"message {row.id} ({row.way})")
    for key, mine in ours.by_key.items():
        if key[0] == "oa":
            ours.readers[key[1]] = mine[0].identifier_id
    for gone in set(ours.erased) - set(ours.readers.values()):
        ours.erased[None] += ours.erased.pop(gone)
    return ours


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


def _compare(found: Findings, ours: Ours, key: tuple[str, ...], arrived: int, dropped: int) -> None:
    mine = ours.by_key.get(key, [])
    sent = sum(row.state == State.SENT for row in mine)
    names = ", ".join(f"{row.id} {row.way} {row.state} {row.error}" for row in mine[:3])
    if sent > arrived + dropped:
        found.note("I4", "recorded as sent, never delivered", f"{names}, delivered {arrived}")
    strange = arrived - sum(row.may_have_arrived for row in mine)
    explained = _explained(ours, key, strange)
    if arrived - explained > len(mine):
        what = f"{arrived} times, messages: {names or 'none'}"
        found.note("I3", f"delivered twice ({key[0]})", what)
    elif strange > explained:
        found.note("I4", "delivered, but recorded otherwise", f"{names}, delivered {arrived}")


def _explained(ours: Ours, key: tuple[str, ...], deliveries: int) -> int:
    """So many of these deliveries were of messages that have no text any more, and count as such
    from now on."""
    if key[0] != "oa" or deliveries <= 0:
        return 0
    reader = ours.readers.get(key[1])
    number = min(deliveries, ours.erased[reader])
    ours.erased[reader] -= number
    return number


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
