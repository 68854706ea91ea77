"""What a desk tells its script after a decision."""

from __future__ import annotations

from typing import Protocol

from flask import Response, jsonify

from app.web.sentences import said


class Pace(Protocol):
    """How far somebody is: cases left, decisions of the last hour and of today."""

    @property
    def left(self) -> int: ...

    @property
    def hour(self) -> int: ...

    @property
    def today(self) -> int: ...


def desk_answer(case: int | None, text: str, pace: Pace, *, sound: bool) -> Response:
    """What to say, which case it was about, and the figures."""
    return jsonify(
        sound=sound, text=said(text), case=case,
        left=pace.left, hour=pace.hour, today=pace.today,
    )  # fmt: skip
