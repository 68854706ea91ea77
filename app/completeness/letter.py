"""A difference as the body of an inbox row, and back as a fact. Pure.

The body holds what differs and the last event that was handled about the same person, nothing
else: so the same difference found again before it was handled is the same row, and a later one
is another. The time of the look is not in it.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TypedDict

from app import facts
from app.completeness.compare import Difference, What

SOURCE = "reconcile"
ABOUT_CONTACTS = (What.ADDED, What.REMOVED, What.EDITED)


class _About(TypedDict):
    at: datetime
    pulled: bool
    corp_id: str
    rep_userid: str
    external_userid: str


def body_of(difference: Difference, after: int) -> bytes:
    """The body; `after` is the id of the last handled event of the partition, 0 for none."""
    said = {
        "what": difference.what.value, "at": int(difference.at.timestamp()),
        "rep": difference.rep, "who": difference.who, "state": difference.state,
        "mark": difference.mark, "after": after,
    }  # fmt: skip
    short = {name: value for name, value in said.items() if value != ""}
    return json.dumps(short, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def partition_of(difference: Difference) -> str:
    """The same queue in which the callback would have come."""
    if difference.what in ABOUT_CONTACTS:
        return f"contact:{difference.who}"
    if difference.what is What.TAGS:
        return "global:change_external_tag"
    return f"openid:{difference.who}"


def translate(plain: bytes, receiver: str) -> facts.Fact:
    """The fact that the lost callback would have brought, marked as `pulled`."""
    try:
        said = json.loads(plain)
        what, at = What(said["what"]), datetime.fromtimestamp(int(said["at"]), UTC)
    except (ValueError, TypeError, KeyError, OverflowError, OSError) as problem:
        reason = f"unreadable: {type(problem).__name__}"
        return facts.Unknown(at=datetime.fromtimestamp(0, UTC), reason=reason)
    rep, who, state = (str(said.get(name, "")) for name in ("rep", "who", "state"))
    if what is What.TAGS:
        return facts.CorpTagChanged(at=at, pulled=True, corp_id=receiver, change="update")
    if what is What.FOLLOWED:
        return facts.Followed(at=at, pulled=True, app_id=receiver, openid=who)
    if what is What.UNFOLLOWED:
        return facts.Unfollowed(at=at, pulled=True, app_id=receiver, openid=who)
    about = _About(at=at, pulled=True, corp_id=receiver, rep_userid=rep, external_userid=who)
    if what is What.ADDED:
        return facts.ContactAdded(**about, state=state)
    if what is What.REMOVED:
        return facts.ContactRemoved(**about, by="rep")
    return facts.ContactEdited(**about, state=state)
