"""The followers of an Official Account, compared: the list page by page, then who has gone.

Somebody who is missing in the list is asked about before we believe it: to have left means to be
erased.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import completeness, identity
from app.completeness import Call, Difference, PullRun, PullSeen, PullSubject, Stage, What
from app.connectors.errors import OutOfReach, PersonGone
from app.connectors.official_account.client import OfficialAccount
from app.flows import Outside
from app.flows.completeness.reconcile_tell import numbers, tell
from app.identity import Id, Identifier, Kind

CONFIRM = 100  # openids of one call
CHUNK = 500
LONG_AGO = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


@dataclass(frozen=True, slots=True)
class Suspects:
    """Followers of ours that the list did not show: openid → since when we know it."""

    since: dict[str, datetime] = field(default_factory=dict)
    last_id: int = 0


@dataclass(frozen=True, slots=True)
class Page:
    """An answer: openids of the list, or those of the suspects who have really left."""

    openids: Sequence[str] = ()
    next_cursor: str = ""
    suspects: Suspects = field(default_factory=Suspects)
    gone: frozenset[str] = frozenset()


def look(session: Session, call: Call) -> Suspects:
    """Whom to ask about."""
    if call.stage != Stage.CONFIRM:
        return Suspects()
    on_a_page = select(PullSeen.value_hash).where(PullSeen.subject_id == call.subject_id)
    rows = session.scalars(
        select(Identifier)
        .where(
            Identifier.kind == Kind.OPENID, Identifier.namespace == call.account,
            Identifier.id > int(call.cursor or 0), Identifier.value_hash.not_in(on_a_page),
        )
        .order_by(Identifier.id)
        .limit(CONFIRM)
    ).all()  # fmt: skip
    known = {row.value: row.first_seen_at for row in rows if row.value}  # "": forgotten
    return Suspects(known, rows[-1].id if rows else 0)


def ask(call: Call, suspects: Suspects, outside: Outside) -> Page:
    """The next page of the list, or what became of the suspects."""
    account = outside.official_accounts[call.account]
    if call.stage == Stage.CONFIRM:
        gone = frozenset(o for o in suspects.since if o not in _following(account, suspects))
        return Page(suspects=suspects, gone=gone)
    openids, following = account.follower_page(call.cursor)
    return Page(openids=openids, next_cursor=following)


def take(
    session: Session, call: Call, subject: PullSubject, run: PullRun, page: Page, now: datetime
) -> None:
    """Compare the answer, tell the differences, and say what comes next."""
    lost = completeness.baseline(session) is not None
    if call.stage == Stage.CONFIRM:
        since = page.suspects.since
        found = [
            Difference(What.UNFOLLOWED, since[openid], who=openid, lost=lost)
            for openid in sorted(page.gone)
        ]
    else:
        found = _new_followers(session, call, subject, page.openids, lost=lost)
    told = tell(session, call.account, found, now)
    completeness.note(subject, run, *numbers(told), now)
    if call.stage == Stage.LIST:
        following = (Stage.LIST, page.next_cursor) if page.next_cursor else (Stage.CONFIRM, "")
        completeness.go_on(subject, *following, now)
    elif page.suspects.last_id:
        completeness.go_on(subject, Stage.CONFIRM, str(page.suspects.last_id), now)
    else:
        completeness.end(session, subject, run, now)


def _new_followers(
    session: Session, call: Call, subject: PullSubject, openids: Sequence[str], *, lost: bool
) -> list[Difference]:
    hashes = {
        identity.value_hash(Id(Kind.OPENID, call.account, openid)): openid for openid in openids
    }
    known = _known(session, call.account, list(hashes))
    first = not call.cursor
    subject.there = len(hashes) + (0 if first else subject.there)
    subject.known = len(known) + (0 if first else subject.known)
    completeness.see(session, subject, hashes)
    return [
        Difference(What.FOLLOWED, LONG_AGO, who=openid, lost=lost)
        for key, openid in hashes.items()
        if key not in known
    ]


def _known(session: Session, app_id: str, hashes: Sequence[bytes]) -> set[bytes]:
    found: set[bytes] = set()
    for start in range(0, len(hashes), CHUNK):
        rows = session.scalars(
            select(Identifier).where(
                Identifier.kind == Kind.OPENID, Identifier.namespace == app_id,
                Identifier.value_hash.in_(hashes[start : start + CHUNK]),
            )
        )  # fmt: skip
        found |= {bytes(row.value_hash) for row in rows if row.value}
    return found


def _following(account: OfficialAccount, suspects: Suspects) -> set[str]:
    if not suspects.since:
        return set()
    try:
        return {one.openid for one in account.user_infos(list(suspects.since)) if one.subscribed}
    except (PersonGone, OutOfReach):  # one is unknown, and the platform does not say which
        return {openid for openid in suspects.since if _follows(account, openid)}


def _follows(account: OfficialAccount, openid: str) -> bool:
    try:
        return account.user_info(openid).subscribed
    except PersonGone:
        return False
    except OutOfReach:  # an openid that it does not know: nothing says that they have left
        return True
