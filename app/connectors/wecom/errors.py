"""WeCom's error codes. Source: developer.work.weixin.qq.com/document/path/90313."""

from __future__ import annotations

from typing import Any

from app.connectors import errors as e

ADMIN = (
    60020, 50001, 80001, 85005, 50003, 50006, 60031, 48002, 48001, 48004, 48006, 301002,
    43012, 301007, 610023, 610024, 40056, 41057,
)  # fmt: skip
NOT_IN_SCOPE = "不在应用的可见范围内，请管理员检查"
OUT_OF_REACH = {
    40096: "平台不认识这个客户编号，或其跟进人不在应用的可见范围内",
    41054: "成员尚未激活企业微信",
    43004: "成员未绑定微信插件",
    48011: "成员活跃度不足，平台暂不提供其客户数据",
    81013: "收件人全部无效或无权限",
    84084: "成员不是这位客户的跟进人，或没有客户联系权限",
    701008: "成员没有企业微信接口许可",
    **dict.fromkeys((50002, 60011, 60021, 92000), f"成员{NOT_IN_SCOPE}"),
}
KINDS: e.Kinds = {
    **dict.fromkeys((-1, 6000, 41063, 41079, 2000111), e.Busy),
    **dict.fromkeys((45009, 45033, 45036), e.RateLimited),
    45035: e.RecordBusy,
    **dict.fromkeys((40014, 42001), e.TokenExpired),
    41096: e.WelcomeInProgress,
    **dict.fromkeys((40001, 40013, 40091), e.BadCredential),
    **dict.fromkeys(ADMIN, e.NotAllowed),
    84061: e.NotAFriend,
    **dict.fromkeys((60111, 46004, 40003, 40031), e.PersonGone),
    **dict.fromkeys(OUT_OF_REACH, e.OutOfReach),
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
        raise e.of_code(KINDS, code, api, pause_s, OUT_OF_REACH.get(code, ""))
