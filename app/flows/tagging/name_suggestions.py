"""What names that wait may mean: the tagging domain's signals, and what their carriers open."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from app.content.models import VersionTag
from app.identity.models import Identifier
from app.infra.direct import Direct
from app.infra.many import among
from app.journey import Happened, Touchpoint
from app.tagging import Suggestion, UnmappedName, suggesting

OPENED = (Happened.CONTENT_OPENED, Happened.CONTENT_READ)


def suggest(
    session: Session, names: Collection[UnmappedName], limit: int = 3
) -> dict[int, list[Suggestion]]:
    """Up to `limit` tags for each of these names, by its id, best first."""
    found = suggesting.carriers(session, names)
    opened = {
        name: dict(_OPENED.all(session, {"people": people}))
        for name, people in found.of_name.items() if people
    }  # fmt: skip
    return suggesting.suggestions(session, names, found, opened, limit)


_OPENED = Direct(
    select(VersionTag.tag_id, func.count(Identifier.one_id.distinct()))
    .join(Touchpoint, Touchpoint.content_version_id == VersionTag.version_id)
    .join(Identifier, Identifier.id == Touchpoint.identifier_id)
    .where(among(Identifier.one_id, "people"))
    .where(or_(*(Touchpoint.kind == kind for kind in OPENED)))
    .group_by(VersionTag.tag_id),
    lambda tag_id, number: (tag_id, number),
)
