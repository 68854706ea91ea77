"""How the console gives reasons: evidence of identity, verdicts, refusals; as template filters."""

from __future__ import annotations

from datetime import datetime

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.consent import Verdict
from app.identity import Step
from app.infra.clock import local
from app.recommend import REFUSALS
from app.tagging import Weight
from app.web.console import bp
from app.web.console.words import kind_name
from app.web.context import parts
from app.web.sentences import said

EVIDENCE = {
    "wecom.contact": _l("企业微信联系人详情"),
    "oa.user_info": _l("公众号用户信息"),
    "crm.import": _l("CRM 导入"),
    "oa.binding": _l("公众号绑定"),
}
REFUSED = {
    "content": _l("内容不合适"),
    "timing": _l("时机不合适"),
    "discussed": _l("已经沟通过"),
    "not_mine": _l("不是我的客户"),
    "other": _l("其他"),
}
APART = {"cannot_link": _l("有人判断这是两个人"), "shared": _l("这个值由多人共用")}


@bp.app_template_filter("evidence")
def evidence(step: Step) -> str:
    """One link in the chain of evidence between two identifiers."""
    if not step.kinds:
        return str(_("人工判断为同一人：%(reason)s", reason=step.note))
    one, other = map(kind_name, step.kinds)
    where = evidence_source(step.source)
    return str(_("%(where)s里，%(one)s与%(other)s同时出现", where=where, one=one, other=other))


@bp.app_template_filter("evidence_source")
def evidence_source(source: str) -> str:
    """Where a piece of evidence comes from."""
    return str(EVIDENCE.get(source, source))


@bp.app_template_filter("kept_apart")
def kept_apart(code: str) -> str:
    """Why two identifiers are not one person."""
    if code.startswith("limit:"):
        kind = kind_name(code.removeprefix("limit:"))
        return str(_("合并后一个人会有过多的%(kind)s", kind=kind))
    return str(APART.get(code, code))


@bp.app_template_filter("verdict_text")
def verdict_text(verdict: Verdict, *, names: bool = False) -> str:
    """Whether the contact is allowed; else every rule that forbids it. `names`: of the lists and
    segments, which reps do not read."""
    if verdict.allowed:
        return str(_("可联系"))
    return said(verdict.whole if names else verdict.text)


TALKS = {
    "content_read": _l("读过「%(tag)s」内容（%(when)s）"),
    "wecom_tag": _l("企微标签「%(tag)s」（%(when)s）"),
    "wecom_personal": _l("代表的企微个人标签「%(tag)s」（%(when)s）"),
    "marketing": _l("市场工具记录关注「%(tag)s」（%(when)s）"),
    "rule": _l("从近期行为看关注「%(tag)s」（%(when)s）"),
    "verdict": _l("同事核实过「%(tag)s」（%(when)s）"),
    "crm": _l("CRM 记录关注「%(tag)s」（%(when)s）"),
    "channel": _l("扫码渠道关注「%(tag)s」（%(when)s）"),
    "message": _l("主动提到「%(tag)s」（%(when)s）"),
    "person": _l("同事标注「%(tag)s」（%(when)s）"),
    "rep_feedback": _l("代表反馈：关注「%(tag)s」（%(when)s）"),
    "physician": _l("医生本人说过「%(tag)s」（%(when)s）"),
}


@bp.app_template_filter("because")
def because(weight: Weight, tag: str) -> str:
    """What one tag of a physician rests on, in a few words."""
    form = str(TALKS.get(weight.source, _l("标签「%(tag)s」（%(when)s）")))
    return form % {"tag": tag, "when": _day(weight.at)}


def _day(at: datetime) -> str:
    """今天, 昨天, or N 天前, by the calendar of China."""
    days = max(0, (local(parts().clock()).date() - local(at).date()).days)
    known = {0: _("今天"), 1: _("昨天")}
    return str(known.get(days) or _("%(n)s 天前", n=days))


@bp.app_template_filter("refusal_name")
def refusal_name(key: str) -> str:
    """Why a rep did not want a suggestion."""
    return str(REFUSED.get(key, REFUSALS.get(key, key)))


@bp.app_template_filter("titled")
def titled(title: str) -> str:
    """A content's title between the marks that titles have."""
    return str(_("《%(title)s》", title=title))
