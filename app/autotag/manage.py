"""Writing rules, and switching them on and off. Every switch can be taken back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from app import segments, tagging
from app.autotag.audiences import check_circle, check_itself
from app.autotag.definition import check_repeats, read, write
from app.autotag.following import hold
from app.autotag.life import State, Switch, check_switch, state_of
from app.autotag.live import LIVE
from app.autotag.models import TagRule, TagRuleSweep, TagRuleTest, TagRuleVersion, TestState
from app.autotag.rules import Rule, picks
from app.identity import changed
from app.infra.errors import NotFound, Refused
from app.segments import Unparseable
from app.tagging.models import Source, Tag, TagAssertion

LONGEST_NAME = 80
USUAL_DAYS, MOST_DAYS = 180, 720


@dataclass(frozen=True, slots=True)
class Shown:
    """A rule with its newest version, and its last test if there is one."""

    row: TagRule
    rule: Rule
    state: State
    test: TagRuleTest | None

    @property
    def newer(self) -> bool:
        """True when a newer version waits behind the one that gives tags."""
        return self.row.live_version is not None and self.row.version != self.row.live_version


def create(
    session: Session, *, name: str, definition: Mapping[str, Any], owner: str, now: datetime
) -> TagRule:
    """A draft. Raises Refused."""
    name = _name(session, name)
    rule = checked(session, definition, now)
    row = TagRule(name=name, owner=owner, version=1, switched_by="", created_at=now)
    session.add(row)
    session.flush()
    session.add(_version(row.id, 1, rule, owner, now))
    session.flush()
    return row


def revise(
    session: Session, rule_id: int, *, definition: Mapping[str, Any], author: str, now: datetime,
    name: str = "",
) -> TagRule:  # fmt: skip
    """A new version, to be tested before it takes the place of the one that gives tags.

    A definition that says the same makes none. Raises NotFound, Refused.
    """
    row = find(session, rule_id)
    if row.retired_at is not None:
        raise Refused("规则已停用，请先撤销停用再修改。")
    rule = checked(session, definition, now)
    if name.strip() and name.strip() != row.name:
        row.name = _name(session, name)
    if rule != rule_of(session, row):
        row.version += 1
        session.add(_version(row.id, row.version, rule, author, now))
    session.flush()
    return row


def find(session: Session, rule_id: int) -> TagRule:
    """The rule, while nobody else changes it. Raises NotFound."""
    chosen = select(TagRule).where(TagRule.id == rule_id).with_for_update()
    row = session.scalar(chosen.execution_options(populate_existing=True))
    if row is None:
        raise NotFound("没有这条自动标签规则。")
    return row


def rule_of(session: Session, row: TagRule, version: int | None = None) -> Rule:
    """What a version says; the newest when none is named. Raises NotFound."""
    number = row.version if version is None else version
    found = session.get(TagRuleVersion, (row.id, number))
    if found is None:
        raise NotFound("没有这个版本。")
    return read(found.definition)


def state_now(session: Session, row: TagRule) -> State:
    """Of the newest version, or of what gives tags."""
    tested = select(TagRuleTest.id).where(
        TagRuleTest.rule_id == row.id, TagRuleTest.version == row.version,
        TagRuleTest.state == TestState.DONE,
    )  # fmt: skip
    return state_of(
        live=row.live_version is not None,
        tested=session.scalar(tested.limit(1)) is not None,
        paused=row.paused_at is not None, retired=row.retired_at is not None,
    )  # fmt: skip


def checked(session: Session, definition: Mapping[str, Any], now: datetime) -> Rule:
    """The rule, when every name in it exists and it may give what it gives. Raises Refused."""
    rule = read(definition)
    known = {tag.key: tag for tag in tagging.tags(session)}
    for key in {rule.gives, *(pick.tagged for pick in picks(rule))} - {"", "*"}:
        if key not in known:
            raise Refused(f"没有标签 {key}，或者它已停用。请从词表中选择。")
    categories = {category.key for category in tagging.categories(session)}
    if missing := set(rule.each) - categories:
        raise Refused(f"没有标签分类 {'、'.join(sorted(missing))}。")
    given = [known[rule.gives]] if rule.gives else []
    for tag in given:
        _check_may(tag)
    _check_words(session, rule)
    _check_audience(session, rule, now)
    check_itself(session, rule)
    return read(write(rule))


def ask_test(session: Session, rule_id: int, *, days: int, by: str, now: datetime) -> TagRuleTest:
    """Try the newest version on the past; a worker does it. Raises Refused."""
    row = find(session, rule_id)
    if not 30 <= days <= MOST_DAYS:
        raise Refused(f"回测的时间范围应当是 30 到 {MOST_DAYS} 天。")
    if row.retired_at is not None:
        raise Refused("规则已停用，请先撤销停用。")
    open_ones = select(TagRuleTest).where(
        TagRuleTest.rule_id == row.id, TagRuleTest.version == row.version,
        TagRuleTest.state.in_((TestState.WAITING, TestState.RUNNING)),
    )  # fmt: skip
    if session.scalar(open_ones.limit(1)) is not None:
        raise Refused("这个版本正在回测，完成后会显示结果。")
    asked = TagRuleTest(
        rule_id=row.id, version=row.version, days=days, state=TestState.WAITING, done=0, total=0,
        problem="", asked_by=by, asked_at=now,
    )  # fmt: skip
    session.add(asked)
    session.flush()
    return asked


def switch(session: Session, rule_id: int, what: Switch, *, by: str, now: datetime) -> TagRule:
    """Do this with a rule. Raises NotFound, Refused.

    Whoever follows is waited for: what is written meanwhile for a rule that is switched off would
    be taken back by nobody.
    """
    hold(session, wait=True)
    row = find(session, rule_id)
    check_switch(state_now(session, row), what)
    if what is Switch.LIVE:
        _go_live(session, row, now)
    elif what is Switch.PAUSE:
        _silence(session, row, now)
        row.paused_at = now
    elif what is Switch.RESUME:
        _check_still(session, row, now)
        _speak_again(session, row, row.paused_at)
        row.paused_at = None
    elif what is Switch.RETIRE:
        if row.live_version is not None and row.paused_at is None:
            _silence(session, row, now)
        row.retired_at = now
    else:
        if row.live_version is not None and row.paused_at is None:
            _check_still(session, row, now)
            _speak_again(session, row, row.retired_at)
        row.retired_at = None
    row.switched_by, row.switched_at, row.run_day = by, now, None
    _leave_sweeps(session, row.id)
    LIVE.changed(session)
    session.flush()
    return row


def _go_live(session: Session, row: TagRule, now: datetime) -> None:
    """What an older version gave is superseded as everybody is looked at."""
    done = select(TagRuleTest.id).where(
        TagRuleTest.rule_id == row.id, TagRuleTest.version == row.version,
        TagRuleTest.state == TestState.DONE,
    )  # fmt: skip
    if session.scalar(done.limit(1)) is None:
        raise Refused("请先回测这个版本：启用之前要看到它在过去会给哪些医生打标签。")
    if row.live_version == row.version and row.paused_at is None:
        raise Refused("这个版本已经在生效。")
    rule = checked(session, write(rule_of(session, row)), now)
    check_circle(session, row.id, rule)
    row.live_version, row.paused_at = row.version, None


def _check_still(session: Session, row: TagRule, now: datetime) -> None:
    """What its audience names may be gone by now, or have come to follow from it."""
    rule = rule_of(session, row, row.live_version)
    _check_audience(session, rule, now)
    check_circle(session, row.id, rule)


def _check_audience(session: Session, rule: Rule, now: datetime) -> None:
    if not rule.audience:
        return
    try:
        segments.check(session, rule.audience, now)
    except Unparseable as problem:
        raise Refused(f"人群条件：{problem}") from None


def _check_may(tag: Tag) -> None:
    if tag.may_assert and Source.RULE not in tag.may_assert.split(","):
        raise Refused(f"标签“{tag.name}”不允许由规则给出，请在词表中更改，或选择别的标签。")


def _check_words(session: Session, rule: Rule) -> None:
    """Each message that names a tag asserts it already."""
    said = {word for pick in picks(rule) for word in pick.words}
    named = {tag.key for word in said for tag in tagging.keywords_in(session, word)}
    if rule.gives in named:
        check_repeats(rule)


def _silence(session: Session, row: TagRule, now: datetime) -> None:
    """It says nothing more, also of what a verdict overruled."""
    _move(session, row, TagAssertion.superseded_at.is_(None), now)
    tagging.withdraw(session, _said_by(session, row), now)


def _speak_again(session: Session, row: TagRule, since: datetime | None) -> None:
    """What that switch superseded holds again; the next sweep puts right what has changed."""
    _move(session, row, TagAssertion.superseded_at == since, None)


def _move(session: Session, row: TagRule, which: ColumnElement[bool], to: datetime | None) -> None:
    mine = (*_said_by(session, row), which)
    changed.note_all(session, TagAssertion.identifier_id, *mine)
    moved = update(TagAssertion).where(*mine).values(superseded_at=to)
    session.execute(moved.execution_options(synchronize_session=False))


def _said_by(session: Session, row: TagRule) -> tuple[ColumnElement[bool], ...]:
    return (
        TagAssertion.source == Source.RULE,
        TagAssertion.tag_id.in_(_tags_ever(session, row.id)),
        TagAssertion.ref.startswith(f"rule:{row.id}."),
    )  # fmt: skip


def _tags_ever(session: Session, rule_id: int) -> list[int]:
    chosen = select(TagAssertion.tag_id).where(
        TagAssertion.source == Source.RULE, TagAssertion.actor == f"rule:{rule_id}"
    )
    return sorted(session.scalars(chosen.distinct()))


def _leave_sweeps(session: Session, rule_id: int) -> None:
    chosen = select(TagRuleSweep).where(TagRuleSweep.finished_at.is_(None)).with_for_update()
    for sweep in session.scalars(chosen):
        sweep.rules = [one for one in sweep.rules if one != rule_id]


def _name(session: Session, name: str) -> str:
    name = name.strip()
    if not name or len(name) > LONGEST_NAME:
        raise Refused(f"请给规则取一个名字，最多 {LONGEST_NAME} 字。")
    if session.scalar(select(TagRule.id).where(TagRule.name == name)) is not None:
        raise Refused(f"已经有名为“{name}”的规则。")
    return name


def _version(rule_id: int, number: int, rule: Rule, author: str, now: datetime) -> TagRuleVersion:
    return TagRuleVersion(
        rule_id=rule_id, number=number, definition=write(rule), created_by=author, created_at=now
    )
