"""Institutions, all names they go by, and the names that sources wrote.

Which institution a written name means is a function of the name, its city and the table of
aliases; `Written` keeps the answer once for all physicians who have it, and is the queue of what
a person should look at.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.hospitals.normalise import MAX_KEY, MAX_NAME
from app.infra.db import Base, BigId, UtcDateTime


class Decision(StrEnum):
    """What a person said about a written name."""

    NONE = ""
    ALIAS = "alias"  # it is one more name of an institution
    NEW = "new"  # an institution we did not have
    IGNORED = "ignored"  # no hospital, or nobody can tell


class Institution(Base):
    """A hospital, or one campus of it. An inactive one was made by mistake and has no name left."""

    __tablename__ = "institution"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name: Mapped[str] = mapped_column(String(MAX_NAME))
    level: Mapped[str] = mapped_column(String(20), default="")
    province: Mapped[str] = mapped_column(String(40), default="")
    province_code: Mapped[str] = mapped_column(String(2), default="")  # GB/T 2260
    city: Mapped[str] = mapped_column(String(40), default="")
    city_code: Mapped[str] = mapped_column(String(4), default="")
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("institution.id"), index=True)
    active: Mapped[bool] = mapped_column(default=True)
    source: Mapped[str] = mapped_column(String(40))  # import:3, review
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)

    @property
    def public_id(self) -> str:
        """How people and other systems call it; it never changes."""
        return f"H{self.id:06d}"


class InstitutionAlias(Base):
    """A name, in its normal form unique within a city. `place` "": the city is not known."""

    __tablename__ = "institution_alias"
    __table_args__ = (UniqueConstraint("key", "place"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    institution_id: Mapped[int] = mapped_column(ForeignKey("institution.id"), index=True)
    name: Mapped[str] = mapped_column(String(MAX_NAME))
    key: Mapped[str] = mapped_column(String(MAX_KEY))  # normalise.key
    place: Mapped[str] = mapped_column(String(40), default="")  # places.place
    province: Mapped[str] = mapped_column(String(40), default="")  # places.province
    kind: Mapped[str] = mapped_column(String(12))  # names.Kind
    source: Mapped[str] = mapped_column(String(40))  # import:3, review, person
    confirmed_by: Mapped[str | None] = mapped_column(String(80))
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class Written(Base):
    """A hospital as a source wrote it, what it means, and what a person said about it."""

    __tablename__ = "hospital_written"
    __table_args__ = (UniqueConstraint("text", "city", "province"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    text: Mapped[str] = mapped_column(String(MAX_NAME))
    city: Mapped[str] = mapped_column(String(40), default="")
    province: Mapped[str] = mapped_column(String(40), default="")
    key: Mapped[str] = mapped_column(String(MAX_KEY), index=True)
    compound: Mapped[bool] = mapped_column(default=False)  # brackets: it may be found by parts
    institution_id: Mapped[int | None] = mapped_column(ForeignKey("institution.id"), index=True)
    decision: Mapped[str] = mapped_column(String(8), default=Decision.NONE)
    alias_id: Mapped[int | None] = mapped_column(ForeignKey("institution_alias.id"))
    decided_by: Mapped[str | None] = mapped_column(String(80))
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    first_seen_at: Mapped[datetime] = mapped_column(UtcDateTime)


class HospitalImport(Base):
    """An uploaded file: looked at first, then applied. Its rows stay until then."""

    __tablename__ = "hospital_import"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    filename: Mapped[str] = mapped_column(String(200))
    actor: Mapped[str] = mapped_column(String(80))
    rows: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    rejections: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    figures: Mapped[dict[str, int]] = mapped_column(JSON)  # what was done, once it is
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    applied_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
