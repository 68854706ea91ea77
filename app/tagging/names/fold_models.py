"""What people decided about foreign names, each to be taken back with one click."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.db import Base, BigId, Encrypted, EncryptedJson, UtcDateTime
from app.infra.errors import YishuError


class FoldKind(StrEnum):
    """What was decided."""

    FOLD = "fold"  # it means a tag
    NEW = "new"  # a tag was made of it
    KNOWN = "known"  # the vocabulary had learnt it meanwhile: nobody decided here
    IGNORE = "ignore"  # it means nothing to us


class TagFolding(Base):
    """One decision about one name, which `people` carried; those of one click share a batch."""

    __tablename__ = "tag_folding"
    __table_args__ = (Index("ix_tag_folding_at", "at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    name_id: Mapped[int] = mapped_column(ForeignKey("tag_unmapped.id"), index=True)
    kind: Mapped[str] = mapped_column(String(8))
    tag_id: Mapped[int | None] = mapped_column(ForeignKey("tag.id"), index=True)
    batch: Mapped[str] = mapped_column(String(32), index=True)
    people: Mapped[int] = mapped_column(default=0)
    reason: Mapped[str] = mapped_column(Text, default="")
    actor: Mapped[str] = mapped_column(String(80))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    undone_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    undone_by: Mapped[str] = mapped_column(String(80), default="")


@dataclass(slots=True)
class Decided:
    """What one click decided, and what it could not, each with what to do about it."""

    rows: list[TagFolding] = field(default_factory=list)
    refused: list[YishuError] = field(default_factory=list)


class TagImport(Base):
    """A file of a marketing tool between upload and confirmation; what it held goes when it was
    taken. `table`: header and cells. `figures` also say what undoing it did."""

    __tablename__ = "tag_import"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    filename: Mapped[str] = mapped_column(String(200))
    tool: Mapped[str] = mapped_column(String(40), default="")
    table: Mapped[list[list[str]]] = mapped_column(EncryptedJson("tag_import.table"))
    figures: Mapped[dict[str, int]] = mapped_column(JSON)
    actor: Mapped[str] = mapped_column(String(80))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    applied_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    undone_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    undone_by: Mapped[str | None] = mapped_column(String(80))
    undone_reason: Mapped[str | None] = mapped_column(Encrypted("tag_import.undone_reason"))


class TagImportChange(Base):
    """What a tool said of a physician before and after one of its files was taken: folded names,
    `before` with evidence and time. Nobody changes `names`; undoing a file hands its `before` to
    the next newer one about the same physician."""

    __tablename__ = "tag_import_change"
    __table_args__ = (UniqueConstraint("import_id", "identifier_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    import_id: Mapped[int] = mapped_column(ForeignKey("tag_import.id", ondelete="CASCADE"))
    identifier_id: Mapped[int] = mapped_column(
        ForeignKey("identifier.id", ondelete="CASCADE"), index=True
    )
    before: Mapped[dict[str, list[str]]] = mapped_column(JSON)
    names: Mapped[list[str]] = mapped_column(JSON)


class TagImportWork(Base):
    """What a worker is to do with a file, take it or take it back (`kind`), and how far it is. It
    goes when that is done; with a `problem` it stays until somebody asks again."""

    __tablename__ = "tag_import_work"

    import_id: Mapped[int] = mapped_column(
        ForeignKey("tag_import.id", ondelete="CASCADE"), primary_key=True
    )
    kind: Mapped[str] = mapped_column(String(8))
    columns: Mapped[dict[str, str]] = mapped_column(JSON)  # number → what it holds
    reason: Mapped[str | None] = mapped_column(Encrypted("tag_import_work.reason"))
    actor: Mapped[str] = mapped_column(String(80))
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    done: Mapped[int] = mapped_column(default=0)  # physicians
    total: Mapped[int] = mapped_column(default=0)
    seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # by whoever is at it
    problem: Mapped[str] = mapped_column(Text, default="")
