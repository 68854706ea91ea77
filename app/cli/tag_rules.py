"""`yishu tag-rules` and `yishu coverage`: automatic tags, and what content is missing."""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer
from sqlalchemy import select, update

from app import accounts, autotag, tagging
from app.autotag import Switch, TagRule
from app.autotag.models import TagRuleSweep
from app.bootstrap import Parts, build
from app.cli.output import Json, show, teller
from app.infra.errors import Refused

ACTOR = "cli"
SHOWN = 20
RuleId = Annotated[int, typer.Argument(help="As `yishu tag-rules list` shows it.")]


def register(cli: typer.Typer) -> None:
    """Add the commands of this module."""
    group = typer.Typer(help="Automatic tags.", no_args_is_help=True)
    group.command("list")(list_rules)
    group.command()(starter)
    group.command("test")(try_rule)
    group.command()(switch)
    group.command()(run)
    cli.add_typer(group, name="tag-rules")


def list_rules(as_json: Json = False) -> None:
    """All rules: state, carriers, and what they say."""
    parts = build(process="cli")
    with parts.db.reading() as session:
        rows, carriers = autotag.listing(session), autotag.carriers(session)
        words = autotag.Words(session)
        names = {category.key: category.name for category in tagging.categories(session)}
        told = [
            {"id": one.row.id, "name": one.row.name, "state": one.state.value,
             "version": one.row.version, "carriers": carriers.get(one.row.id, 0),
             "says": autotag.sentence(one.rule, words.meaning(one.rule), names)}
            for one in rows
        ]  # fmt: skip
    lines = [
        f"{one['id']:>4}  {autotag.STATE_NAMES[autotag.State(str(one['state']))]}  {one['name']}  "
        f"{one['carriers']:,} 位医生\n      {one['says']}"
        for one in told
    ]
    none = "还没有规则：yishu tag-rules starter 添加一组常用规则的草稿。"
    show({"rules": told}, "\n".join(lines) or none, as_json)


def starter(as_json: Json = False) -> None:
    """Add common rules as drafts; those that are there stay as they are."""
    parts = build(process="cli")
    with parts.db.transaction() as session:
        made = autotag.seed(session, owner=ACTOR, now=parts.clock())
        for row in made:
            accounts.audit(session, ACTOR, "rule.created", "tag_rule", row.id, now=parts.clock())
    text = (
        f"已添加 {len(made)} 条规则草稿。接下来：yishu tag-rules list，再 yishu tag-rules test ID。"
    )
    show({"made": [row.id for row in made]}, text, as_json)


def try_rule(
    rule_id: RuleId,
    days: Annotated[int, typer.Option(help="How far back.")] = 180,
    as_json: Json = False,
) -> None:
    """Try the newest version on the past; it changes nothing."""
    parts, begun = build(process="cli"), time.perf_counter()
    tell = teller(begun, as_json)
    with parts.db.transaction() as session:
        asked = autotag.ask_test(session, rule_id, days=days, by=ACTOR, now=parts.clock())
        accounts.audit(session, ACTOR, "rule.tested", "tag_rule", rule_id, now=parts.clock())
    done = None
    while done is None or done.id < asked.id:  # others that waited longer come first
        done = autotag.try_next(
            parts.db, parts.clock, tell=lambda n, of: tell(f"{n:,} / {of:,} physicians")
        )
        if done is None:
            raise Refused("回测正由 worker 进行，请稍后用 yishu tag-rules list 或页面查看结果。")
    if done.result is None:
        raise Refused(done.problem or "回测没有完成。")
    show({"test": done.id, **done.result}, _past_words(done.result), as_json)


def switch(
    rule_id: RuleId,
    what: Annotated[Switch, typer.Argument(help="live, pause, resume, retire or revive.")],
    as_json: Json = False,
) -> None:
    """Switch a rule on or off; what it gave goes and comes with it."""
    parts = build(process="cli")
    with parts.db.transaction() as session:
        row = autotag.switch(session, rule_id, what, by=ACTOR, now=parts.clock())
        accounts.audit(
            session, ACTOR, f"rule.{what}", "tag_rule", rule_id, now=parts.clock(),
            version=row.live_version,
        )  # fmt: skip
        state = autotag.show(session, rule_id).state
    text = f"“{row.name}”现在是：{autotag.STATE_NAMES[state]}。worker 会逐位医生计算。"
    show({"id": rule_id, "state": state.value}, text, as_json)


def run(as_json: Json = False) -> None:
    """Look at everybody now, as the nightly run does; workers may run meanwhile."""
    parts, begun = build(process="cli"), time.perf_counter()
    tell, looked, library = teller(begun, as_json), 0, autotag.Library()
    with parts.db.transaction() as session:
        session.execute(update(TagRule).values(run_day=None))
    while _is_due(parts):
        with parts.db.transaction() as session:
            now = parts.clock()
            some = autotag.sweep(session, library, now)
        looked += some
        if some == 0:
            raise Refused("worker 正在计算，请稍后再试。")
        if looked % 5000 < some:
            tell(f"{looked:,} physicians")
    with parts.db.reading() as session:
        newest = select(TagRuleSweep.looked).order_by(TagRuleSweep.id.desc()).limit(1)
        looked = session.scalar(newest) or 0
    took = time.perf_counter() - begun
    data = {"looked": looked, "seconds": round(took, 1)}
    show(data, f"看过 {looked:,} 位医生，{took:.1f} 秒。", as_json)


def _is_due(parts: Parts) -> bool:
    with parts.db.reading() as session:
        return autotag.is_sweep_due(session, parts.clock())


def _past_words(result: dict[str, Any]) -> str:
    lines = [
        f"过去会给 {result['tagged']:,} 位医生打标签（共看 {result['looked']:,} 位，"
        f"按今天算是 {result['now']:,} 位）。"
    ]
    outcome = result["outcome"]
    if outcome["share"] is None:
        lines.append("能观察满 30 天的医生太少，还看不出标签准不准。")
    else:
        lines.append(
            f"得到标签后的 30 天里 {outcome['share']:.1%} 打开了内容，其他医生 "
            f"{outcome['others_share']:.1%}，相差 {outcome['low']:+.1%} 至 {outcome['high']:+.1%}。"
        )
    return "\n".join(lines)
