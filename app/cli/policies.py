"""`yishu recommend policies`, `gate` and `lift`: how suggestions are chosen, and what they add."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from app import accounts
from app.bootstrap import Parts, build
from app.cli.output import Json, show
from app.flows.learning import gating, policy_acts
from app.flows.learning.lifting import lifted
from app.flows.learning.policy_acts import Act
from app.recommend.policy import policies as life
from app.recommend.policy.lift import Lift
from app.recommend.policy.policy_models import Policy, PolicyState

ACTOR = "cli"
STATES = {
    "draft": "草稿", "asked": "正在评估", "failed": "未通过评估", "gated": "已通过评估",
    "canary": "试行中", "live": "生效中", "retired": "已停用", "rolled_back": "已退回",
}  # fmt: skip


def register(group: typer.Typer) -> None:
    """Add the commands to `yishu recommend`."""
    group.command()(policies)
    group.command()(gate)
    group.command()(lift)


def policies(as_json: Json = False) -> None:
    """All policies: state, settings, gate, trial. They are written in the console or by the API."""
    parts = build(process="cli")
    with parts.db.reading() as session:
        rows = [_told(row) for row in life.listing(session)]
    lines = [
        f"{one['version']:>4}  {STATES[one['state']]}  {one['name']}  探索 {one['alpha']:g}，"
        f"底线 {one['floor']:.0%}，对照组 {one['holdout']:.0%}"
        f"（满 {one['holdout_from']:,} 位医生起）"
        for one in rows
    ]
    none = "还没有策略：第一次生成建议时会记下起步策略，按标签推荐最合适的。"
    show({"policies": rows}, "\n".join(lines) or none, as_json)


def gate(
    version: Annotated[int, typer.Argument(help="As `yishu recommend policies` shows it.")],
    as_json: Json = False,
) -> None:
    """Judge a policy by what was logged, now. Only a draft's answer is kept; nothing goes live."""
    parts = build(process="cli")
    with parts.db.reading() as session:
        row = life.by_version(session, version)
        verdict = gating.judge(session, row, parts.clock()).as_json()
    if row.state in (PolicyState.DRAFT, PolicyState.FAILED, PolicyState.GATED, PolicyState.ASKED):
        _keep(parts, version, row, verdict)
    lines = [f"{'通过' if verdict['passed'] else '未通过'}（{verdict['basis']}）"]
    lines += [
        f"{'✓' if one['passed'] else '✗'} {one['name']} {one['detail']} {one['value']:g}"
        f"，要求 {one['limit']:g}"
        for one in verdict["checks"]
    ]
    show({"version": version, **verdict}, "\n".join(lines), as_json)


def lift(as_json: Json = False) -> None:
    """What suggestions add over the holdout, with intervals; too little says nothing."""
    parts = build(process="cli")
    with parts.db.reading() as session:
        found = lifted(session, parts.clock())
    data = {
        "opened": found.opened.as_json(), "contacted": found.contacted.as_json(),
        "by_brand": {name: one.as_json() for name, one in found.by_brand.items()},
        "ripe": {"suggested": found.ripe[0], "held": found.ripe[1]},
        "waiting": {"suggested": found.waiting[0], "held": found.waiting[1]},
        "first": found.first,
    }  # fmt: skip
    lines = [f"打开任何内容：{_said(found.opened)}", f"被联系：{_said(found.contacted)}"]
    lines += [f"{name or '没有品牌'}：{_said(one)}" for name, one in found.by_brand.items()]
    if found.is_part:
        lines.append(f"满两周的共 {found.ripe[0]:,}、{found.ripe[1]:,} 位次，各均匀抽取了一部分。")
    lines.append(f"还没满两周：建议 {found.waiting[0]:,} 位次，对照 {found.waiting[1]:,} 位次。")
    if found.first:
        lines.append(f"其中最早的到 {found.first} 满两周。")
    show(data, "\n".join(lines), as_json)


def _keep(parts: Parts, version: int, row: Policy, verdict: dict[str, Any]) -> None:
    now = parts.clock()
    with parts.db.transaction() as session:
        if row.state != PolicyState.ASKED:
            policy_acts.act(session, version, Act.GATE, by=ACTOR, now=now)
        life.note_gate(session, version, verdict | {"at": now.isoformat()})
        action = "policy.gated" if verdict["passed"] else "policy.failed"
        accounts.audit(session, ACTOR, action, policy_acts.KIND, version, now=now)


def _said(one: Lift) -> str:
    sizes = f"建议 {one.suggested:,}、对照 {one.held:,} 位次"
    if one.gain is None or one.low is None or one.high is None:
        return f"太少，还看不出（{sizes}）"
    told = f"相差 {one.gain:+.1%}（{one.low:+.1%} 至 {one.high:+.1%}；{sizes}）"
    if one.known or one.more_days == 0:
        return told
    longer = "一年的记录也不够" if one.more_days is None else f"约需再 {one.more_days:,} 天"
    return f"还看不出差别，{told}；若真差 3 个百分点，{longer}"


def _told(row: Policy) -> dict[str, Any]:
    names = ("version", "name", "alpha", "floor", "top", "holdout", "holdout_from", "worth",
             "reason", "gate", "canary", "ended")  # fmt: skip
    return {name: getattr(row, name) for name in names} | {"state": str(row.state)}
