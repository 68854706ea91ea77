"""The one vocabulary and who asserts what about whom."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Float,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.db import Base, BigId, Encrypted, UtcDateTime


class Owner(StrEnum):
    """Who is responsible for a tag's meaning."""

    SALES = "sales"
    MARKETING = "marketing"
    MEDICAL = "medical"
    SYSTEM = "system"


class Sensitivity(StrEnum):
    """Who may see that somebody has the tag."""

    NORMAL = "normal"  # staff, and the reps of the physician
    STAFF = "staff"  # staff only: reps see neither the tag nor a reason that names it


class Source(StrEnum):
    """Where an assertion comes from."""

    WECOM_TAG = "wecom_tag"  # corp tag on the contact
    WECOM_PERSONAL = "wecom_personal"  # a rep's own tag on the contact
    MARKETING = "marketing"  # imported from a marketing tool
    RULE = "rule"  # an automatic tag
    VERDICT = "verdict"  # the outcome of a tag case
    CHANNEL = "channel"  # QR code or contact way it came through
    CRM = "crm"
    CONTENT_READ = "content_read"
    MESSAGE = "message"  # keyword in what the physician wrote
    PERSON = "person"  # somebody set it in the console
    REP_FEEDBACK = "rep_feedback"
    PHYSICIAN = "physician"  # the physician's own “not me”: stronger than all others, never fades


class TagCategory(Base):
    """A branch of the vocabulary."""

    __tablename__ = "tag_category"

    key: Mapped[str] = mapped_column(String(40), primary_key=True)
    name: Mapped[str] = mapped_column(String(40))
    parent_key: Mapped[str | None] = mapped_column(ForeignKey("tag_category.key"))
    exclusive: Mapped[bool] = mapped_column(default=False)  # at most one of its tags holds
    position: Mapped[int] = mapped_column(default=0)


class Tag(Base):
    """An entry of the vocabulary.

    `half_life_days` None: it does not fade. `may_assert`: sources by comma, empty for all.
    `mirrored`: it is kept equal as a corp tag in WeCom. `merged_into_id`: whoever says this tag
    means that one; what was approved with it stays as it is.
    """

    __tablename__ = "tag"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    key: Mapped[str] = mapped_column(String(60), unique=True)
    name: Mapped[str] = mapped_column(String(40), unique=True)
    category_key: Mapped[str] = mapped_column(ForeignKey("tag_category.key"), index=True)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("tag.id"))
    owner: Mapped[str] = mapped_column(String(12))
    meaning: Mapped[str] = mapped_column(Text, default="")
    half_life_days: Mapped[int | None]
    sensitivity: Mapped[str] = mapped_column(String(12), server_default=Sensitivity.NORMAL)
    may_assert: Mapped[str] = mapped_column(String(200), server_default="")
    mirrored: Mapped[bool] = mapped_column(server_default=false())
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("tag.id"))
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class TagOpposite(Base):
    """Two tags that contradict each other; `a_id` is the smaller."""

    __tablename__ = "tag_opposite"

    a_id: Mapped[int] = mapped_column(ForeignKey("tag.id"), primary_key=True)
    b_id: Mapped[int] = mapped_column(ForeignKey("tag.id"), primary_key=True, index=True)


class TagSynonym(Base):
    """Another name of a tag, as a source writes it; `source` "any" holds everywhere."""

    __tablename__ = "tag_synonym"
    __table_args__ = (UniqueConstraint("source", "raw"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    tag_id: Mapped[int] = mapped_column(ForeignKey("tag.id"), index=True)
    source: Mapped[str] = mapped_column(String(20), default="any")
    raw: Mapped[str] = mapped_column(String(80))  # folded: NFKC, lower case, no blanks


class NameState(StrEnum):
    """What became of a name that no synonym covered."""

    WAITING = "waiting"
    FOLDING = "folding"  # it means a tag now, and not all of its carriers have followed yet
    FOLDED = "folded"  # it means a tag now
    RETURNING = "returning"  # it means nothing any more, and its carriers are on their way back
    IGNORED = "ignored"  # somebody said that it means nothing to us


class UnmappedName(Base):
    """A tag name that no synonym covered: it waits here with the persons who carry it, and stays
    when somebody has said what it means.

    `seen` is the number of those persons.
    """

    __tablename__ = "tag_unmapped"
    __table_args__ = (
        UniqueConstraint("source", "raw"),
        Index("ix_tag_unmapped_state", "state", "seen"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    source: Mapped[str] = mapped_column(String(20))
    raw: Mapped[str] = mapped_column(String(80))
    seen: Mapped[int] = mapped_column(default=0)
    last_at: Mapped[datetime] = mapped_column(UtcDateTime)
    state: Mapped[str] = mapped_column(
        String(10), default=NameState.WAITING, server_default=NameState.WAITING
    )


class CorpTagName(Base):
    """A tag of a corp, as WeCom listed it last. Names change without a word to its carriers."""

    __tablename__ = "corp_tag"
    __table_args__ = (UniqueConstraint("corp_id", "tag_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    corp_id: Mapped[str] = mapped_column(String(64))
    tag_id: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(80))
    group_name: Mapped[str] = mapped_column(String(80), default="")
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class TagSighting(Base):
    """A person carries a name that nobody has mapped yet; it becomes an assertion when folded."""

    __tablename__ = "tag_sighting"
    __table_args__ = (
        UniqueConstraint("identifier_id", "source", "scope", "raw"),
        Index("ix_tag_sighting_name", "source", "raw"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    identifier_id: Mapped[int] = mapped_column(ForeignKey("identifier.id", ondelete="CASCADE"))
    source: Mapped[str] = mapped_column(String(20))
    scope: Mapped[str] = mapped_column(String(100))  # the part of the source that says so
    raw: Mapped[str] = mapped_column(String(80))  # folded
    evidence: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class TagAssertion(Base):
    """“This person has this tag”: by whom, on what evidence, how sure, since when.

    Never overwritten, only superseded. `ref` names the evidence: touchpoint:12, wecom_tag:et1 …
    `overruled_by`: the tag case whose verdict superseded it, unless its source took it back since.
    `raw` is the foreign name (folded) that was read as this tag, if one was.
    """

    __tablename__ = "tag_assertion"
    __table_args__ = (
        UniqueConstraint("identifier_id", "tag_id", "source", "ref"),
        Index("ix_tag_assertion_tag", "tag_id", "superseded_at"),
        Index("ix_tag_assertion_person", "identifier_id", "superseded_at"),
        Index(
            "ix_tag_assertion_overruled", "overruled_by",
            sqlite_where=text("overruled_by IS NOT NULL"),
            postgresql_where=text("overruled_by IS NOT NULL"),
        ),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    identifier_id: Mapped[int] = mapped_column(ForeignKey("identifier.id", ondelete="CASCADE"))
    tag_id: Mapped[int] = mapped_column(ForeignKey("tag.id"))
    source: Mapped[str] = mapped_column(String(20))
    ref: Mapped[str] = mapped_column(String(120))
    evidence: Mapped[str] = mapped_column(Text, default="")  # one Chinese sentence, no names
    raw: Mapped[str] = mapped_column(String(80), default="", server_default="")
    confidence: Mapped[float] = mapped_column(default=1.0)  # 0–1; negative asserts the opposite
    actor: Mapped[str] = mapped_column(String(80), default="system")
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    superseded_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    overruled_by: Mapped[int | None] = mapped_column(BigInteger)


class TagRefused(Base):
    """What a source said that may not assert the tag. It counts for nothing and is not lost: it
    becomes an assertion when the source may. `moved_by`: the migration that lets it go on as
    `moved_ref` of the tag `moved_to`; until that is taken back nobody reads this row."""

    __tablename__ = "tag_refused"
    __table_args__ = (
        UniqueConstraint("identifier_id", "tag_id", "source", "ref"),
        Index("ix_tag_refused_tag", "tag_id", "source"),
        Index(
            "ix_tag_refused_moved", "moved_by",
            sqlite_where=text("moved_by IS NOT NULL"),
            postgresql_where=text("moved_by IS NOT NULL"),
        ),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    identifier_id: Mapped[int] = mapped_column(ForeignKey("identifier.id", ondelete="CASCADE"))
    tag_id: Mapped[int] = mapped_column(ForeignKey("tag.id"))
    source: Mapped[str] = mapped_column(String(20))
    ref: Mapped[str] = mapped_column(String(120))
    evidence: Mapped[str] = mapped_column(Text, default="")
    confidence: Mapped[float] = mapped_column(default=1.0)
    actor: Mapped[str] = mapped_column(String(80), default="system")
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    raw: Mapped[str] = mapped_column(String(80), default="", server_default="")
    moved_by: Mapped[int | None] = mapped_column(BigInteger)
    moved_to: Mapped[int | None] = mapped_column(BigInteger)
    moved_ref: Mapped[str | None] = mapped_column(String(120))


class ForbiddenWord(Base):
    """A word that this company allows in no tag, beside those of the law (`forbidden`)."""

    __tablename__ = "tag_forbidden"

    word: Mapped[str] = mapped_column(String(40), primary_key=True)  # folded
    reason: Mapped[str] = mapped_column(String(200))


class VocabularyVersion(Base):
    """The vocabulary as it was after a change. `changes`: what is otherwise than in the version
    before; `snapshot`: all of it as canonical JSON, compressed."""

    __tablename__ = "vocabulary_version"

    number: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor: Mapped[str] = mapped_column(String(80))
    kind: Mapped[str] = mapped_column(String(12))
    note: Mapped[str] = mapped_column(String(300), default="")
    changes: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    snapshot: Mapped[bytes] = mapped_column(LargeBinary)


class TagMigration(Base):
    """Assertions that a version moved to other tags. `origin_id`: the first of those that do the
    same again after it was undone."""

    __tablename__ = "tag_migration"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    version: Mapped[int] = mapped_column(ForeignKey("vocabulary_version.number"), index=True)
    tag_id: Mapped[int] = mapped_column(ForeignKey("tag.id"))
    spec: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    moved: Mapped[int] = mapped_column(default=0)
    origin_id: Mapped[int | None] = mapped_column(ForeignKey("tag_migration.id"))
    undone_in: Mapped[int | None] = mapped_column(ForeignKey("vocabulary_version.number"))


class TagMove(Base):
    """One assertion that a migration ended, and the tag and `ref` under which it goes on."""

    __tablename__ = "tag_move"
    __table_args__ = (UniqueConstraint("migration_id", "assertion_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    migration_id: Mapped[int] = mapped_column(ForeignKey("tag_migration.id"))
    assertion_id: Mapped[int] = mapped_column(
        ForeignKey("tag_assertion.id", ondelete="CASCADE"), index=True
    )
    target_id: Mapped[int] = mapped_column(ForeignKey("tag.id"))
    ref: Mapped[str] = mapped_column(String(120))


class TagReliability(Base):
    """How reliable a source is, for one tag or (`tag_id` 0) for tags of which nothing was learned.

    `applied` is what weights are made of; the rest is what was learned last. `exposures`: contents
    with the tag that its carriers were sent, `opens` of them were opened; `expected`: opens of the
    same physicians if the tag meant nothing. `informed`: sure cases that would say as much.
    """

    __tablename__ = "tag_reliability"

    source: Mapped[str] = mapped_column(String(20), primary_key=True)
    tag_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    applied: Mapped[float] = mapped_column(Float(53))
    learned: Mapped[float | None] = mapped_column(Float(53))
    low: Mapped[float | None] = mapped_column(Float(53))
    high: Mapped[float | None] = mapped_column(Float(53))
    people: Mapped[int] = mapped_column(default=0)
    exposures: Mapped[int] = mapped_column(default=0)
    opens: Mapped[int] = mapped_column(default=0)
    expected: Mapped[float] = mapped_column(Float(53), default=0.0)
    informed: Mapped[float] = mapped_column(Float(53), default=0.0)
    learned_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    fixed_by: Mapped[str | None] = mapped_column(String(80))  # whoever set it by hand
    fixed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class TagReliabilityChange(Base):
    """What `applied` was and became: learned (`actor` "system"), set by hand, or given back."""

    __tablename__ = "tag_reliability_change"
    __table_args__ = (Index("ix_tag_reliability_change_of", "source", "tag_id", "id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    source: Mapped[str] = mapped_column(String(20))
    tag_id: Mapped[int] = mapped_column(BigInteger)
    was: Mapped[float] = mapped_column(Float(53))
    became: Mapped[float] = mapped_column(Float(53))
    people: Mapped[int] = mapped_column(default=0)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor: Mapped[str] = mapped_column(String(80))
    reason: Mapped[str | None] = mapped_column(Encrypted("tag_reliability_change.reason"))
