"""The job of the peer in `sends.py`: what one writes first. One message, one post."""

from __future__ import annotations

import httpx


def post(url: str, body: dict[str, object]) -> None:
    """Send it; nothing is written down, nothing is limited, a crash loses it."""
    answer = httpx.post(url, json=body, timeout=30).json()
    if answer["errcode"]:
        raise RuntimeError(answer["errcode"])
