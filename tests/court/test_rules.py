"""What contradicts itself, by which thresholds, and what a verdict does."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.court.likelihood import Odds, Seen
from app.court.rules import (
    SENT_AT_LEAST,
    SILENT_AT_LEAST,
    Kind,
    Person,
    Terms,
    Verdict,
    before,
    effect,
    find,
    is_news,
    options,
)
from app.tagging import Line, Shape, Source
from app.tagging.rules import Asserted
from tests.conftest import NOON

AF, CAD, TRIAL, REGULAR, HOT, COLD = range(1, 7)
SHAPE = Shape(
    half_lives={AF: 365, CAD: 365, TRIAL: 180, REGULAR: 180, HOT: None, COLD: None},
    parents={}, exclusive={TRIAL: "adoption", REGULAR: "adoption"},
    opposites={HOT: frozenset({COLD}), COLD: frozenset({HOT})},
)  # fmt: skip
TERMS = Terms(SHAPE, frozenset({AF, CAD}), frozenset({REGULAR}), Odds(0.9, 4.0))


def line(number: int, source: Source, confidence: float = 1.0, days: int = 0) -> Line:
    return Line(number, Asserted(source, confidence, NOON - timedelta(days=days)))


def kinds(person: Person) -> list[tuple[Kind, int, int]]:
    return [one.key for one in find(person, TERMS, NOON)]


def test_of_tags_that_exclude_each_other_the_likelier_is_proposed() -> None:
    lines = {TRIAL: [line(1, Source.CRM)], REGULAR: [line(2, Source.PERSON)]}
    (found,) = find(Person(lines), TERMS, NOON)
    assert found.key == (Kind.EXCLUSIVE, TRIAL, REGULAR)
    assert found.proposed is Verdict.SECOND
    assert found.strength == pytest.approx(0.4 * 0.85 / (0.6 * 0.15 + 0.4 * 0.85 + 0.4 * 0.15))
    faint = {**lines, TRIAL: [line(1, Source.CRM, days=200)]}
    assert kinds(Person(faint)) == []


def test_opposites_and_denials_are_cases() -> None:
    lines = {HOT: [line(1, Source.CRM)], COLD: [line(2, Source.WECOM_TAG)]}
    assert kinds(Person(lines)) == [(Kind.OPPOSITE, HOT, COLD)]
    lines = {CAD: [line(1, Source.CRM), line(2, Source.MESSAGE, -1.0)]}
    assert kinds(Person(lines)) == [(Kind.DENIED, CAD, 0)]


def test_what_a_verdict_denies_is_no_new_case() -> None:
    lines = {CAD: [line(1, Source.CRM), line(2, Source.VERDICT, -1.0)]}
    assert kinds(Person(lines)) == []


def test_what_a_physician_has_deleted_is_no_matter_for_a_court() -> None:
    gone = line(3, Source.PHYSICIAN, -1.0)
    lines = {HOT: [line(1, Source.CRM), gone], COLD: [line(2, Source.WECOM_TAG)], AF: [gone]}
    assert kinds(Person(lines, {AF: Seen(8, 24, 9, 7)}, 32, 9)) == []
    decided = before(Kind.DENIED, [HOT], Person({HOT: lines[HOT][:1]}))
    news = is_news((Kind.DENIED, HOT, 0), Verdict.FIRST, decided, Person(lines), TERMS, NOON,
                   still=False)  # fmt: skip
    assert not news


@pytest.mark.parametrize(
    ("source", "seen", "found"),
    [
        (Source.WECOM_TAG, Seen(10, 20, 10, 0), [(Kind.NEVER_OPENED, AF, 0)]),
        (Source.WECOM_TAG, Seen(SENT_AT_LEAST - 1, 20, 10, 0), []),  # too little was sent
        (Source.WECOM_TAG, Seen(10, 20, 10, 1), []),  # something was opened
        (Source.CHANNEL, Seen(10, 20, 10, 0), []),  # nobody of sales says so
        (Source.WECOM_TAG, Seen(10, 20, 1, 0), []),  # who hardly opens anything says little
    ],
)
def test_an_interest_that_is_never_opened(
    source: Source, seen: Seen, found: list[tuple[Kind, int, int]]
) -> None:
    person = Person({AF: [line(1, source)]}, {AF: seen}, seen.sent + seen.others, seen.opened)
    assert kinds(person) == found


def test_somebody_who_opens_nothing_uses_nothing_regularly() -> None:
    silent = Person({REGULAR: [line(1, Source.CRM)]}, sent=SILENT_AT_LEAST)
    (found,) = find(silent, TERMS, NOON)
    assert (found.kind, found.proposed) == (Kind.SILENT, Verdict.SECOND)
    assert kinds(replace(silent, opened=1)) == []
    assert kinds(replace(silent, sent=SILENT_AT_LEAST - 1)) == []


def test_what_is_often_opened_and_nobody_named() -> None:
    keen = Person({}, {AF: Seen(8, 24, 9, 7)}, 32, 9)
    (found,) = find(keen, TERMS, NOON)
    assert (found.kind, found.proposed) == (Kind.UNTAGGED, Verdict.SECOND)
    everything = Person({}, {AF: Seen(8, 24, 32, 8)}, 32, 32)
    assert kinds(everything) == []
    assert kinds(replace(keen, lines={AF: [line(1, Source.CHANNEL)]})) == []


SAID = st.lists(
    st.tuples(
        st.sampled_from((AF, CAD, TRIAL, REGULAR, HOT, COLD)), st.sampled_from(list(Source)),
        st.sampled_from((1.0, 0.7, -0.8)), st.integers(0, 200),
    ),
    max_size=12,
)  # fmt: skip


@given(SAID, st.integers(0, 12), st.integers(0, 12), st.data())
def test_chances_sum_to_one_and_every_verdict_is_possible(
    said: list[tuple[int, Source, float, int]], sent: int, others: int, data: st.DataObject
) -> None:
    lines: dict[int, list[Line]] = {}
    for n, (tag, source, confidence, days) in enumerate(said):
        lines.setdefault(tag, []).append(line(n, source, confidence, days))
    with_it, elsewhere = data.draw(st.integers(0, sent)), data.draw(st.integers(0, others))
    seen = {AF: Seen(sent, others, with_it + elsewhere, with_it)} if sent else {}
    person = Person(lines, seen, sent + others, with_it + elsewhere)
    for found in find(person, TERMS, NOON):
        assert sum(found.chances.values()) == pytest.approx(1.0)
        assert 0 < found.strength <= 1
        assert found.proposed in options(found.kind)
        for verdict in options(found.kind):
            does = effect(found.kind, verdict, found.tag, found.other)
            assert set(does.confirm).isdisjoint(does.deny)
            assert set(does.confirm + does.deny) <= {found.tag, found.other}
            known = before(found.kind, [t for t in (found.tag, found.other) if t], person)
            assert not is_news(found.key, verdict, known, person, TERMS, NOON, still=True)


def test_only_what_is_new_and_speaks_against_it_is_news() -> None:
    key = (Kind.EXCLUSIVE, TRIAL, REGULAR)
    first = Person({TRIAL: [line(1, Source.CRM)], REGULAR: [line(2, Source.PERSON)]})
    known = before(key[0], [TRIAL, REGULAR], first)

    def news(tag: int, *more: Line) -> bool:
        lines = {**first.lines, tag: [*first.lines[tag], *more]}
        return is_news(key, Verdict.SECOND, known, Person(lines), TERMS, NOON, still=False)

    assert not news(TRIAL, line(3, Source.CRM))  # the same source again
    assert news(TRIAL, line(3, Source.WECOM_TAG))
    assert not news(REGULAR, line(3, Source.WECOM_TAG))  # agrees
    assert news(REGULAR, line(3, Source.WECOM_TAG, -1.0))
    assert not news(TRIAL, line(3, Source.MARKETING, 0.2))  # too faint
