"""How the console says the parts of an expression, and what is known of somebody about each."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.segments import Reason
from app.segments.nodes import (
    All,
    AnyOf,
    CampaignIs,
    Counted,
    FieldIs,
    ListIs,
    Node,
    Not,
    Reachable,
    SegmentIs,
    TagIs,
)
from app.segments.wording import times_words
from app.web.console import bp

JOINS = {All: _l("以下都满足"), AnyOf: _l("以下至少一条满足"), Not: _l("以下不满足")}
FLAG_NAMES = {
    "wecom": _l("企微好友"), "oa": _l("关注公众号"), "all": _l("全部医生"), "out": _l("已退订"),
    "may_wecom": _l("同意企微推送"), "may_oa": _l("同意公众号推送"),
}  # fmt: skip
FIELD_NAMES = {
    "specialty": _l("专科"), "hospital": _l("医院"), "level": _l("医院等级"),
    "department": _l("科室"), "title": _l("职称"), "city": _l("城市"), "province": _l("省份"),
    "rep": _l("代表"),
}  # fmt: skip
COUNT_WORDS = {
    "open": _l("打开"), "read": _l("读完"), "msg": _l("留言"), "recv": _l("收到"),
}  # fmt: skip
STEP_WORDS = {"got": _l("已收到"), "opened": _l("已打开"), "unopened": _l("收到而未打开")}

COLUMN_WORDS = {
    "one_id": "ONE ID", "crm_id": _l("CRM 编号"), "licence_no": _l("执业证号"),
    "unionid": "unionid", "external_userid": _l("企业微信联系人"), "phone": _l("手机号"),
}  # fmt: skip
LINE_WORDS = {
    "found": _l("找到的医生"), "not_found": _l("没有找到"), "ambiguous": _l("有歧义"),
    "duplicates": _l("重复"),
}  # fmt: skip


@bp.app_template_filter("part_words")
def part_words(reason: Reason) -> str:
    """One part of an expression, for people."""
    node = reason.node
    if isinstance(node, TagIs):
        return str(_("标签“%(name)s”的强度 ≥ %(n)s", name=node.name, n=node.at_least))
    if isinstance(node, FieldIs):
        return str(_("%(field)s = %(value)s", field=FIELD_NAMES[node.field], value=node.value))
    if isinstance(node, Counted):
        what, times = COUNT_WORDS[node.what], times_words(node)
        return str(_("近 %(days)s 天%(what)s %(times)s 次", days=node.days, what=what, times=times))
    if isinstance(node, Reachable):
        return str(FLAG_NAMES[node.channel])
    return _named(node)


@bp.app_template_filter("part_known")
def part_known(reason: Reason) -> str:
    """What is known about it of this physician; "" when the sign says it all."""
    node, known = reason.node, reason.known
    if isinstance(node, TagIs):
        return str(_("没有") if known is None else _("现在 %(n)s", n=f"{float(known):.2f}"))
    if isinstance(node, Counted):
        return str(_("%(what)s了 %(n)s 次", what=COUNT_WORDS[node.what], n=int(known or 0)))
    if isinstance(node, FieldIs) and known is not None and not reason.holds:
        return str(_("现在是 %(value)s", value=known) if known else _("没有填写"))
    return ""


def _named(node: Node) -> str:
    if isinstance(node, CampaignIs):
        return str(_("活动“%(name)s”：%(step)s", name=node.name, step=STEP_WORDS[node.step]))
    if isinstance(node, ListIs):
        return str(_("在名单“%(name)s”里", name=node.name))
    if isinstance(node, SegmentIs):
        return str(_("在人群“%(name)s”里，也就是", name=node.name))
    return str(JOINS[type(node)])
