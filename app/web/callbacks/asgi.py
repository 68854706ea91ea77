"""The front door before an ASGI application: callbacks wait for their commit without a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import quote_from_bytes

from app.connectors.callback_crypto import MAX_BODY_BYTES
from app.web.callbacks import HEADERS, PREFIX, Answer, FrontDoor, Refusal, Request, check_length

BODY_WITHIN_S = 3.0
ALIVE = "/healthz"  # answered here: it must be heard while every page waits for a hung database
JSON = (b"content-type", b"application/json")
SAFE = "".join(map(chr, range(0x21, 0x7F)))  # everything that may stand in a query as it is
WIRE_HEADERS = [(name.lower().encode(), value.encode()) for name, value in HEADERS]

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[Any, Any, Any], Awaitable[None]]


class Disconnected(Exception):
    """Whoever asked has gone before the request was complete."""


class CallbacksFirst:
    """GET and POST /callbacks/<source>/<key>; everything else goes on to the application."""

    def __init__(
        self, inside: Asgi, door: FrontDoor, *, at_end: Callable[[], None] = lambda: None
    ) -> None:
        self._inside = inside
        self._door = door
        self._at_end = at_end

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http" and scope["path"] == ALIVE:
            await _send(send, 200, [JSON], b'{"status":"ok"}\n')
        elif scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            await self._inside(_in_ascii(scope), _as_coroutine(receive), send)
        else:
            await self._callback(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            ending = message["type"] == "lifespan.shutdown"
            if ending:
                await asyncio.to_thread(self._at_end)
            await send({"type": f"{message['type']}.complete"})
            if ending:
                return

    async def _callback(self, scope: Message, receive: Receive, send: Send) -> None:
        try:
            answer = await self._answer(scope, receive)
        except Disconnected:
            return
        await _send(send, answer.status, WIRE_HEADERS, answer.body)

    async def _answer(self, scope: Message, receive: Receive) -> Answer:
        try:
            body = await _body(scope, receive)
        except Refusal as refusal:
            return self._door.refused(refusal)
        address = scope["path"].removeprefix(PREFIX)
        query = scope["query_string"].decode("latin-1")
        answer = self._door.look_at(Request(address, scope["method"], query, body))
        if answer.arrival is None:
            return answer
        try:
            await self._door.intake.write_soon(answer.arrival)
        except Exception as problem:
            return self._door.failed(problem)
        return self._door.written(answer)


async def _send(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    sized = [*headers, (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": sized})
    await send({"type": "http.response.body", "body": body})


def _as_coroutine(receive: Receive) -> Receive:
    """Some servers give another awaitable, which the bridge to WSGI cannot hand to its loop."""

    async def received() -> Message:
        return await receive()

    return received


def _in_ascii(scope: Message) -> Message:
    """The bridge to WSGI takes the query as ASCII; whoever sends other bytes means these."""
    query: bytes = scope.get("query_string", b"")
    if query.isascii():
        return scope
    return {**scope, "query_string": quote_from_bytes(query, safe=SAFE).encode()}


async def _body(scope: Message, receive: Receive) -> bytes:
    for name, value in scope["headers"]:
        if name == b"content-length":
            check_length(value.decode("latin-1"))
    body: bytes = b""
    try:
        async with asyncio.timeout(BODY_WITHIN_S):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Disconnected
                body += message.get("body", b"")
                if len(body) > MAX_BODY_BYTES:
                    raise Refusal("size", 413)
                if not message.get("more_body"):
                    return body
    except TimeoutError:
        raise Refusal("slow") from None
