"""Versions of the vocabulary: every change makes one, and any of them can come back.

    version = change(session, edit, actor=…, note=…, now=…)    `edit`: the vocabulary → another one
    keep(session, …)        for changes of single rows: what differs at the commit is a version

A version is never changed. Going back is a newer one.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session, defer

from app.identity import changed
from app.infra.clock import utc_now
from app.infra.db import before_commit
from app.infra.errors import NotFound, Refused
from app.tagging import refusals, stored
from app.tagging.checking import new_problems
from app.tagging.differences import Change, changes, touched
from app.tagging.document import Document, from_json, to_text
from app.tagging.lexicon import LEXICON
from app.tagging.models import Tag, TagAssertion, VocabularyVersion

PENDING = "vocabulary version"
LOCK = 0x59495356  # any constant: one writer of the vocabulary at a time
CHUNK = 500
BEGUN = "开始记录版本时的词表"
LOOKED_BACK = 1000
_NEWEST_FIRST = (
    select(VocabularyVersion)
    .options(defer(VocabularyVersion.snapshot))
    .order_by(VocabularyVersion.number.desc())
)

Edit = Callable[[Document], Document]


def change(
    session: Session,
    edit: Edit,
    *,
    actor: str,
    note: str = "",
    kind: str = "edit",
    always: bool = False,
    now: datetime,
) -> VocabularyVersion | None:
    """Make the vocabulary what `edit` gives; None when it is that already and not `always`.

    Raises Refused with every problem that the change would bring.
    """
    before = begin(session, now)
    after = edit(before)
    if lost := sorted(before.by_key.keys() - after.by_key.keys()):
        raise Refused(f"标签不能删除，只能停用：{'、'.join(lost[:5])}。")
    if wrong := new_problems(before, after):
        raise Refused(" ".join(dict.fromkeys(one.text for one in wrong)))
    if not always and not changes(before, after):
        return None
    stored.write(session, after, now)
    LEXICON.changed(session)
    refusals.admit(session, before, after)
    _follow(session, before, after)
    return record(session, before, after, actor=actor, note=note, kind=kind, now=now)


def begin(session: Session, now: datetime) -> Document:
    """The vocabulary as it is, nobody else changing it until this transaction is over."""
    lock(session)
    before = stored.read(session)
    _first(session, before, now)
    return before


def record(
    session: Session,
    before: Document,
    after: Document,
    *,
    actor: str,
    note: str,
    kind: str,
    now: datetime,
) -> VocabularyVersion:
    """Write down what is in the tables already."""
    version = VocabularyVersion(
        number=newest_number(session) + 1, at=now, actor=actor, kind=kind, note=note[:300],
        changes=[one.as_json() for one in changes(before, after)], snapshot=_packed(after),
    )  # fmt: skip
    session.add(version)
    session.flush()
    return version


def keep(
    session: Session,
    *,
    actor: str = "system",
    note: str = "",
    kind: str = "edit",
    now: datetime | None = None,
) -> None:
    """Call it before rows of the vocabulary change: what is otherwise at the commit is a version.

    The first call of a transaction says by whom and why.
    """
    if PENDING not in session.info.get("last", {}):
        lock(session)
        moment = now or utc_now()
        _first(session, stored.read(session), moment)
        before_commit(session, PENDING, lambda late: _compare(late, actor, note, kind, moment))


def listing(session: Session, limit: int = 100, before: int = 0) -> Sequence[VocabularyVersion]:
    """Versions, newest first; page on with `before`."""
    rows = _NEWEST_FIRST.limit(limit)
    return session.scalars(rows.where(VocabularyVersion.number < before) if before else rows).all()


def get(session: Session, number: int) -> VocabularyVersion:
    """One version. Raises NotFound."""
    found = session.get(VocabularyVersion, number)
    if found is None:
        raise NotFound(f"没有词表版本 {number}。")
    return found


def document_of(version: VocabularyVersion) -> Document:
    """The vocabulary as that version left it."""
    return from_json(json.loads(zlib.decompress(version.snapshot)))


def between(session: Session, older: int, newer: int) -> list[Change]:
    """What is otherwise in one version than in another. Raises NotFound."""
    return changes(document_of(get(session, older)), document_of(get(session, newer)))


def of_tag(
    session: Session, key: str, limit: int = 20
) -> list[tuple[VocabularyVersion, list[str]]]:
    """Of the newest versions those that changed this tag, newest first, with the fields."""
    found = []
    for version in session.scalars(_NEWEST_FIRST.limit(LOOKED_BACK)):
        mine = [one["field"] for one in version.changes if _is_about(one, key)]
        if mine:
            found.append((version, mine))
        if len(found) == limit:
            break
    return found


def changed_since(session: Session, key: str, number: int) -> int | None:
    """The newest version above `number` that changed this tag itself."""
    later = session.scalars(_NEWEST_FIRST.where(VocabularyVersion.number > number))
    for version in later:
        if any(one["of"] == "tag" and one["key"] == key for one in version.changes):
            return version.number
    return None


def newest_number(session: Session) -> int:
    """The number of the version in force; 0 before the first."""
    return session.scalar(select(func.max(VocabularyVersion.number))) or 0


def lock(session: Session) -> None:
    """One transaction changes the vocabulary at a time; SQLite lets one write anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("select pg_advisory_xact_lock(:key)"), {"key": LOCK})


def _is_about(change: dict[str, Any], key: str) -> bool:
    """It changes this tag, an opposite of it, or lets another become it."""
    if change["of"] == "opposite":
        return key in change["key"].split(" ")
    merged = change["field"] == "merged_into" and key in (change["before"], change["after"])
    return change["of"] == "tag" and (change["key"] == key or merged)


def _first(session: Session, document: Document, now: datetime) -> None:
    if newest_number(session) == 0 and document.tags:
        record(session, document, document, actor="system", note=BEGUN, kind="start", now=now)


def _compare(session: Session, actor: str, note: str, kind: str, now: datetime) -> None:
    after, number = stored.read(session), newest_number(session)
    before = document_of(get(session, number)) if number else Document()
    if changes(before, after):
        kind = kind if number else "start"
        record(session, before, after, actor=actor, note=note, kind=kind, now=now)
        session.flush()


def _follow(session: Session, before: Document, after: Document) -> None:
    keys = sorted(touched(before, after))
    for start in range(0, len(keys), CHUNK):
        mine = select(Tag.id).where(Tag.key.in_(keys[start : start + CHUNK]))
        changed.note_all(
            session, TagAssertion.identifier_id,
            TagAssertion.tag_id.in_(mine), TagAssertion.superseded_at.is_(None),
        )  # fmt: skip


def _packed(document: Document) -> bytes:
    return zlib.compress(to_text(document).encode(), 6)
