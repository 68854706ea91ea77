"""What the platforms send: sealed, in order per contact, five seconds to answer, three retries."""

from __future__ import annotations

import hashlib
import queue
import random
import secrets
import threading
import time
import zlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from xml.sax.saxutils import escape

import httpx

from app.connectors.callback_crypto import Secrets, seal
from app.sandbox.world import Json, World

RETRIES = 3
TIMEOUT_S = 5.0
REORDER_WAIT_S = 0.3
SHOWN_ENVELOPE = 400
KEPT_BACK = 20_000

Post = Callable[[str, dict[str, str], bytes], int]
"""(path, query, body) → HTTP status; raises httpx.HTTPError."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where one platform's callbacks go, and how they are sealed."""

    path: str
    secrets: Secrets


@dataclass(frozen=True, slots=True)
class Letter:
    """One event on its way; `line` is its line in the journal."""

    platform: str
    body: bytes
    line: Json


class Callbacks:
    """Sends callbacks from background threads, events of one contact always from the same one.

    Of those that the trouble switch `drop` keeps back, `release` sends what is left: late.
    """

    def __init__(
        self, world: World, post: Post, wecom: Address, oa: Address, *, lanes: int = 1
    ) -> None:
        self._world = world
        self._post = post
        self._addresses = {"wecom": wecom, "oa": oa}
        self._sent = 0
        self._kept_back: deque[Letter] = deque(maxlen=KEPT_BACK)
        self._lanes: list[queue.Queue[Letter]] = [queue.Queue() for _ in range(lanes)]
        for lane in self._lanes:
            threading.Thread(target=self._run, args=(lane,), name="callbacks", daemon=True).start()

    def send(self, platform: str, name: str, fields: Json) -> None:
        """Queue an event as the platform would write it."""
        trouble = self._world.trouble
        body = xml(fields)
        about = str(fields.get("ExternalUserID") or fields.get("FromUserName") or "")
        dropped = self._is_dropped()
        for _ in range(1 if dropped else 1 + int(trouble.get("duplicates") or 0)):
            line = self._world.note(
                "callback", name, platform=platform, about=about, body=body,
                status="dropped" if dropped else "pending",
            )  # fmt: skip
            letter = Letter(platform, body.encode(), line)
            if dropped:
                self._kept_back.append(letter)
            else:
                self._lane(about).put(letter)

    def release(self) -> int:
        """Send what was kept back, oldest first; returns how many."""
        letters = list(self._kept_back)
        self._kept_back.clear()
        for letter in letters:
            self._lane(letter.line["about"]).put(letter)
        return len(letters)

    def wait(self) -> None:
        """Return when everything queued so far was delivered or given up."""
        for lane in self._lanes:
            lane.join()

    def _lane(self, about: str) -> queue.Queue[Letter]:
        return self._lanes[zlib.crc32(about.encode()) % len(self._lanes)]

    def _is_dropped(self) -> bool:
        """`drop` is true for all, or a share 0–1; `drop_seed` chooses which. Equal worlds with
        equal seeds lose the same callbacks."""
        share = float(self._world.trouble.get("drop") or 0)
        seed = self._world.trouble.get("drop_seed", 0)
        drawn = hashlib.sha256(f"{seed} {self._sent}".encode()).digest()[0:4]
        self._sent += 1
        return int.from_bytes(drawn) < share * 2**32

    def _run(self, lane: queue.Queue[Letter]) -> None:
        while True:
            letters = [lane.get()]
            try:
                if self._world.trouble.get("reorder"):
                    letters = self._shuffled(lane, letters)
                time.sleep(float(self._world.trouble.get("delay_s") or 0))
                for letter in letters:
                    self._deliver(letter)
            finally:
                for _ in letters:
                    lane.task_done()

    def _shuffled(self, lane: queue.Queue[Letter], letters: list[Letter]) -> list[Letter]:
        """What arrives within a moment, newest first or in any order but the right one."""
        time.sleep(REORDER_WAIT_S)
        while not lane.empty():
            letters.append(lane.get())
        mixed = random.sample(letters, len(letters))
        return mixed if mixed != letters else letters[::-1]

    def _deliver(self, letter: Letter) -> None:
        address = self._addresses[letter.platform]
        started = time.monotonic()
        attempts: list[str] = []
        envelope = b""
        while len(attempts) <= RETRIES and attempts[-1:] != ["200"]:
            query, envelope = self._sealed(address, letter.body)
            attempts.append(self._try(address.path, query, envelope))
        with self._world.lock:
            letter.line.update(
                status=attempts[-1], tries=len(attempts), attempts=attempts,
                ms=round((time.monotonic() - started) * 1000),
                envelope=envelope.decode()[:SHOWN_ENVELOPE],
            )  # fmt: skip
            self._world.revision += 1

    def _sealed(self, address: Address, body: bytes) -> tuple[dict[str, str], bytes]:
        stamp, nonce = int(self._world.now()), secrets.token_hex(5)
        made = seal(address.secrets, body, timestamp=stamp, nonce=nonce)
        query = {
            "timestamp": made.timestamp,
            "nonce": made.nonce,
            "msg_signature": made.signature,
        }
        return query, made.xml(address.secrets.receive_id)

    def _try(self, path: str, query: dict[str, str], envelope: bytes) -> str:
        try:
            return str(self._post(path, query, envelope))
        except httpx.HTTPError as problem:
            return type(problem).__name__


def http_post(base_url: str) -> Post:
    """Posts to the product over HTTP."""
    client = httpx.Client(base_url=base_url, timeout=TIMEOUT_S)

    def post(path: str, query: dict[str, str], body: bytes) -> int:
        headers = {"Content-Type": "text/xml"}
        return client.post(path, params=query, content=body, headers=headers).status_code

    return post


def xml(fields: Json) -> str:
    """The inner body of an event."""
    return f"<xml>{''.join(_node(name, value) for name, value in fields.items())}</xml>"


def _node(name: str, value: object) -> str:
    if isinstance(value, dict):
        return f"<{name}>{''.join(_node(n, v) for n, v in value.items())}</{name}>"
    if isinstance(value, list):
        return "".join(_node(name, item) for item in value)
    if isinstance(value, int):
        return f"<{name}>{value}</{name}>"
    text = str(value)
    if "]]>" in text:
        return f"<{name}>{escape(text)}</{name}>"
    return f"<{name}><![CDATA[{text}]]></{name}>"
