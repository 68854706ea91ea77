"""How pages say in which way something is sent, and why not in another."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.consent import Reason
from app.recommend.day.way import By
from app.web.rep import bp
from app.web.sentences import said

NAMES = {
    By.REP: _l("一对一发送"),
    By.TASK: _l("企业群发（需确认）"),
    By.ACCOUNT: _l("公众号消息"),
    By.MOMENT: _l("客户朋友圈（需确认）"),
}
WHYS = {
    "医生希望代表联系": _l("医生希望代表联系"),
    "医生希望用公众号": _l("医生希望用公众号"),
    "医生希望代表联系，现在不行": _l("医生希望代表联系，现在不行"),
    "医生希望用公众号，现在不行": _l("医生希望用公众号，现在不行"),
    "其他方式现在不行": _l("其他方式现在不行"),
    "唯一的方式": _l("唯一的方式"),
    "您的习惯": _l("您的习惯"),
    "打开率更高": _l("打开率更高"),
}
NOT_GOT = {
    "over_quota": _l("医生能收到的群发次数已用完"),
    "not_friend": _l("医生已不是您的企业微信好友"),
    "refused": _l("平台没有接受"),
}


@bp.app_template_filter("by_name")
def by_name(by: str) -> str:
    """A way's name for people."""
    return str(NAMES[By(by)]) if by else str(_("暂无可用方式"))


@bp.app_template_filter("way_why")
def way_why(why: str) -> str:
    """Why it is this way."""
    return str(WHYS.get(why, why))


@bp.app_template_filter("shut_why")
def shut_why(barrier: Reason) -> str:
    """Why it may not be this way now."""
    return said(barrier.text)


@bp.app_template_filter("not_got_why")
def not_got_why(code: str) -> str:
    """Why the physician has nothing of what was sent."""
    return str(NOT_GOT[code])
