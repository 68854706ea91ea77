"""What of a suggestion's reasons is true at the moment in which it is read.

They are kept as they were written, for the suggestion's day. Since then days have passed, the two
may have been in touch, and a tag may have gone: the physician has deleted it, say.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import journey, recommend, tagging
from app.identity import Identifier
from app.infra.clock import local
from app.recommend import Suggestion
from app.recommend.fit import forms
from app.recommend.fit.forms import Form, Said

TOUCHED = (Form.LAST_CONTACT, Form.NO_CONTACT)


def reasons_now(
    session: Session, rows: Sequence[Suggestion], now: datetime
) -> dict[int, list[str]]:
    """By suggestion, those that hold, as they are said today; for reps and physicians: none that
    names what only staff may see."""
    whose = _whose(session, rows)
    truths = _truths(session, set(whose.values()), now)
    today = local(now).date()
    return {
        row.id: tagging.without_hidden(
            session,
            truths[whose[row.identifier_id]].of(row.reasons, (today - row.day).days, now),
        )
        for row in rows
    }  # fmt: skip


def reasons_of(session: Session, row: Suggestion, now: datetime) -> list[str]:
    """The same of one."""
    return reasons_now(session, [row], now)[row.id]


@dataclass(frozen=True, slots=True)
class _Truth:
    """About one person: the names of tags that hold, of those that could; the last contact."""

    held: Collection[str]
    gone: Collection[str]
    last: datetime | None

    def of(self, sentences: Iterable[str], days: int, now: datetime) -> list[str]:
        """These, `days` after they were written."""
        told = []
        for text in sentences:
            said = forms.read(text)
            if said is not None and said.form in TOUCHED:
                told.append(self._touched(now))
            elif said is None or self._holds(said):
                told.append(forms.later(text, days))
        return told

    def _holds(self, said: Said) -> bool:
        """False where it names a tag that is gone; a name may be cut by the length of a line, or be
        one of the past."""
        name = said.words.get("tag", "")
        if name.endswith("…"):
            begins = name[:-1]
            return not _any_begins(self.gone, begins) or _any_begins(self.held, begins)
        return name not in self.gone

    def _touched(self, now: datetime) -> str:
        if self.last is None:
            return Form.NO_CONTACT.say()
        return Form.LAST_CONTACT.say(when=recommend.ago(self.last, now))


def _any_begins(names: Iterable[str], begins: str) -> bool:
    return any(name.startswith(begins) for name in names)


def _whose(session: Session, rows: Sequence[Suggestion]) -> Mapping[int, str]:
    """Identifier → ONE ID."""
    mine = Identifier.id.in_({row.identifier_id for row in rows})
    found = session.execute(select(Identifier.id, Identifier.one_id).where(mine))
    return {row.id: row.one_id for row in found}


def _truths(session: Session, one_ids: Collection[str], now: datetime) -> dict[str, _Truth]:
    names = tagging.names_for_reps(session)
    last = journey.last_at(session, list(one_ids))
    return {
        one_id: _Truth(
            {names[tag] for tag in held if tag in names},
            {name for tag, name in names.items() if tag not in held},
            last.get(one_id),
        )
        for one_id, held in tagging.weights(session, one_ids, now).items()
    }
