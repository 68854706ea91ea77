"""What the same physicians open: learned each night, in the sum, named, and only where it helps."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import insert
from sqlalchemy.orm import Session

np = pytest.importorskip("numpy", reason="numpy (requirements-recommend.lock) is not installed")

from app import content, links, recommend, tagging  # noqa: E402
from app.content import ContentVersion  # noqa: E402
from app.flows.fitting.best_content import piece_of  # noqa: E402
from app.flows.fitting.scoring import interests_of, scorer_of  # noqa: E402
from app.flows.learning.learn_tonight import learn_tonight  # noqa: E402
from app.flows.planning.candidates import consider  # noqa: E402
from app.flows.planning.near_titles import near_titles  # noqa: E402
from app.identity import Identifier  # noqa: E402
from app.infra.clock import local  # noqa: E402
from app.infra.db import Database  # noqa: E402
from app.links import PageView  # noqa: E402
from app.recommend import Response, State, Suggestion, near  # noqa: E402
from app.recommend.taught import neighbours  # noqa: E402
from app.web.reasons import to_reader  # noqa: E402
from tests.company import hire, meet, publish  # noqa: E402
from tests.conftest import SetClock  # noqa: E402

PEOPLE, EACH = 30, 12  # contents of each of two circles that no tag tells apart


@pytest.fixture
def session(database: Database, clock: SetClock) -> Session:  # type: ignore[misc]
    with database.transaction() as session:
        tagging.seed(session, clock())
        yield session  # type: ignore[misc]


def company(session: Session, now: datetime, *, true: bool) -> list[ContentVersion]:
    """Physicians opened half of their circle; `true`: they adopt what is of their circle."""
    dice, begun = np.random.default_rng(1), now - timedelta(days=120)
    rep = hire(session, "rep01", now)
    contents = [publish(session, f"示例{n}", ("af",), begun, days=400) for n in range(2 * EACH)]
    for p in range(PEOPLE):
        row = meet(session, rep, f"p{p}", begun, tags=("af",))
        circle = p % 2 * EACH
        mine = dice.permutation(EACH)
        for n in mine[: EACH // 2]:
            opened(session, row, contents[circle + n], begun)
        for n in [*(circle + mine[EACH // 2 :]), *(EACH - circle + dice.permutation(EACH)[:6])]:
            likes = circle <= n < circle + EACH if true else dice.random() < 0.5
            session.add(shown(rep.id, row, contents[n], likes, begun, len(session.new)))
        session.flush()
    return contents


def opened(session: Session, row: Identifier, version: ContentVersion, at: datetime) -> None:
    link = links.create_link(session, version.id, channel="oa", now=at, identifier_id=row.id)
    key = f"visit-{row.id}-{version.id}"
    session.execute(insert(PageView).values(link_id=link.id, visit_key=key, opened_at=at))


def shown(
    rep_id: int, row: Identifier, version: ContentVersion, likes: bool, begun: datetime, n: int
) -> Suggestion:
    at = begun + timedelta(days=1, hours=(row.id * 7919 + version.id * 104729 + n) % 2000)
    return Suggestion(
        plan_key=f"test:{version.id}", rep_id=rep_id, identifier_id=row.id,
        content_id=version.content_id, content_version_id=version.id, day=local(at).date(),
        state=State.ADOPTED if likes else State.REFUSED, refusal=None if likes else "content",
        created_at=at, delivered_at=at, answered_at=at,
    )  # fmt: skip


def test_what_the_same_physicians_open_is_learned_served_and_named(
    session: Session, clock: SetClock
) -> None:
    now = clock()
    contents = company(session, now, true=True)
    learned = learn_tonight(session, now)
    said = learned.figures["near"]
    assert said["in"], said
    assert said["log_loss_saved"][1] > 0
    assert said["openings"] == PEOPLE * EACH // 2
    recommend.keep(session, learned, now)
    assert recommend.current(session) == learned

    fresh = publish(session, "刚批准", ("af",), now)
    rep = hire(session, "rep02", now)
    row = meet(session, rep, "new", now, tags=("af",))
    for version in contents[:3]:
        opened(session, row, version, now - timedelta(hours=1))
    considered = consider(session, rep, now)
    considered.look_at([row.one_id])
    fits = {c.fit.piece.content_id: c.fit for c in considered.whole(considered.candidates)}
    circle = {version.content_id for version in contents[:EACH]}
    best = max(fits.values(), key=lambda fit: fit.score)
    assert best.piece.content_id in circle
    assert best.score == pytest.approx(sum(best.parts.values()) + sum(best.others.values()))

    titles = near_titles(session, [best], now)
    first = near.leading(best.parts)
    assert first in {version.content_id for version in contents[:3]}
    (told, *_) = recommend.reasons(
        best, considered.weights[row.one_id], tagging.names_for_reps(session),
        last_contact=None, rule="", now=now, titles=titles,
    )  # fmt: skip
    assert told == f"读过《{titles[first]}》的医生也常读这一篇"

    pieces = [piece_of(one) for one in content.usable(session, now)]
    scorer, response = scorer_of(session, pieces, now)
    held = tagging.weights(session, [row.one_id], now)
    interests = interests_of(session, held, response, now)[row.one_id]
    ranked = [fit.piece.content_id for fit in scorer.best(interests, 99)]
    others = [ranked.index(version.content_id) for version in contents[EACH:]]
    assert ranked.index(fresh.content_id) < min(others), "new, and not behind for that"
    assert set(learned.near) <= {version.content_id for version in contents}, "nobody is in it"


def test_openings_that_foresee_nothing_stay_out(session: Session, clock: SetClock) -> None:
    company(session, clock(), true=False)
    learned = learn_tonight(session, clock())
    assert not learned.figures["near"]["in"]
    assert learned.near == {}


@pytest.mark.parametrize("seed", range(3))
def test_pairs_are_counted_and_said_as_the_scorer_says_them(seed: int) -> None:
    dice = np.random.default_rng(seed)
    matrix = dice.random((60, 12)) < 0.3
    user, item = np.nonzero(matrix)
    order = dice.permutation(len(user))
    both = neighbours.together(user[order], item[order], 12)
    assert np.array_equal(both, matrix.T.astype(float) @ matrix)
    weights = neighbours.nearest(both, dice.random((12, 3)), 20.0, most=4)
    assert (weights >= 0).all()
    assert not weights.diagonal().any()
    assert ((weights > 0).sum(1) <= 4).all()
    kept = neighbours.rows(weights, range(12), 3.0, 1e-4)
    response = Response(near=kept, steep=2.0)
    now = datetime(2026, 11, 24).astimezone()
    scorer = recommend.Scorer(
        [recommend.Piece(n, n, {}, now) for n in range(12)], now, {}, response
    )
    mine = [int(n) for n in np.flatnonzero(matrix[0])]
    whole = [sum(w * scorer.row(own).get(c, 0.0) for own, w in near.weights(mine).items())
             for c in range(12)]  # fmt: skip
    assert neighbours.said(kept, [mine] * 12, range(12)) / 2 == pytest.approx(whole)


def test_few_answers_say_little_and_contrary_ones_nothing() -> None:
    dice = np.random.default_rng(0)
    tags, beside = dice.normal(size=4000), dice.random(4000)
    good = (dice.random(4000) < 1 / (1 + np.exp(-tags - 2 * beside))).astype(float)
    assert neighbours.weigh(tags, beside, good) == pytest.approx(2.0, abs=0.5)
    assert neighbours.weigh(tags[:8], beside[:8], good[:8]) < 8
    assert neighbours.weigh(tags, -beside, good) == 0.0


def test_a_long_title_is_cut_and_a_hidden_one_is_not_named() -> None:
    parts = {near.key(7): 0.5, 3: 0.2}
    assert near.leading({3: 0.6, near.key(7): 0.5}) is None
    assert near.leading({near.key(7): -0.5}) is None
    told = near.sentence(parts, {7: "很长的题目" * 9}, 30)
    assert len(told) == 30
    assert told.endswith("…》的医生也常读这一篇")
    assert near.sentence(parts, {}, 30) == ""
    assert near.stored_name(near.key(7)) == "read:7"
    assert near.stored_name(3) == "3"


def test_a_reader_is_told_of_other_readers_and_of_the_own_doing_in_words_that_fit() -> None:
    reasons = [
        "读过《房颤抗凝》的医生也常读这一篇",
        "读过「心衰」内容（3 天前）",
        "CRM 记录关注「心衰」",
    ]
    assert to_reader(reasons) == [reasons[0], "您读过「心衰」内容"]
