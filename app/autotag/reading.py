"""Rules for lists and pages."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from app.autotag.audiences import asked_for
from app.autotag.definition import read
from app.autotag.life import State, state_of
from app.autotag.live import Words
from app.autotag.manage import Shown
from app.autotag.models import TagRule, TagRuleSweep, TagRuleTest, TagRuleVersion, TestState
from app.identity.models import Identifier
from app.infra.errors import NotFound
from app.tagging.models import Source, TagAssertion


def listing(session: Session) -> list[Shown]:
    """All rules: those that give tags, drafts, and what is over."""
    rows = session.scalars(select(TagRule).order_by(TagRule.id)).all()
    shown = _shown(session, rows)
    order = ("live", "paused", "tested", "draft", "retired")
    return sorted(shown, key=lambda one: (order.index(one.state), one.row.id))


def show(session: Session, rule_id: int) -> Shown:
    """One rule. Raises NotFound."""
    row = session.get(TagRule, rule_id)
    if row is None:
        raise NotFound("没有这条自动标签规则。")
    return _shown(session, [row])[0]


def versions(session: Session, rule_id: int) -> Sequence[TagRuleVersion]:
    """All versions of a rule, newest first."""
    chosen = select(TagRuleVersion).where(TagRuleVersion.rule_id == rule_id)
    return session.scalars(chosen.order_by(TagRuleVersion.number.desc())).all()


def carriers(session: Session) -> dict[int, int]:
    """Rule id → how many physicians have a tag by it now."""
    rows = session.execute(
        select(TagAssertion.actor, func.count(Identifier.one_id.distinct()))
        .join(Identifier, Identifier.id == TagAssertion.identifier_id)
        .where(
            TagAssertion.source == Source.RULE, TagAssertion.superseded_at.is_(None),
            TagAssertion.actor.startswith("rule:"),
        )
        .group_by(TagAssertion.actor)
    )  # fmt: skip
    return {int(actor.removeprefix("rule:")): number for actor, number in rows}


def naming_tag(session: Session, tag_id: int) -> list[tuple[int, str]]:
    """(id, name) of rules in use that give this tag or ask for it, as they are or will be."""
    words = Words(session)
    version = or_(
        TagRuleVersion.number == TagRule.version, TagRuleVersion.number == TagRule.live_version
    )
    rows = session.execute(
        select(TagRule.id, TagRule.name, TagRuleVersion.definition)
        .join(TagRuleVersion, and_(TagRuleVersion.rule_id == TagRule.id, version))
        .where(TagRule.retired_at.is_(None))
        .order_by(TagRule.id)
    )
    rules = [(number, name, read(said)) for number, name, said in rows]
    found = {
        number: name for number, name, rule in rules
        if tag_id in words.names(rule) | asked_for(session, rule)
    }  # fmt: skip
    return list(found.items())


def sweeping(session: Session) -> TagRuleSweep | None:
    """The sweep that is under way."""
    chosen = select(TagRuleSweep).where(TagRuleSweep.finished_at.is_(None))
    return session.scalar(chosen.order_by(TagRuleSweep.id).limit(1))


def _shown(session: Session, rows: Sequence[TagRule]) -> list[Shown]:
    ids = [row.id for row in rows]
    said = {
        (v.rule_id, v.number): read(v.definition)
        for v in session.scalars(select(TagRuleVersion).where(TagRuleVersion.rule_id.in_(ids)))
    }
    tests: dict[int, list[TagRuleTest]] = {}
    chosen = select(TagRuleTest).where(TagRuleTest.rule_id.in_(ids)).order_by(TagRuleTest.id)
    for test in session.scalars(chosen):
        tests.setdefault(test.rule_id, []).append(test)
    return [
        Shown(row, said[row.id, row.version], _state(row, tests.get(row.id, [])),
              next(reversed(_of_newest(row, tests.get(row.id, []))), None))
        for row in rows
    ]  # fmt: skip


def _of_newest(row: TagRule, tests: Sequence[TagRuleTest]) -> list[TagRuleTest]:
    return [test for test in tests if test.version == row.version]


def _state(row: TagRule, tests: Sequence[TagRuleTest]) -> State:
    return state_of(
        live=row.live_version is not None,
        tested=any(test.state == TestState.DONE for test in _of_newest(row, tests)),
        paused=row.paused_at is not None, retired=row.retired_at is not None,
    )  # fmt: skip
