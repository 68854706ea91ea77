"""What reps are told in WeCom about their physicians. `{name}` is filled in for each rep. Pure."""

from __future__ import annotations

from datetime import datetime


def meeting_answered(said: str, title: str, when: str, at: datetime) -> str:
    """With the time of the answer: the platform shows the same text once in four hours."""
    return f"【会议回复】{{name}}{said}《{title}》（{when}），{at:%H:%M} 回复。"


def meeting_changed(title: str, was: str, instead: str, *, again: bool) -> str:
    """Somebody who would come has to be told by a person; `instead` is empty when it is off,
    `again`: the page asks for another answer."""
    if not instead:
        return f"【会议取消】{{name}}答应参加《{title}》（{was}），邀请已撤回，请尽快转告。"
    what = f"改为：{instead}" if instead != was else "换了线上会议的链接"
    asks = "，并请对方在原来的链接上重新答复" if again else ""
    return f"【会议有变】{{name}}答应参加《{title}》（{was}），现在{what}。请尽快转告{asks}。"


def message_left(said: str) -> str:
    """What somebody wrote to the Official Account."""
    return f"【医生留言】{{name}}在公众号说：\n{said}\n请尽快回复。"


def harm_told(said: str) -> str:
    """The same when it may be about an adverse reaction."""
    return (
        f"【可能的不良反应】{{name}}在公众号说：\n{said}\n"
        "请按公司的药物警戒流程在规定时间内上报，并与医生联系。"
    )
