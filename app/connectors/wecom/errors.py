"""WeCom's error codes. Source: developer.work.weixin.qq.com/document/path/90313."""

from __future__ import annotations

from typing import Any

from app.connectors import errors as e
from app.infra.errors import Permanent, Transient

ADMIN = (
    60020, 50001, 80001, 85005, 50003, 50006, 60031, 48002, 48001, 48004, 48006, 301002,
    43012, 301007, 610023, 610024,
)  # fmt: skip
KINDS: dict[int, type[Transient] | type[Permanent]] = {
    **dict.fromkeys((-1, 6000, 41063, 41079, 2000111), e.Busy),
    **dict.fromkeys((45009, 45033, 45036), e.RateLimited),
    45035: e.RecordBusy,
    **dict.fromkeys((40014, 42001), e.TokenExpired),
    41096: e.WelcomeInProgress,
    **dict.fromkeys((40001, 40013, 40091), e.BadCredential),
    **dict.fromkeys(ADMIN, e.NotAllowed),
    **dict.fromkeys((84061, 40096, 84084), e.NotAFriend),
    **dict.fromkeys((60111, 46004, 40003, 40031, 60011, 60021, 50002, 92000, 48011, 81013),
                    e.PersonGone),
    **dict.fromkeys((41050, 41051, 41053), e.WelcomeOver),
    42014: e.CardDuplicate,
}  # fmt: skip


def raise_for(answer: dict[str, Any], api: str) -> None:
    """Raise the typed error of an answer whose errcode is not 0."""
    code = int(answer.get("errcode") or 0)
    if code:
        raise e.of_code(KINDS, code, api)
