"""What counts as a difference, and what of it as lost. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from app.completeness import What, compare, mark_of
from app.completeness.compare import Difference
from app.completeness.due import Size, due_at, in_detail, with_followers
from app.completeness.letter import body_of, translate
from app.completeness.mark import Part, differing
from app.completeness.models import Kind
from app.connectors.wecom.types import CorpTag, Customer, Follower
from app.facts import ContactAdded, ContactRemoved, Unknown
from app.reps import RelationState, Side
from tests.conftest import NOON

WEEK_AGO, YESTERDAY = NOON - timedelta(days=7), NOON - timedelta(days=1)
FOLLOWER = Follower("rep01", "王主任", "", WEEK_AGO, (CorpTag("et1", "房颤"),), ("199",), "hall", 1)
CUSTOMER = Customer("wm1", "王某某", "oU1", True, "", "", (FOLLOWER,))
EDITED, TAGGED, AROUND = b"e" * 11, b"t" * 11, b"a" * 10  # the parts of a mark
MARK = EDITED + TAGGED + AROUND
CONNECTED = Side(1, RelationState.CONNECTED, WEEK_AGO, None, WEEK_AGO, MARK)
REMOVED = Side(1, RelationState.REMOVED_BY_REP, WEEK_AGO, YESTERDAY, WEEK_AGO, MARK)
LEFT = Side(1, RelationState.REMOVED_BY_PHYSICIAN, WEEK_AGO, YESTERDAY, WEEK_AGO, MARK)
BARE, TYPED, RENAMED = MARK.replace(b"t", b"-"), MARK.replace(b"e", b"-"), MARK.replace(b"a", b"-")


def seen(
    ours: Side | None,
    mark: bytes = MARK,
    added_at: datetime = WEEK_AGO,
    deleted_at: datetime | None = None,
    baseline: datetime | None = WEEK_AGO,
) -> tuple[What, bool] | None:
    return compare.side(
        ours, added_at=added_at, mark=mark, asked_at=NOON, baseline=baseline,
        tags_deleted_at=deleted_at,
    )  # fmt: skip


def test_what_looks_as_it_was_read_is_no_difference() -> None:
    assert seen(CONNECTED) is None


def test_a_mark_has_a_part_for_each_way_to_change() -> None:
    mark = mark_of(CUSTOMER, FOLLOWER)
    assert len(mark) == 32
    by_id_only = replace(FOLLOWER, tags=(CorpTag("et1", ""),), state="")
    assert mark_of(CUSTOMER, by_id_only, {"et1": "房颤"}) == mark, "as the batch call shows it"
    personal = replace(FOLLOWER, tags=(*FOLLOWER.tags, CorpTag("", "爱打球", kind=2)))
    assert mark_of(CUSTOMER, personal) == mark
    for changed, parts in (
        (replace(FOLLOWER, remark="王主任 心内科"), {Part.EDITED}),
        (replace(FOLLOWER, phones=("199", "198")), {Part.EDITED}),
        (replace(FOLLOWER, tags=()), {Part.TAGGED, Part.AROUND}),
        (replace(FOLLOWER, tags=(CorpTag("et1", "心房颤动"),)), {Part.AROUND}),
    ):
        assert differing(mark, mark_of(CUSTOMER, changed)) == parts
    renamed = replace(CUSTOMER, name="王某")
    assert differing(mark, mark_of(renamed, FOLLOWER)) == {Part.AROUND}


@pytest.mark.parametrize(
    ("difference", "expected"),
    [
        (seen(None, added_at=YESTERDAY), (What.ADDED, True)),
        (seen(None, added_at=YESTERDAY, baseline=None), (What.ADDED, False)),
        (seen(None, added_at=WEEK_AGO - timedelta(days=9)), (What.ADDED, False)),
        (seen(None, added_at=NOON - timedelta(seconds=20)), None),  # its callback is on its way
        (seen(REMOVED, added_at=NOON - timedelta(hours=1)), (What.ADDED, True)),
        (seen(REMOVED), (What.EDITED, False)),
        (seen(LEFT), None),  # the platform goes on listing this rep
        (seen(LEFT, added_at=NOON - timedelta(hours=1)), (What.ADDED, True)),
        (seen(CONNECTED, TYPED), (What.EDITED, True)),
        (seen(CONNECTED, BARE), (What.EDITED, True)),
        (seen(CONNECTED, BARE, deleted_at=YESTERDAY), (What.EDITED, False)),
        (seen(CONNECTED, BARE, deleted_at=WEEK_AGO - timedelta(days=1)), (What.EDITED, True)),
        (seen(CONNECTED, RENAMED), (What.EDITED, False)),
        (seen(replace(CONNECTED, mark=None)), (What.EDITED, False)),
        (seen(replace(CONNECTED, state=RelationState.ONE_SIDED)), (What.EDITED, True)),
        (seen(replace(CONNECTED, synced_at=NOON), TYPED), None),  # touched since we asked
    ],
)
def test_a_side_against_ours(difference: object, expected: object) -> None:
    assert difference == expected


def test_a_list_of_ids_tells_who_is_missing_and_who_is_gone() -> None:
    ours = {b"1": CONNECTED, b"2": CONNECTED, b"3": REMOVED, b"4": LEFT,
            b"5": replace(CONNECTED, synced_at=NOON)}  # fmt: skip
    assert compare.missing([b"1", b"3", b"4", b"9"], ours) == {b"3", b"9"}
    assert set(compare.gone([b"1"], ours, NOON)) == {b"2"}, "5 was touched since we asked"


def test_tags_are_new_renamed_or_gone() -> None:
    news = compare.tags([CorpTag("a", "一"), CorpTag("b", "二")], {"b": "贰", "c": "三"})
    assert (news.new, news.renamed, news.gone, news.number) == ({"a"}, {"b"}, {"c"}, 3)


def test_a_letter_says_what_differs_and_nothing_about_the_look() -> None:
    found = Difference(What.REMOVED, WEEK_AGO, "rep01", "wm1", lost=True)
    assert body_of(found, 7) == body_of(replace(found, lost=False), 7)
    assert body_of(found, 7) != body_of(found, 8), "after another event it is news again"
    fact = translate(body_of(found, 7), "ww")
    assert isinstance(fact, ContactRemoved)
    assert (fact.pulled, fact.by, fact.external_userid) == (True, "rep", "wm1")
    added = translate(body_of(Difference(What.ADDED, WEEK_AGO, "r", "wm", "hall"), 0), "ww")
    assert added == ContactAdded(
        at=WEEK_AGO, pulled=True, corp_id="ww", rep_userid="r", external_userid="wm", state="hall"
    )


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"what":"x"}', b'{"what":"added","at":"?"}', b"\xff"]
)
def test_an_unreadable_letter_is_kept(body: bytes) -> None:
    assert isinstance(translate(body, "ww"), Unknown)


def test_due_times_are_wall_time_in_china() -> None:
    assert due_at(Kind.HOURLY, NOON) == NOON - timedelta(minutes=43)  # 11:17
    assert due_at(Kind.HOURLY, NOON + timedelta(minutes=17)) == NOON + timedelta(minutes=17)
    assert due_at(Kind.FULL, NOON) == NOON - timedelta(hours=9, minutes=20)  # 02:40
    early = NOON - timedelta(hours=11)
    assert due_at(Kind.FULL, early) == NOON - timedelta(days=1, hours=9, minutes=20)


def test_an_hour_reads_the_details_of_those_who_waited_longest() -> None:
    sizes = [Size(1, 950, NOON), Size(2, 950, WEEK_AGO), Size(3, 950, None), Size(4, 50, YESTERDAY)]
    assert in_detail(Kind.FULL, sizes, calls=1) == {1, 2, 3, 4}
    assert in_detail(Kind.HOURLY, sizes, calls=21) == {3, 2, 4}
    assert in_detail(Kind.HOURLY, [], calls=21) == set()
    assert with_followers(Kind.HOURLY, 100_000)
    assert not with_followers(Kind.HOURLY, 100_001)
    assert with_followers(Kind.FULL, 10_000_000)
