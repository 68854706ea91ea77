"""Talks to an ASGI application in process, message by message as a server would."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

Application = Callable[[Any, Any, Any], Awaitable[None]]


@dataclass
class Answer:
    """What came back; status 0 when nothing did."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


def ask(
    app: Application,
    method: str,
    path: str,
    query: str = "",
    pieces: Sequence[bytes | None] = (b"",),
    headers: Sequence[tuple[str, str]] = (),
) -> Answer:
    """One request whose body arrives in `pieces`; None: the client goes away there."""
    return asyncio.run(_ask(app, method, path, query, pieces, headers))


async def _ask(
    app: Application,
    method: str,
    path: str,
    query: str,
    pieces: Sequence[bytes | None],
    headers: Sequence[tuple[str, str]],
) -> Answer:
    answer, waiting = Answer(), list(pieces)

    async def receive() -> dict[str, Any]:
        if not waiting:
            await asyncio.Event().wait()  # the client says nothing more
        piece = waiting.pop(0)
        if piece is None:
            return {"type": "http.disconnect"}
        more = bool(waiting) or (len(pieces) > 1 and pieces[-1] == b"...")
        return {"type": "http.request", "body": piece, "more_body": more}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = {k.decode(): v.decode() for k, v in message["headers"]}
        else:
            answer.body += message.get("body", b"")

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method,
        "scheme": "http", "path": path, "raw_path": path.encode(), "root_path": "",
        "query_string": query.encode("latin-1"), "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers],
    }  # fmt: skip
    await app(scope, receive, send)
    return answer
