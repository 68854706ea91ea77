"""WeCom's error codes. Source: developer.work.weixin.qq.com/document/path/90313."""

from __future__ import annotations

from typing import Any

from app.connectors import errors as e

ADMIN = (
    60020, 50001, 80001, 85005, 50003, 50006, 60031, 48002, 48001, 48004, 48006, 301002,
    43012, 301007, 610023, 610024, 40056, 41057,
)  # fmt: skip
PERSON = (
    60111, 46004, 40003, 40031, 60011, 60021, 50002, 92000, 48011, 41054, 43004, 81013, 701008,
)  # fmt: skip
KINDS: e.Kinds = {
    **dict.fromkeys((-1, 6000, 41063, 41079, 2000111), e.Busy),
    **dict.fromkeys((45009, 45033, 45036), e.RateLimited),
    45035: e.RecordBusy,
    **dict.fromkeys((40014, 42001), e.TokenExpired),
    41096: e.WelcomeInProgress,
    **dict.fromkeys((40001, 40013, 40091), e.BadCredential),
    **dict.fromkeys(ADMIN, e.NotAllowed),
    **dict.fromkeys((84061, 40096, 84084), e.NotAFriend),
    **dict.fromkeys(PERSON, e.PersonGone),
    **dict.fromkeys((49008, 40050), e.GroupGone),
    **dict.fromkeys((41050, 41051, 41053), e.WelcomeOver),
    42014: e.CardDuplicate,
    **dict.fromkeys((40029, 42003, 42022, 84014, 84015), e.LoginCodeSpent),
}
# A block of 45009 lasts as long as the quota's own window: mostly a minute, but tickets are
# counted by the hour and an app's messages by the day. 45033 only asks for fewer calls at once.
PAUSES_S = {45033: 5.0, 45036: 300.0}
QUOTA_PAUSES_S = {"get_jsapi_ticket": 3600.0, "ticket/get": 3600.0, "message/send": 3600.0}


def raise_for(answer: dict[str, Any], api: str) -> None:
    """Raise the typed error of an answer whose errcode is not 0."""
    code = e.code_in(answer, api)
    if code:
        pause_s = QUOTA_PAUSES_S.get(api, 60.0) if code == 45009 else PAUSES_S.get(code, 60.0)
        raise e.of_code(KINDS, code, api, pause_s)
