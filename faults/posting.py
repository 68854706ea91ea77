"""Requests to the product's web processes, as a reverse proxy before them would make them."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Sequence
from urllib.parse import urlencode

from app.connectors.callback_crypto import seal
from faults import company
from faults.workload import Event

SECRETS = {"wecom": company.WECOM, "oa": company.ACCOUNT}
Line = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Web:
    """Several processes that serve the same. Connections are kept and used again.

    Every request goes to the next process in turn, and to another one at once when nobody listens.
    """

    def __init__(self, ports: Sequence[int]) -> None:
        self._ports = list(ports)
        self._idle: dict[int, list[Line]] = {port: [] for port in ports}
        self._turn = 0

    async def post(self, request: bytes) -> str:
        """The status; empty when the other side hung up. Raises OSError."""
        port, (reader, writer) = await self._connect()
        whole = False
        try:
            writer.write(request)
            status, length = await _head(reader)
            whole = length >= 0
            if length > 0:
                await reader.readexactly(length)
            return status
        except asyncio.IncompleteReadError:
            whole = False
            return ""
        finally:
            if whole:
                self._idle[port].append((reader, writer))
            else:
                writer.transport.abort()

    def hang_up(self) -> None:
        """Close what is kept."""
        for lines in self._idle.values():
            for _, writer in lines:
                writer.transport.abort()
            lines.clear()

    async def _connect(self) -> tuple[int, Line]:
        self._turn += 1
        for number in range(len(self._ports)):
            port = self._ports[(self._turn + number) % len(self._ports)]
            while self._idle[port]:
                reader, writer = self._idle[port].pop()
                if not (reader.at_eof() or writer.is_closing()):
                    return port, (reader, writer)
                writer.transport.abort()
            try:
                return port, await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                continue
        raise ConnectionRefusedError


def sealed(event: Event, clock_ahead_s: float = 0.0) -> bytes:
    """The request that brings an event, sealed anew as each attempt is."""
    keys = SECRETS[event.platform]
    now = int(time.time() + clock_ahead_s)
    made = seal(keys, event.body.encode(), timestamp=now, nonce=secrets.token_hex(5))
    query = urlencode(
        {"msg_signature": made.signature, "timestamp": made.timestamp, "nonce": made.nonce}
    )
    body = made.xml(keys.receive_id)
    head = (
        f"POST /callbacks/{event.platform}/main?{query} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Content-Type: text/xml\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def _head(reader: asyncio.StreamReader) -> tuple[str, int]:
    """Status and length of the body; "" and -1 when nothing came."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return "", -1
    first, *lines = head.decode("latin-1").split("\r\n")
    fields = dict(line.lower().partition(":")[::2] for line in lines if line)
    keeps = fields.get("connection", "").strip() != "close"
    length = int(fields.get("content-length", 0)) if keeps else -1
    return first.split()[1], length
