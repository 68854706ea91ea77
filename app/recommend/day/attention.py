"""The attention of physicians as a budget: what a contact today takes from the rest of the week,
and which brand has had more than its share. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.recommend.day.plan import Candidate, Person, Wish

SHARE = 0.5  # how much of its worth a content loses whose brand has had everything lately


def reserve_prices(
    wishes: Sequence[Wish[Person]], left: Mapping[Person, int], days: int
) -> dict[Person, float]:
    """What each physician's attention is worth to those who will not get it this week.

    `left`: contacts that the caps still allow; `days`: working days left in the week, today
    counted in. Only what a rep can come to in these days counts as demand, and only by how much it
    is better than the first that the rep would come to instead. The price falls through the week
    and is nothing on its last day: what is not used by then is lost.
    """
    if days <= 1:
        return {}
    demand: dict[Person, list[float]] = {}
    for wish in wishes:
        for person, worth in _reachable(wish, days):
            demand.setdefault(person, []).append(worth)
    prices = {}
    for person, worths in demand.items():
        room = max(1, left.get(person, 1))
        if len(worths) > room:
            price = sorted(worths, reverse=True)[room] * (days - 1) / days
            if price > 0:
                prices[person] = price
    return prices


def brand_fee(
    candidate: Candidate[Person], brand: int | None, had: Mapping[int, int], wanting: set[int]
) -> float:
    """What a content pays because its brand `had` more contacts with this physician than its share.

    `wanting`: the brands that want the physician today. A brand alone pays nothing.
    """
    brands = wanting | {other for other, times in had.items() if times}
    total = sum(had.values())
    if brand is None or not total or len(brands) < 2:
        return 0.0
    excess = had.get(brand, 0) / total - 1 / len(brands)
    return SHARE * candidate.fit.score * max(0.0, excess)


def _reachable(wish: Wish[Person], days: int) -> list[tuple[Person, float]]:
    """Whom the rep can come to in these days, with how much better each is than the next one."""
    ranked, reach = wish.ranked(), wish.limit * days
    best: dict[Person, float] = {}
    place = 0
    while len(best) <= reach and (candidate := ranked.at(place)) is not None:
        best.setdefault(candidate.person, candidate.worth)
        place += 1
    first = list(best.items())
    instead = max(0.0, first[reach][1]) if len(first) > reach else 0.0
    return [(person, worth - instead) for person, worth in first[:reach]]
