"""What a physician chose on the own page, as reps and staff read it."""

from __future__ import annotations

from collections.abc import Mapping

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app import consent, tagging
from app.consent import NOTHING_CHOSEN, PACES
from app.reps import Rep
from app.web.sentences import said


def own_words(session: Session, one_id: str, reps: Mapping[int, Rep]) -> list[str]:
    """One sentence for each kind of choice; `reps`: those whom the reader may hear of."""
    own = consent.own(session, [one_id]).get(one_id, NOTHING_CHOSEN)
    names = tagging.names_for_reps(session)
    topics = "、".join(names[tag] for tag in sorted(own.topics) if tag in names)
    off = "、".join(reps[rep].name for rep in sorted(own.reps) if rep in reps)
    return [
        text
        for text, holds in (
            (said(PACES.get(own.days or 0, "")), own.days),
            (_("医生不希望收到：%(topics)s", topics=topics), topics),
            (_("医生不希望由这些代表联系：%(reps)s", reps=off), off),
            (_("医生请求删除资料"), own.leaves),
        )
        if holds
    ]
