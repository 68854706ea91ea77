"""What people say about written names that mean no institution yet; each decision can be undone.

A decision adds a name to the table of names or an institution with its name, and nothing else;
what written names mean follows from the table. So undoing takes the name away again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from app.hospitals import names, places, written
from app.hospitals.models import Decision, Institution, InstitutionAlias, Written
from app.hospitals.names import Kind
from app.hospitals.normalise import MAX_NAME, key
from app.infra.errors import NotFound, Refused

SOURCE = "review"


def is_one(
    session: Session, row_id: int, institution_id: int, *, actor: str, now: datetime
) -> Sequence[int]:
    """The written name is one more name of this institution. Gives the names that changed."""
    row = _open(session, row_id)
    owner = find(session, institution_id)
    return _named(session, row, owner, Kind.REPORTED, Decision.ALIAS, actor, now)


def is_new(
    session: Session, row_id: int, *, level: str = "", actor: str, now: datetime
) -> Sequence[int]:
    """The written name is an institution that we did not have, as it is written."""
    row = _open(session, row_id)
    if names.is_general(row.text):
        raise Refused(f"“{row.text}”太笼统，不能作为医院名称。请选择具体的医院，或忽略。")
    made = Institution(
        name=names.read(row.text).official[:MAX_NAME], level=level, province=row.province,
        province_code=places.province_code(row.province), city=row.city, source=SOURCE,
        created_at=now, updated_at=now,
    )  # fmt: skip
    session.add(made)
    session.flush()
    return _named(session, row, made, Kind.OFFICIAL, Decision.NEW, actor, now)


def ignore(session: Session, row_id: int, *, actor: str, now: datetime) -> None:
    """It is no hospital, or nobody can tell which."""
    row = _open(session, row_id)
    row.decision, row.decided_by, row.decided_at = Decision.IGNORED, actor, now
    session.flush()


def undo(session: Session, row_id: int) -> Sequence[int]:
    """As if nothing had been said. Raises Refused when later decisions build on it."""
    written.changing(session)
    row = session.get(Written, row_id)
    if row is None or not row.decision:
        raise NotFound("没有可以撤销的决定。")
    alias = session.get(InstitutionAlias, row.alias_id) if row.alias_id else None
    made = alias and row.decision == Decision.NEW and session.get(Institution, alias.institution_id)
    if made and alias and _used(session, made.id, alias.id):
        raise Refused(f"“{made.name}”已经有其他名称或院区，请先撤销那些决定。")
    row.decision, row.decided_by, row.decided_at, row.alias_id = Decision.NONE, None, None, None
    session.flush()
    if alias is None:
        return []
    keys = [alias.key]
    session.execute(delete(InstitutionAlias).where(InstitutionAlias.id == alias.id))
    if made:
        made.active = False
    return written.settle(session, keys)


def add_name(
    session: Session, institution_id: int, name: str, *, actor: str, now: datetime
) -> Sequence[int]:
    """A further name, given by a person. Raises Refused when it belongs to another institution."""
    written.changing(session)
    owner, text = find(session, institution_id), name.strip()
    if not key(text) or len(text) > MAX_NAME or names.is_general(text):
        raise Refused("请填写一个具体的名称，例如“市一院”或“XX大学附属第一医院”，不超过 120 字。")
    place = places.place(owner.city, owner.province)
    _add(session, owner, text, place, owner.province, Kind.SHORT, "person", actor, now)
    return written.settle(session, [key(text)])


def remove_name(session: Session, institution_id: int, alias_id: int) -> Sequence[int]:
    """Take a further name away. The official one stays."""
    written.changing(session)
    alias = session.get(InstitutionAlias, alias_id)
    if alias is None or alias.institution_id != institution_id:
        raise NotFound("没有这个名称。")
    if alias.kind == Kind.OFFICIAL:
        raise Refused("正式名称不能删除。")
    told = update(Written).where(Written.alias_id == alias_id)
    session.execute(told.values(alias_id=None, decision="", decided_by=None, decided_at=None))
    session.execute(delete(InstitutionAlias).where(InstitutionAlias.id == alias_id))
    return written.settle(session, [alias.key])


def find(session: Session, institution_id: int) -> Institution:
    """The institution. Raises NotFound."""
    found = session.get(Institution, institution_id)
    if found is None or not found.active:
        raise NotFound("没有这家医院。")
    return found


def _named(
    session: Session, row: Written, owner: Institution, kind: Kind, decision: Decision,
    actor: str, now: datetime,
) -> Sequence[int]:  # fmt: skip
    place = places.place(row.city, row.province)
    if not place and names.is_unplaced(row.text):
        raise Refused(
            f"“{row.text}”没有城市，许多地方都有同名医院，无法确定是哪一家。请先补充城市。"
        )
    alias = _add(session, owner, row.text, place, row.province, kind, SOURCE, actor, now)
    row.decision, row.alias_id = decision, alias.id
    row.decided_by, row.decided_at = actor, now
    session.flush()
    return written.settle(session, [row.key])


def _add(
    session: Session, owner: Institution, name: str, place: str, province: str, kind: Kind,
    source: str, actor: str, now: datetime,
) -> InstitutionAlias:  # fmt: skip
    same = select(InstitutionAlias).where(
        InstitutionAlias.key == key(name), InstitutionAlias.place == place
    )
    taken = session.scalar(same)
    if taken is not None:
        other = session.get_one(Institution, taken.institution_id).name
        raise Refused(f"“{name}”已经是“{other}”的名称。")
    alias = InstitutionAlias(
        institution_id=owner.id, name=name, key=key(name), place=place,
        province=places.province(province), kind=kind, source=source, confirmed_by=actor, at=now,
    )  # fmt: skip
    session.add(alias)
    session.flush()
    return alias


def _open(session: Session, row_id: int) -> Written:
    written.changing(session)
    row = session.get(Written, row_id)
    if row is None:
        raise NotFound("没有这个名称。")
    session.refresh(row)
    if row.institution_id is not None or row.decision:
        raise Refused(f"“{row.text}”已经有人处理了。")
    return row


def _used(session: Session, institution_id: int, alias_id: int) -> bool:
    """Whether it has other names, or campuses."""
    others = select(func.count()).where(
        InstitutionAlias.institution_id == institution_id, InstitutionAlias.id != alias_id
    )
    campuses = select(func.count()).where(
        Institution.parent_id == institution_id, Institution.active
    )
    return bool(session.scalar(others) or session.scalar(campuses))
