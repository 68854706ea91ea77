"""The rules that give tags now, kept in the process while nobody switches one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import tagging
from app.autotag.deeds import TOUCHES
from app.autotag.definition import read
from app.autotag.models import TagRule, TagRuleVersion
from app.autotag.rules import Meaning, Rule, acts, needs_words, picks
from app.identity.news import WHO
from app.infra.stamp import Stamped
from app.tagging import Source, Tag
from app.tagging.lexicon import LEXICON, Lexicon


@dataclass(frozen=True, slots=True)
class Live:
    """A version that gives tags."""

    id: int
    version: int
    rule: Rule

    def can_follow_from(self, kinds: Iterable[str]) -> bool:
        """True when what has happened can change for whom it holds."""
        mine = acts(self.rule)
        return any(kind == WHO or not mine.isdisjoint(TOUCHES.get(kind, ())) for kind in kinds)


def _read(session: Session) -> tuple[Live, ...]:
    rows = session.execute(
        select(TagRule.id, TagRuleVersion.number, TagRuleVersion.definition)
        .join(TagRuleVersion, TagRuleVersion.rule_id == TagRule.id)
        .where(
            TagRuleVersion.number == TagRule.live_version,
            TagRule.paused_at.is_(None), TagRule.retired_at.is_(None),
        )
        .order_by(TagRule.id)
    )  # fmt: skip
    return tuple(Live(number, version, read(definition)) for number, version, definition in rows)


LIVE = Stamped("tag rules", _read)


def need_words(rules: Iterable[Live]) -> bool:
    """True when one of them asks for words of messages."""
    return any(needs_words(one.rule) for one in rules)


class Words:
    """What keys of tags mean, read once for many rules. The key of a merged tag means the one that
    it stands for."""

    def __init__(self, session: Session) -> None:
        known, merged = tagging.tags(session), LEXICON.of(session).merged
        self._ids = {tag.key: tag.id for tag in known}
        old = select(Tag.key, Tag.id).where(Tag.merged_into_id.is_not(None))
        alive = set(self._ids.values())
        for key, number in session.execute(old):
            if merged.get(number) in alive:
                self._ids[key] = merged[number]
        self._names = {tag.id: tag.name for tag in known}
        self._of: dict[str, set[int]] = {}
        for tag in known:
            if not tag.may_assert or Source.RULE in tag.may_assert.split(","):
                self._of.setdefault(tag.category_key, set()).add(tag.id)

    def meaning(self, rule: Rule) -> Meaning:
        """For this rule."""
        each = frozenset(tag for key in rule.each for tag in self._of.get(key, ()))
        return Meaning(self._ids, self._names, each)

    def names(self, rule: Rule) -> set[int]:
        """Every tag that it gives or asks for by its key."""
        keys = {rule.gives, *(pick.tagged for pick in picks(rule))}
        return {self._ids[key] for key in keys if key in self._ids}

    def gives(self, rule: Rule) -> frozenset[int]:
        """Every tag that it can give."""
        one = self._ids.get(rule.gives)
        return self.meaning(rule).each if rule.each else frozenset(() if one is None else (one,))


def with_meaning(session: Session, rules: Sequence[Live]) -> list[tuple[Live, Meaning]]:
    """The rules with what their names mean now."""
    words = _words(session) if rules else None
    return [(one, words.meaning(one.rule)) for one in rules] if words else []


def _words(session: Session) -> Words:
    """Read once for each state of the vocabulary."""
    lexicon = LEXICON.of(session)
    for of, words in _known:
        if of is lexicon:
            return words
    words = Words(session)
    _known[:] = [*_known[-KEPT + 1 :], (lexicon, words)]
    return words


KEPT = 4
_known: list[tuple[Lexicon, Words]] = []
