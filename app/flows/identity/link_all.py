"""Every physician compared with every other that keys bring together: the batch of `link_due`.

everybody = read(db, tell)        features of all who live
found = scored(…)                 by our own scorer, or by Splink
place(db, found, …)               a transaction for each piece
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime

from app import linkage
from app.flows.identity.link_due import place
from app.infra.db import Database
from app.linkage import Decided, Pair, people
from app.linkage.em import Labels
from app.linkage.kit import PHYSICIANS
from app.linkage.learn import frequencies, learn
from app.linkage.model import Model
from app.linkage.pairs import blocks, candidates
from app.linkage.people import Somebody
from app.linkage.score import Scorer

PAGE = 1000
PIECE = 50  # pairs of one transaction, so that the product goes on meanwhile
Tell = Callable[[str], None]


def read(db: Database, tell: Tell) -> list[Somebody]:
    """All physicians who live and can be compared."""
    found: list[Somebody] = []
    last = ""
    while True:
        with db.reading() as session:
            page = people.after(session, last, PAGE)
            found += people.people(session, page).values()
        if not page:
            return found
        last = page[-1]
        tell(f"{len(found):,} physicians read")


def train(everybody: Sequence[Somebody], decided: Decided, now: datetime, *, splink: bool) -> Model:
    """Weights of these physicians and what was decided about them, which Splink cannot use: who was
    called one person is one record now. Raises Refused for too few, Misconfigured without Splink.
    """
    records = [one.features for one in everybody]
    version = f"{'splink' if splink else 'own'}-{now:%Y%m%d-%H%M%S}"
    trained_on = f"{len(records)} physicians of this company"
    if not splink:
        told = decided.same.total() + decided.different.total()
        return learn(
            PHYSICIANS, records, version=version, trained_on=f"{trained_on}, {told} decisions",
            labels=Labels(decided.same, decided.different, decided.joined),
        )  # fmt: skip
    from app.linkage import splink_engine

    with splink_engine.linker(records) as linking:
        return splink_engine.train(linking, len(records), version=version, trained_on=trained_on)


def scored(everybody: Sequence[Somebody], model: Model) -> list[Pair]:
    """Every likely pair that no limit forbids."""
    records = [one.features for one in everybody]
    scorer = Scorer(model, len(records))
    counted = frequencies(PHYSICIANS, records)
    found = []
    for i, j in candidates(len(records), blocks(records, PHYSICIANS.keys)):
        namesakes = counted["name"][records[i].name]
        share = {"name": scorer.share("name", namesakes)}
        pair = linkage.weigh(everybody[i], everybody[j], scorer, share)
        if pair is not None:
            found.append(pair)
    return found


def place_all(
    db: Database, found: Sequence[Pair], version: str, clock: Callable[[], datetime], tell: Tell
) -> dict[str, int]:
    """Put the pairs into the queue, join the sure ones, clear what is no question any more."""
    told: Counter[str] = Counter()
    for start in range(0, len(found), PIECE):
        with db.transaction() as session:
            linkage.one_at_a_time(session)
            piece = linkage.allowed(session, found[start : start + PIECE])
            told.update(place(session, piece, version, clock()))
        if start and start % (PIECE * 100) == 0:
            tell(f"{start:,} of {len(found):,} pairs")
    with db.transaction() as session:
        told.update({str(s.value): n for s, n in linkage.tidy(session, clock()).items() if n})
    return dict(told)
