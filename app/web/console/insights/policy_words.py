"""Policies, their gate, their trial and the lift, in the words of people who plan."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.recommend.policy.lift import Lift
from app.recommend.policy.policies import Settings
from app.recommend.policy.policy_models import Policy
from app.web.console import bp
from app.web.console.words import percent

STATES = {
    "draft": _l("草稿"), "asked": _l("正在评估"), "failed": _l("未通过评估"),
    "gated": _l("已通过评估"), "canary": _l("试行中"), "live": _l("生效中"),
    "retired": _l("已停用"), "rolled_back": _l("已退回"),
}  # fmt: skip
TONES = {"live": "good", "canary": "brand", "gated": "brand", "asked": "wait", "failed": "bad",
         "rolled_back": "bad"}  # fmt: skip
LEVELS = {
    "none": (0.0, 0.0, _l("不探索"), _l("总是推荐看起来最合适的一篇。学得最慢。")),
    "floor": (0.0, 0.02, _l("只留底线"), _l("一百次里约有两次换一篇合适的内容试试。")),
    "careful": (0.1, 0.02, _l("谨慎"), _l("对把握不大的内容偶尔给机会。")),
    "balanced": (0.25, 0.02, _l("均衡"), _l("把握越小越常得到机会，多数时候仍推荐最合适的。")),
    "bold": (0.5, 0.05, _l("大胆"), _l("较常尝试；适合新内容多、回答也多的时候。")),
}  # fmt: skip
FIGURES = {"refused": _l("不合适的比例"), "adopted": _l("采用率"), "opened": _l("打开率")}
CHECKS = {
    "gain": _l("预计效果不比现在差"),
    "effective": _l("有足够多的记录能说明它"),
    "effective_share": _l("能说明它的记录占比"),
    "largest": _l("没有哪一条记录独自决定结论"),
    "mean_weight": _l("记录与新策略对得上"),
    "reps": _l("有足够多的代表"),
    "refused": _l("“不合适”不会明显变多"),
    "blocked": _l("因频次等原因发不出去的不会变多"),
    "coverage": _l("不会只推少数几篇内容"),
    "parity": _l("没有专科或地区明显吃亏"),
    "differs": _l("与现在不同的建议不太多"),
}
AT_MOST = ("refused", "blocked", "differs", "largest")
CHANGES = ("gain", "parity", "refused", "blocked")  # in hundredths
SHARES = ("effective_share", "coverage", "differs")


def level_of(policy: Policy | Settings) -> str:
    """The named level of exploring, or none of them."""
    for key, (alpha, floor, *_rest) in LEVELS.items():
        if (policy.alpha, policy.floor) == (alpha, floor):
            return key
    return ""


@bp.app_template_filter("policy_state")
def policy_state(state: str) -> str:
    """A policy's state."""
    return str(STATES.get(state, state))


@bp.app_template_filter("policy_tone")
def policy_tone(state: str) -> str:
    """The colour of its badge."""
    return TONES.get(state, "")


@bp.app_template_filter("policy_says")
def policy_says(policy: Policy) -> list[str]:
    """Its settings as sentences."""
    return [_explores(policy), _holds_out(policy), _worth(policy)]


def _explores(policy: Policy) -> str:
    key = level_of(policy)
    if key:
        _alpha, _floor, name, says = LEVELS[key]
        return str(_("%(level)s：%(what)s", level=name, what=says))
    alpha, floor = f"{policy.alpha:g}", percent(policy.floor)
    return str(_("探索强度 %(alpha)s，底线 %(floor)s。", alpha=alpha, floor=floor))


def _holds_out(policy: Policy) -> str:
    if not policy.holdout:
        return str(_("没有对照组，因此看不出建议本身带来了多少。"))
    text = _(
        "对照组 %(share)s：每位医生每两周抽一次，抽中的两周内除安全性信息外不建议给任何代表。",
        share=percent(policy.holdout),
    )
    if policy.holdout_from:
        text += _("连接的医生满 %(n)s 位才开始。", n=f"{policy.holdout_from:,}")
    return str(text)


def _worth(policy: Policy) -> str:
    total = sum(policy.worth.values()) or 1
    shares = {head: percent(value / total) for head, value in policy.worth.items()}
    return str(
        _("评估时的分值：采用 %(a)s，打开 %(o)s，读完 %(r)s。", a=shares.get("accept", "0%"),
          o=shares.get("open", "0%"), r=shares.get("read", "0%"))
    )  # fmt: skip


@bp.app_template_filter("check_name")
def check_name(check: Mapping[str, Any]) -> str:
    """What a condition of the gate asks; of whom, where it is about a group."""
    name = str(CHECKS.get(check["name"], check["name"]))
    group = check.get("detail", "").partition(":")[2]
    return f"{name} · {group}" if group else name


@bp.app_template_filter("check_value")
def check_value(check: Mapping[str, Any]) -> str:
    """What was found, beside what is asked for."""
    value, limit, name = check["value"], check["limit"], check["name"]
    sign = "≤" if name in AT_MOST else "≥"
    if name in CHANGES:
        found, asked = f"{value * 100:+.1f}", f"{sign} {limit * 100:+.1f}"
    elif name in SHARES:
        found, asked = percent(value), f"{sign} {percent(limit)}"
    elif name == "mean_weight":
        found, asked = f"{value:.3f}", f"{2 - limit:.2f}–{limit:.2f}"
    else:
        found, asked = f"{value:,.0f}", f"{sign} {limit:,.0f}"
    return str(_("%(found)s（%(asked)s）", found=found, asked=asked))


@bp.app_template_filter("gate_says")
def gate_says(gate: Mapping[str, Any]) -> str:
    """The gate's answer in one sentence."""
    if gate["basis"] == "bounded":
        return _bounded(gate)
    value, low, high = (f"{v * 100:+.1f}" for v in gate["gain"])
    between = _("95%% 区间 %(low)s 至 %(high)s", low=low, high=high)
    number, reps = f"{gate['number']:,}", gate["reps"]
    said = str(_("根据 %(n)s 条记录（%(reps)s 位代表），", n=number, reps=reps))
    return said + str(
        _("每百条建议的得分预计变化 %(value)s（%(between)s）。", value=value, between=between)
    )


def _bounded(gate: Mapping[str, Any]) -> str:
    share = percent(gate["differs"])
    text = str(_("还没有足够的建议，说不出它会改变多少，"))
    if gate["differs"] < 1:
        text = str(_("探索过的记录还太少，不能比较效果；它约改变 %(share)s 的建议，", share=share))
    if gate["passed"]:
        return text + str(_("可以先在少数代表中试行。"))
    return text + str(_("请先积累一些，或选更谨慎的设置。"))


@bp.app_template_filter("ended_says")
def ended_says(policy: Policy) -> str:
    """Why a policy is over."""
    why = policy.ended or {}
    code = why.get("code", "")
    if code == "person":
        return str(why.get("text", ""))
    if code == "followed":
        return str(_("由第 %(n)s 版接替", n=why.get("version")))
    if code == "discarded":
        return str(_("已放弃"))
    if code in FIGURES:
        return str(
            _("试行中自动退回：%(what)s比其他代表变化 %(change)s 个百分点"
              "（区间 %(low)s 至 %(high)s）。",
              what=FIGURES[code], change=f"{why['change'] * 100:+.1f}",
              low=f"{why['low'] * 100:+.1f}", high=f"{why['high'] * 100:+.1f}")
        )  # fmt: skip
    return ""


@bp.app_template_filter("trial_says")
def trial_says(policy: Policy) -> str:
    """How a trial stands."""
    found = policy.canary
    if not found:
        return str(_("每天凌晨评估一次，还没有评估过。"))
    if found["next"] == "ask":
        return str(_("试行时间已满，仍看不出差别，请人来决定。"))
    return str(
        _("已试行 %(days)s 天、%(n)s 条有结果的建议；满 14 天、200 条且不比其他代表差"
          "就自动全面启用，变差就自动退回。",
          days=found["days"], n=f"{found['number']:,}")
    )  # fmt: skip


def lift_says(found: Lift, days: int) -> str:
    """The lift in one sentence, never a number without its interval."""
    if found.gain is None or found.low is None or found.high is None:
        return str(
            _("还看不出差别：对照组满两周的只有 %(held)s 位次、建议组 %(suggested)s 位次，太少。",
              held=f"{found.held:,}", suggested=f"{found.suggested:,}")
        )  # fmt: skip
    value, low, high = (f"{v * 100:.1f}" for v in (found.gain, found.low, found.high))
    between = _("95%% 区间 %(low)s 至 %(high)s", low=low, high=high)
    if found.low > 0:
        return str(_("比对照组多 %(n)s 个百分点（%(between)s）。", n=value, between=between))
    if found.high < 0:
        less = f"{-found.gain * 100:.1f}"
        return str(_("比对照组少 %(n)s 个百分点（%(between)s）。", n=less, between=between))
    if found.more_days:
        more = _("若真实差别有 3 个百分点，约需再 %(n)s 天", n=f"{found.more_days:,}")
    elif found.more_days is None:
        more = _("照现在的人数，一年的记录也不够看出 3 个百分点的差别")
    else:
        more = _("真有 3 个百分点的差别多半已经看得出来")
    return str(
        _("还看不出差别（相差 %(n)s 个百分点，%(between)s）；%(more)s。", n=value,
          between=between, more=more)
    )  # fmt: skip
