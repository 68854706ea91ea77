"""What the platforms send: sealed, in order per contact, five seconds to answer, three retries."""

from __future__ import annotations

import queue
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from xml.sax.saxutils import escape

import httpx

from app.connectors.callback_crypto import Secrets, seal
from app.sandbox.world import World

RETRIES = 3
TIMEOUT_S = 5.0

Post = Callable[[str, dict[str, str], bytes], int]
"""(path, query, body) → HTTP status; raises httpx.HTTPError."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where one platform's callbacks go, and how they are sealed."""

    path: str
    secrets: Secrets


class Callbacks:
    """Sends callbacks from one thread, so that their order is the order of events."""

    def __init__(self, world: World, post: Post, wecom: Address, oa: Address) -> None:
        self._world = world
        self._post = post
        self._addresses = {"wecom": wecom, "oa": oa}
        self._queue: queue.Queue[tuple[str, str, bytes]] = queue.Queue()
        threading.Thread(target=self._run, name="callbacks", daemon=True).start()

    def send(self, platform: str, name: str, fields: dict[str, object]) -> None:
        """Queue an event as the platform would write it."""
        body = xml(fields)
        copies = 1 + int(self._world.trouble.get("duplicates", 0))
        if self._world.trouble.get("drop"):
            self._world.note("callback", name, platform=platform, status="dropped", body=body)
            return
        for _ in range(copies):
            self._queue.put((platform, name, body.encode()))

    def wait(self) -> None:
        """Return when everything queued so far was delivered or given up."""
        self._queue.join()

    def _run(self) -> None:
        while True:
            platform, name, body = self._queue.get()
            try:
                delay = float(self._world.trouble.get("delay_s", 0))
                if delay:
                    time.sleep(delay)
                self._deliver(platform, name, body)
            finally:
                self._queue.task_done()

    def _deliver(self, platform: str, name: str, body: bytes) -> None:
        address = self._addresses[platform]
        started = time.monotonic()
        status = "unreachable"
        for _attempt in range(1 + RETRIES):
            made = seal(
                address.secrets, body, timestamp=int(self._world.now()),
                nonce=secrets.token_hex(5),
            )  # fmt: skip
            query = {
                "timestamp": made.timestamp,
                "nonce": made.nonce,
                "msg_signature": made.signature,
            }
            try:
                code = self._post(address.path, query, made.xml(address.secrets.receive_id))
                status = str(code)
            except httpx.HTTPError as problem:
                status = type(problem).__name__
            if status == "200":
                break
        took = round((time.monotonic() - started) * 1000)
        with self._world.lock:
            self._world.note(
                "callback", name, platform=platform, status=status, ms=took,
                body=body.decode(),
            )  # fmt: skip


def http_post(base_url: str) -> Post:
    """Posts to the product over HTTP."""
    client = httpx.Client(base_url=base_url, timeout=TIMEOUT_S)

    def post(path: str, query: dict[str, str], body: bytes) -> int:
        headers = {"Content-Type": "text/xml"}
        return client.post(path, params=query, content=body, headers=headers).status_code

    return post


def xml(fields: dict[str, object]) -> str:
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
