"""How the console names contradictions, sides and verdicts of the tag court."""

from __future__ import annotations

from collections.abc import Mapping

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.court import CaseEvent, CaseState, Kind, TagCase, Verdict, Words
from app.web.console import bp

KINDS = {
    Kind.EXCLUSIVE: _l("只能有一个成立"),
    Kind.OPPOSITE: _l("两个标签相反"),
    Kind.DENIED: _l("来源说法相反"),
    Kind.NEVER_OPENED: _l("说感兴趣，从未打开"),
    Kind.SILENT: _l("说常用，从不打开"),
    Kind.UNTAGGED: _l("常打开，没有标签"),
}
STATES = {
    CaseState.OPEN: _l("待裁定"), CaseState.SETTLED: _l("已裁定"), CaseState.MOOT: _l("不再矛盾"),
}  # fmt: skip
EVENTS = {
    CaseEvent.OPENED: _l("发现矛盾"), CaseEvent.SETTLED: _l("裁定"),
    CaseEvent.UNDONE: _l("撤销裁定"),
    CaseEvent.APPEALED: _l("申诉"), CaseEvent.REOPENED: _l("有新的证据，重新裁定"),
    CaseEvent.MOOT: _l("不再矛盾"),
}  # fmt: skip
Names = Mapping[int, Words]


@bp.app_template_filter("case_kind")
def case_kind(kind: str) -> str:
    """The kind of a contradiction."""
    return str(KINDS[Kind(kind)])


@bp.app_template_filter("case_state")
def case_state(state: str) -> str:
    """Whether somebody has to decide."""
    return str(STATES[CaseState(state)])


@bp.app_template_filter("case_event")
def case_event(kind: str) -> str:
    """What happened to a case."""
    return str(EVENTS[CaseEvent(kind)])


@bp.app_template_filter("question")
def question(case: TagCase, names: Names) -> str:
    """What is to be decided, as a sentence."""
    tag, other = _name(case.tag_id, names), _name(case.other_id, names)
    return str({
        Kind.EXCLUSIVE: _("“%(tag)s”和“%(other)s”同时存在，只能有一个成立。", tag=tag, other=other),
        Kind.OPPOSITE: _("“%(tag)s”和“%(other)s”意思相反，却同时存在。", tag=tag, other=other),
        Kind.DENIED: _("“%(tag)s”：有来源说是，也有来源说不是。", tag=tag),
        Kind.NEVER_OPENED: _("销售说对“%(tag)s”感兴趣，发送的相关内容却从未打开。", tag=tag),
        Kind.SILENT: _("标签说“%(tag)s”，但发送的内容一份也没有打开。", tag=tag),
        Kind.UNTAGGED: _("经常打开“%(tag)s”的内容，但没有人贴过这个标签。", tag=tag),
    }[Kind(case.kind)])  # fmt: skip


@bp.app_template_filter("verdict_name")
def verdict_name(verdict: str, case: TagCase, names: Names) -> str:
    """A verdict as the words on its button."""
    tag, other = _name(case.tag_id, names), _name(case.other_id, names)
    said, pair = Verdict(verdict), case.other_id != 0
    if said is Verdict.NEITHER:
        return str(_("都不成立"))
    if said is Verdict.BOTH:
        return str(_("都保留") if pair else _("不矛盾，保持原样"))
    if case.kind == Kind.UNTAGGED:
        return str(
            _("加上“%(tag)s”", tag=tag) if said is Verdict.SECOND else _("不加“%(tag)s”", tag=tag)
        )
    if said is Verdict.SECOND and not pair:
        return str(_("“%(tag)s”不成立", tag=tag))
    return str(_("“%(tag)s”成立", tag=tag if said is Verdict.FIRST else other))


@bp.app_template_filter("side_name")
def side_name(place: int, case: TagCase, names: Names) -> str:
    """What stands on the left (0) or on the right (1)."""
    tag, other = _name(case.tag_id, names), _name(case.other_id, names)
    if case.other_id:
        return tag if place == 0 else other
    if case.kind == Kind.DENIED:
        return str(_("说“%(tag)s”成立", tag=tag) if place == 0 else _("说不成立"))
    if case.kind == Kind.UNTAGGED:
        return str(_("标签“%(tag)s”", tag=tag) if place == 0 else _("实际行为"))
    return str(_("说“%(tag)s”成立", tag=tag) if place == 0 else _("实际行为"))


def _name(tag_id: int, names: Names) -> str:
    return names[tag_id].name if tag_id in names else ""
