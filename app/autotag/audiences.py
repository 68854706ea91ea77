"""What the audiences of rules name: segments, lists and campaigns that they need, and no tags that
follow from the rule itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from app import segments, tagging
from app.autotag.live import LIVE, Words
from app.autotag.models import TagRule, TagRuleVersion
from app.autotag.rules import Rule
from app.infra.errors import Refused
from app.segments import saved


def naming(session: Session, kind: type[Any], name: str) -> list[TagRule]:
    """The rules that are not retired and of which the newest version, or the one that gives tags,
    names it directly."""
    rows = session.execute(
        select(TagRule, TagRuleVersion.definition)
        .join(TagRuleVersion, TagRuleVersion.rule_id == TagRule.id)
        .where(
            TagRule.retired_at.is_(None),
            or_(TagRuleVersion.number == TagRule.version,
                TagRuleVersion.number == TagRule.live_version),
        )
        .order_by(TagRule.id)
    )  # fmt: skip
    found = {
        rule.id: rule for rule, definition in rows
        if saved.names_it(definition.get("audience", ""), kind, name)
    }  # fmt: skip
    return list(found.values())


def follow_rename(session: Session, kind: type[Any], old: str, new: str) -> None:
    """Write a new name of something into the audiences of all rules, also of older versions."""
    for row in session.scalars(select(TagRuleVersion)):
        text = row.definition.get("audience", "")
        if (reworded := saved.reworded(text, kind, old, new)) != text:
            row.definition = row.definition | {"audience": reworded}
    session.flush()
    LIVE.changed(session)


def check_circle(session: Session, rule_id: int, rule: Rule) -> None:
    """A rule whose audience follows from what it and the others that give tags give would switch
    itself on and off. Raises Refused."""
    check_itself(session, rule, [one.rule for one in LIVE.of(session) if one.id != rule_id])


def check_itself(session: Session, rule: Rule, others: Sequence[Rule] = ()) -> None:
    """The same for a rule alone, or with these others. Raises Refused."""
    words, shape = Words(session), tagging.shape(session)
    asked = [(one, asked_for(session, one)) for one in (rule, *others) if one.audience]
    reached, fresh = set[int](), set(words.gives(rule))
    while fresh:
        fresh |= {broad for tag in fresh for broad in shape.broader(tag)} | shape.rivals(fresh)
        reached |= fresh
        after = {tag for one, named in asked if named & reached for tag in words.gives(one)}
        fresh = after - reached
    if asked_for(session, rule) & reached:
        raise Refused(
            "人群条件里的标签由这条规则（或依赖它的规则）给出，会互相触发。请换一个人群条件。"
        )


def asked_for(session: Session, rule: Rule) -> set[int]:
    """The tags that its audience asks for, also by way of saved segments."""
    return set(saved.tags_in(session, rule.audience)) if rule.audience else set()


def check_segment(session: Session, segment: segments.Segment) -> None:
    """No rule that gives tags follows from itself by what a segment means now. Raises Refused."""
    for one in LIVE.of(session):
        if one.rule.audience and segment in saved.within(session, one.rule.audience):
            try:
                check_circle(session, one.id, one.rule)
            except Refused:
                name = session.get_one(TagRule, one.id).name
                raise Refused(
                    f"自动标签规则“{name}”用到这个人群，而条件里的标签又由它（或依赖它的规则）给出，"
                    "会互相触发。请换一个条件，或先暂停这条规则。"
                ) from None
