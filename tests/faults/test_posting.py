"""How events are sent, and how kills are spread over them."""

from __future__ import annotations

import asyncio
import random
from types import SimpleNamespace
from typing import Any, cast

from faults.kills import _spread
from faults.outcome import Wish
from faults.posting import Web
from faults.run import Run
from tests.web.asgi_client import in_a_loop

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nsuccess"


async def post_to(answers: list[bytes], times: int) -> tuple[list[str], int]:
    """What each request was told, and over how many connections; an empty answer hangs up."""
    lines = 0
    left = iter(answers)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal lines
        lines += 1
        while await reader.readline():
            answer = next(left)
            writer.write(answer)
            if not answer:
                break
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    web = Web([server.sockets[0].getsockname()[1]])
    told = [await web.post(b"hello\n") for _ in range(times)]
    web.hang_up()
    server.close()
    return told, lines


def test_a_connection_is_used_again() -> None:
    assert in_a_loop(post_to([ANSWER] * 3, 3)) == (["200"] * 3, 1)


def test_who_hangs_up_gave_no_answer_and_the_next_request_opens_another_connection() -> None:
    assert in_a_loop(post_to([ANSWER, b"", ANSWER], 3)) == (["200", "", "200"], 2)


def test_half_an_answer_is_none() -> None:
    half = ANSWER[:-3]

    async def cut_off() -> str:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readline()
            writer.write(half)
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        told = await Web([server.sockets[0].getsockname()[1]]).post(b"hello\n")
        server.close()
        return told

    assert in_a_loop(cut_off()) == ""


def test_as_many_kills_as_were_asked_for_are_spread_over_the_events() -> None:
    run: Any = SimpleNamespace(
        wish=Wish("F1", "sqlite", 1, 1000, kills=10),
        sender=SimpleNamespace(posted={}),
        cluster=SimpleNamespace(age=0.0, rng=random.Random(1)),
    )
    is_due = _spread(cast(Run, run))
    killed_at = []
    for number in range(1000):
        run.sender.posted[number] = None
        run.cluster.age += 0.1
        if is_due():
            killed_at.append(number + 1)
    assert killed_at == [100 * n + 50 for n in range(10)]
