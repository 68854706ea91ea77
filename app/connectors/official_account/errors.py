"""The Official Account's error codes; the same number can mean another thing than in WeCom."""

from __future__ import annotations

from typing import Any

from app.connectors import errors as e

OUT_OF_REACH = {
    40003: "平台不认识这个 openid（属于别的公众号，或账号已注销）",
    43101: "对方没有接受订阅消息",
}
KINDS: e.Kinds = {
    -1: e.Busy,
    **dict.fromkeys((45009, 45011, 45033, 43117), e.RateLimited),
    **dict.fromkeys((40001, 40014, 42001), e.TokenExpired),
    **dict.fromkeys((40013, 40125), e.BadCredential),
    **dict.fromkeys((40164, 48001, 48002, 48004, 48006, 50001), e.NotAllowed),
    **dict.fromkeys((43004, 46004), e.PersonGone),
    **dict.fromkeys(OUT_OF_REACH, e.OutOfReach),
    **dict.fromkeys((45015, 45047), e.WindowClosed),
    **dict.fromkeys((40029, 40163, 41008, 42003), e.LoginCodeSpent),
}
# Where the secret itself is presented, 40001 speaks of the secret and not of a token.
SECRET_KINDS: e.Kinds = {**KINDS, 40001: e.BadCredential}
# Counted by the day; to one follower too often; 45033 only asks for fewer calls at once.
PAUSES_S = {45009: 3600.0, 43117: 3600.0, 45033: 5.0}


def raise_for(answer: dict[str, Any], api: str, *, with_secret: bool = False) -> None:
    """Raise the typed error of an answer whose errcode is not 0.

    `with_secret`: the call presented the app secret instead of a token.
    """
    code = e.code_in(answer, api)
    if code:
        kinds = SECRET_KINDS if with_secret else KINDS
        pause_s = PAUSES_S.get(code, 60.0)
        raise e.of_code(kinds, code, api, pause_s, OUT_OF_REACH.get(code, ""))
