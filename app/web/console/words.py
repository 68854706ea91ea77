"""How the console says times, kinds and sources; registered as template filters."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.campaigns import CatchUp, Schedule
from app.infra.clock import local
from app.journey import BY_HAND, Entry, Happened
from app.web import language
from app.web.console import bp
from app.web.console.menu import role_name
from app.web.context import parts

WEEKDAYS = "一二三四五六日"
KINDS = {
    "licence_no": _l("执业证号"),
    "crm_id": _l("CRM 编号"),
    "unionid": _l("微信开放平台账号"),
    "wecom_external_userid": _l("企业微信联系人"),
    "openid": _l("公众号粉丝"),
    "phone": _l("手机号"),
    "device": _l("设备"),
}


@bp.app_template_filter("moment")
def moment(at: datetime | None) -> str:
    """`11月23日 周一 10:00` in China; relative within a day."""
    if at is None:
        return "—"
    now = parts().clock()
    age = (now - at).total_seconds()
    if 0 <= age < 60:
        return str(_("刚刚"))
    if 0 <= age < 3600:
        return str(_("%(n)s 分钟前", n=int(age // 60)))
    if 0 <= age < 86400:
        return str(_("%(n)s 小时前", n=int(age // 3600)))
    return china(at)


@bp.app_template_filter("china")
def china(at: datetime) -> str:
    """`11月23日 周一 10:00` in China, never relative."""
    here = local(at)
    if language.choose() == language.ENGLISH:
        return f"{here:%a %-d %b}{_year(at, ' ')} {here:%H:%M}"
    return f"{_year(at)}{here.month}月{here.day}日 周{WEEKDAYS[here.weekday()]} {here:%H:%M}"


def _year(at: datetime, before: str = "") -> str:
    """The year when it is not this one."""
    here = local(at)
    if here.year == local(parts().clock()).year:
        return ""
    return f"{before}{here.year}" if before else f"{here.year}年"


@bp.app_template_filter("thousands")
def thousands(number: float | None) -> str:
    """`12,480`."""
    return "—" if number is None else f"{number:,}"


@bp.app_template_filter("percent")
def percent(share: float | None) -> str:
    """`12.5%` of a share 0–1."""
    return "—" if share is None else f"{share * 100:.1f}%"


@bp.app_template_filter("kind_name")
def kind_name(kind: str) -> str:
    """The name of an identifier kind."""
    return str(KINDS.get(kind, kind))


@bp.app_template_filter("hidden")
def hidden(value: str) -> str:
    """An identifier's value with its middle masked."""
    if len(value) <= 6:
        return value[:1] + "***"
    return f"{value[:3]}****{value[-4:]}"


@bp.app_template_filter("happened")
def happened(entry: Entry) -> str:
    """A touchpoint as a sentence."""
    detail = entry.detail
    channel = detail.get("channel")
    text = {
        Happened.CONTACT_ADDED: _("添加了代表"),
        Happened.CONTACT_REMOVED: _("与代表解除了好友"),
        Happened.FOLLOWED: _("关注了公众号"),
        Happened.UNFOLLOWED: _("取消关注了公众号"),
        Happened.CODE_SCANNED: _("扫描了二维码"),
        Happened.MENU_USED: _("使用了公众号菜单"),
        Happened.MESSAGE_RECEIVED: _("发来消息"),
        Happened.MESSAGE_SENT: _("收到消息"),
        Happened.CONTENT_SENT: _("收到内容"),
        Happened.CONTENT_OPENED: _("打开了内容"),
        Happened.CONTENT_READ: _("读完了内容"),
        Happened.CONSENT_CHANGED: _("更改了许可"),
        Happened.TAGGED: _("被打上标签"),
        Happened.GROUP_JOINED: _("加入了客户群"),
        Happened.ACQUIRED: _("通过获客链接进入"),
        Happened.MEETING_ACCEPTED: _("答应参加会议"),
        Happened.MEETING_DECLINED: _("谢绝了会议"),
        Happened.MEETING_ATTENDED: _("参加了会议"),
    }[entry.kind]
    if detail.get(BY_HAND):
        text = _("交给代表转发的内容")
    if channel:
        return str(_("%(what)s（%(where)s）", what=text, where=channel))
    return str(text)


SOURCES = {
    "wecom_tag": _l("企微标签"),
    "wecom_personal": _l("企微个人标签"),
    "marketing": _l("市场工具"),
    "rule": _l("自动标签"),
    "verdict": _l("仲裁"),
    "channel": _l("渠道"),
    "crm": "CRM",
    "content_read": _l("阅读行为"),
    "message": _l("留言"),
    "person": _l("人工"),
    "rep_feedback": _l("代表反馈"),
    "physician": _l("医生本人"),
}


@bp.app_template_filter("source_name")
def source_name(source: str) -> str:
    """Where an assertion came from."""
    return str(SOURCES.get(source, source))


STATES = {
    "planned": _l("待送达"),
    "delivered": _l("已送达"),
    "adopted": _l("已采用"),
    "later": _l("稍后"),
    "refused": _l("不合适"),
    "expired": _l("已过期"),
    "cancelled": _l("已取消"),
    "queued": _l("排队"),
    "sending": _l("发送中"),
    "sent": _l("已发送"),
    "failed": _l("失败"),
    "unknown": _l("未知"),
    "pending": _l("待处理"),
    "done": _l("完成"),
    "dead": _l("死信"),
    "dropped": _l("已放弃"),
    "due": _l("待执行"),
    "missed": _l("错过"),
    "draft": _l("草稿"),
    "in_review": _l("待审批"),
    "approved": _l("已批准"),
    "withdrawn": _l("已撤回"),
    "active": _l("进行中"),
    "paused": _l("已暂停"),
    "finished": _l("已结束"),
    "connected": _l("已互加"),
    "one_sided": _l("单向"),
    "removed_by_rep": _l("代表已删除"),
    "removed_by_physician": _l("医生已删除"),
}
TONES = {
    "approved": "good", "done": "good", "sent": "good", "adopted": "good", "active": "good",
    "connected": "good", "in_review": "wait", "pending": "wait", "queued": "wait",
    "paused": "wait", "unknown": "wait", "missed": "wait", "proposed": "wait", "open": "wait",
    "live": "good",
    "later": "wait", "dead": "bad", "failed": "bad",
    "withdrawn": "bad", "refused": "bad", "delivered": "brand",
}  # fmt: skip


@bp.app_template_filter("state_name")
def state_name(state: str) -> str:
    """A state's name for people."""
    return str(STATES.get(state, state))


@bp.app_template_filter("tone")
def tone(state: str) -> str:
    """The badge colour of a state."""
    return TONES.get(state, "")


CATCH_UPS = {
    CatchUp.LAST: _l("只补执行最近一次"),
    CatchUp.SKIP: _l("不补执行"),
    CatchUp.ALL: _l("逐次补执行"),
}


@bp.app_template_filter("catch_up_words")
def catch_up_words(schedule: Schedule) -> str:
    """What happens to missed times, as a sentence."""
    if schedule.catch_up == CatchUp.ALL:
        return str(
            _("错过执行时间后逐次补执行，最多 %(n)s 次，更早的记为“错过”", n=schedule.max_catch_up)
        )
    if schedule.catch_up == CatchUp.SKIP:
        return str(_("错过执行时间超过 10 分钟就不再执行，记为“错过”"))
    return str(_("错过执行时间后只补执行最近一次，更早的记为“错过”"))


@bp.app_template_filter("span")
def span(length: timedelta) -> str:
    """`3 小时` or `25 分钟`."""
    minutes = int(length.total_seconds() // 60)
    if minutes < 120:
        return str(_("%(n)s 分钟", n=minutes))
    if minutes < 2880:
        return str(_("%(n)s 小时", n=minutes // 60))
    return str(_("%(n)s 天", n=minutes // 1440))


@bp.app_template_filter("clock")
def clock(at: datetime) -> str:
    """`10:02` in China."""
    return f"{local(at):%H:%M}"


@bp.app_template_filter("clock_seconds")
def clock_seconds(at: datetime) -> str:
    """`10:02:31` in China."""
    return f"{local(at):%H:%M:%S}"


LEFT_OUT = {
    "cap": _l("已达频次"),
    "no_consent": _l("未同意"),
    "opted_out": _l("已退订"),
    "no_rep": _l("没有可联系的代表"),
    "rep_left": _l("离职代表"),
    "not_connected": _l("非好友"),
    "no_content": _l("没有合适或未看过的内容"),
    "not_following": _l("未关注公众号"),
    "quiet_hours": _l("免打扰时段"),
    "content": _l("内容不可用"),
    "not_last_chat": _l("最近沟通的是另一位代表"),
    "platform_quota": _l("本月群发已达平台上限"),
    "window_closed": _l("48 小时内没有给公众号留言"),
    "task_today": _l("今天已经群发过一次"),
    "replies_used": _l("公众号的回复次数已用完"),
    "moments_used": _l("本月朋友圈已达上限"),
    "daily_limit": _l("代表近期的建议已满"),
    "suggested_lately": _l("刚建议过，等代表处理"),
    "had_it_already": _l("已收到过这份内容"),
    "passed_over": _l("代表最近没有处理或拒绝了这份内容"),
    "too_late": _l("错过当天的时间"),
    "other_rep": _l("今天由另一位代表联系"),
    "saved": _l("本周联系名额留给更合适的内容"),
    "rest_day": _l("当天是法定节假日或周末"),
    "held": _l("在对照组，两周内只建议安全性信息"),
    "used_up": _l("合适的内容在今天的清单里已用满"),
    "outranked": _l("名额给了更合适的医生"),
    "unasked": _l("名额已满，没有再逐一检查"),
    "split": _l("身份已拆分，内容是按拆分前的医生选的"),
    "erased": _l("医生的资料已删除"),
    "scope": _l("不在代表负责的产品范围内"),
    "licence": _l("只发给已核实执业证号的医生"),
    "place": _l("不面向医生所在的地区"),
    "specialty": _l("不面向医生的专科"),
    "terms_unknown": _l("无法确认内容面向哪些医生"),
    "not_mine": _l("代表说不是自己的客户"),
    "unwanted": _l("医生不希望由这位代表联系"),
    "unwanted_topic": _l("医生不希望收到该主题"),
    "wished_pace": _l("医生希望少联系，还没到时间"),
    "suppressed": _l("在排除名单里"),
    "suppression_unknown": _l("排除名单无法计算，全部不发"),
}


@bp.app_template_filter("left_out")
def left_out(reason: str) -> str:
    """Why somebody was left out of a plan."""
    if reason.startswith("rule:"):
        return str(_("市场规则 %(n)s 暂停推荐", n=reason.removeprefix("rule:")))
    return str(LEFT_OUT.get(reason, reason))


bp.add_app_template_filter(role_name, "role_name")


@bp.app_template_filter("owner_name")
def owner_name(owner: str) -> str:
    """Who is responsible for a tag."""
    names: dict[str, str] = {
        "sales": _("销售"), "marketing": _("市场"), "medical": _("医学"), "system": _("系统"),
    }  # fmt: skip
    return names.get(owner, owner)
