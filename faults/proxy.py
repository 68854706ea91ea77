"""A proxy between two unix sockets or TCP ports that can drop, delay and reset what passes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PIECE = 65536


@dataclass
class Weather:
    """`drop`: bytes vanish and new connections hang; `delay_s`: each piece waits."""

    drop: bool = False
    delay_s: float = 0.0


class Proxy:
    """`listen` → `target`, both paths of unix sockets; runs in a thread of its own."""

    def __init__(self, listen: Path, target: Path) -> None:
        self._listen, self._target = listen, target
        self.weather = Weather()
        self._open: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)

    def start(self) -> None:
        """Listen."""
        self._thread.start()
        self._do(self._serve())

    def reset(self) -> None:
        """Cut every connection."""
        self._do(self._cut())

    def stop(self) -> None:
        """Cut every connection and stop listening."""
        self._do(self._cut())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._listen.unlink(missing_ok=True)

    def _do(self, what: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(what, self._loop).result(10)

    async def _serve(self) -> None:
        self._server = await asyncio.start_unix_server(self._accept, str(self._listen))
        self._listen.chmod(0o777)

    async def _cut(self) -> None:
        for writer in list(self._open):
            transport = writer.transport
            transport.abort()
        self._open.clear()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            there, back = await asyncio.open_unix_connection(str(self._target))
        except OSError:
            writer.transport.abort()
            self._open.discard(writer)
            return
        self._open.add(back)
        await asyncio.gather(self._pump(reader, back), self._pump(there, writer))
        self._open -= {writer, back}

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while piece := await reader.read(PIECE):
                if self.weather.delay_s:
                    await asyncio.sleep(self.weather.delay_s)
                if self.weather.drop:
                    continue
                writer.write(piece)
                await writer.drain()
        writer.close()
