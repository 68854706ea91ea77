"""Contents that physicians have, or may yet get, in moments, whose links name no recipient."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, or_, select

from app import content
from app.delivery import Dispatch, State
from app.delivery.moment_models import Moment, MomentViewer, Step
from app.identity import Identifier

IS_NONE = (State.FAILED, State.CANCELLED)  # never marked


def had(one_ids: Sequence[str], since: datetime) -> Select[str, int]:
    """(ONE ID, content) of moments since then that were shown to them or still may be."""
    return (
        select(Identifier.one_id, content.ContentVersion.content_id)
        .join(MomentViewer, MomentViewer.identifier_id == Identifier.id)
        .join(Moment, Moment.id == MomentViewer.moment_id)
        .join(content.ContentVersion, content.ContentVersion.id == Moment.content_version_id)
        .outerjoin(Dispatch, Dispatch.id == MomentViewer.dispatch_id)
        .where(Identifier.one_id.in_(one_ids), Moment.created_at > since)
        .where(Moment.step != Step.FAILED)
        .where(
            or_(
                Dispatch.id.is_(None),  # its turn has not come
                Dispatch.counts_as_contact.is_(True) & Dispatch.state.not_in(IS_NONE),
            )
        )
        .distinct()
    )
