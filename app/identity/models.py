"""ONE ID: identifiers, the evidence that links them, and the physicians that result.

The partition is a pure function of evidence and overrides (`partition.py`); every table that
records a result (`Identifier.one_id`, `Physician`) can be rebuilt from the others.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    func,
    text,
    true,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.db import Base, BigId, Encrypted, UtcDateTime


class Kind(StrEnum):
    """Kinds of identifiers, as in the API."""

    LICENCE_NO = "licence_no"
    CRM_ID = "crm_id"
    UNIONID = "unionid"
    WECOM_EXTERNAL_USERID = "wecom_external_userid"
    OPENID = "openid"
    PHONE = "phone"
    DEVICE = "device"


class IdentifierStatus(StrEnum):
    """Whether an identifier links: blocked and shared values do not."""

    ACTIVE = "active"
    BLOCKED = "blocked"
    SHARED = "shared"
    QUARANTINED = "quarantined"


class Component(Base):
    """A raw connected component: the row that is locked while its partition is computed."""

    __tablename__ = "identity_component"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    size: Mapped[int] = mapped_column(default=0)
    merged_into: Mapped[int | None] = mapped_column(ForeignKey("identity_component.id"))


class Identifier(Base):
    """(kind, namespace, value) of a person. History and tags point here, never at a ONE ID."""

    __tablename__ = "identifier"
    __table_args__ = (UniqueConstraint("kind", "namespace", "value_hash"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str] = mapped_column(String(24))
    namespace: Mapped[str] = mapped_column(String(64), default="")
    value_hash: Mapped[bytes] = mapped_column(LargeBinary(32))  # blind index
    value: Mapped[str] = mapped_column(Encrypted("identifier.value"))
    component_id: Mapped[int] = mapped_column(ForeignKey("identity_component.id"), index=True)
    one_id: Mapped[str] = mapped_column(String(24), index=True)
    status: Mapped[str] = mapped_column(String(12), default=IdentifierStatus.ACTIVE)
    split_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # taken apart from others
    first_seen_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Evidence(Base):
    """Two identifiers seen together in one event, from a source with a trust."""

    __tablename__ = "evidence"
    __table_args__ = (
        UniqueConstraint("event_key", "a_id", "b_id"),
        CheckConstraint("a_id < b_id", name="ordered"),
        Index("ix_evidence_pair", "a_id", "b_id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    event_key: Mapped[str] = mapped_column(String(120))  # inbox:12, import:3:45, override:9
    a_id: Mapped[int] = mapped_column(ForeignKey("identifier.id"))
    b_id: Mapped[int] = mapped_column(ForeignKey("identifier.id"), index=True)
    kind: Mapped[str] = mapped_column(String(16))  # cooccur, api_assert, crm_master, human
    source: Mapped[str] = mapped_column(String(40))  # wecom.externalcontact_get, crm.import …
    trust: Mapped[int] = mapped_column(default=50)  # 0–100
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    active: Mapped[bool] = mapped_column(default=True)


class IdentifierName(Base):
    """A name under which a weak value was told, by the strongest identifier told with it (itself,
    when there is none): a blind index of how the surname sounds. The newest word of each counts."""

    __tablename__ = "identifier_name"

    identifier_id: Mapped[int] = mapped_column(ForeignKey("identifier.id"), primary_key=True)
    teller_id: Mapped[int] = mapped_column(
        ForeignKey("identifier.id"), primary_key=True, index=True
    )
    token: Mapped[bytes] = mapped_column(LargeBinary(8))
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class Override(Base):
    """A person's judgement: must, cannot, block_value, unblock, detach. Retracting undoes it."""

    __tablename__ = "identity_override"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    a_id: Mapped[int] = mapped_column(ForeignKey("identifier.id"), index=True)
    b_id: Mapped[int | None] = mapped_column(ForeignKey("identifier.id"), index=True)
    actor: Mapped[str] = mapped_column(String(80))
    reason: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    retracted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    retracted_by: Mapped[str | None] = mapped_column(String(80))


class IdentityLog(Base):
    """What changed in the partition and why; append only."""

    __tablename__ = "identity_log"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    kind: Mapped[str] = mapped_column(String(16))  # create, attach, merge, split, conflict, shared
    cause: Mapped[str] = mapped_column(String(120))  # an evidence event key or override:ID
    before: Mapped[dict[str, Any]] = mapped_column(JSON)
    after: Mapped[dict[str, Any]] = mapped_column(JSON)
    rule_version: Mapped[int]


class Conflict(Base):
    """Two groups that evidence would join but a limit or a cannot-link keeps apart."""

    __tablename__ = "identity_conflict"
    __table_args__ = (UniqueConstraint("a_id", "b_id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    component_id: Mapped[int] = mapped_column(ForeignKey("identity_component.id"), index=True)
    a_id: Mapped[int] = mapped_column(ForeignKey("identifier.id"))
    b_id: Mapped[int] = mapped_column(ForeignKey("identifier.id"))
    reason: Mapped[str] = mapped_column(String(60))  # limit:licence_no, cannot_link …
    state: Mapped[str] = mapped_column(String(10), default="open")
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class Physician(Base):
    """A ONE ID with the surviving attributes of its identifiers, for display and search."""

    __tablename__ = "physician"
    __table_args__ = (
        Index(
            "ix_physician_link_due", "one_id",
            sqlite_where=text("link_due = true"), postgresql_where=text("link_due = true"),
        ),
    )  # fmt: skip

    one_id: Mapped[str] = mapped_column(String(24), primary_key=True)
    anchor_id: Mapped[int | None] = mapped_column(ForeignKey("identifier.id"))
    live: Mapped[bool] = mapped_column(default=True)  # False: see redirect_to
    redirect_to: Mapped[str | None] = mapped_column(String(24))
    name: Mapped[str | None] = mapped_column(Encrypted("physician.name"))
    title: Mapped[str] = mapped_column(String(40), default="")
    specialty: Mapped[str] = mapped_column(String(60), default="", index=True)
    department: Mapped[str] = mapped_column(String(80), default="")
    hospital: Mapped[str] = mapped_column(String(120), default="", index=True)
    city: Mapped[str] = mapped_column(String(40), default="")
    province: Mapped[str] = mapped_column(String(40), default="")
    institution_id: Mapped[int | None] = mapped_column(
        ForeignKey("institution.id"), index=True
    )  # what the hospital, as written, means
    verified: Mapped[bool] = mapped_column(default=False)  # holds a licence number
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    link_due: Mapped[bool] = mapped_column(default=True, server_default=true())
    """What is known has changed, and nobody has looked yet who else this may be."""


class PhysicianToken(Base):
    """Blind-indexed fragments of a physician's name, so that names can be searched encrypted."""

    __tablename__ = "physician_token"

    token: Mapped[bytes] = mapped_column(LargeBinary(8), primary_key=True)
    one_id: Mapped[str] = mapped_column(
        ForeignKey("physician.one_id", ondelete="CASCADE"), primary_key=True, index=True
    )


class ProfileValue(Base):
    """An attribute that a source reported for an identifier; the best one survives."""

    __tablename__ = "profile_value"
    __table_args__ = (UniqueConstraint("identifier_id", "attribute", "source"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    identifier_id: Mapped[int] = mapped_column(
        ForeignKey("identifier.id", ondelete="CASCADE"), index=True
    )
    attribute: Mapped[str] = mapped_column(String(20))  # name, title, specialty, hospital …
    value: Mapped[str] = mapped_column(Encrypted("profile_value.value"))
    source: Mapped[str] = mapped_column(String(40))
    trust: Mapped[int] = mapped_column(default=50)
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class PersonChanged(Base):
    """Something has changed of whoever has this identifier, or of this ONE ID; see `changed.py`.

    Without foreign keys: a mark holds and blocks nobody.
    """

    __tablename__ = "person_changed"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    identifier_id: Mapped[int | None] = mapped_column(BigInteger)
    one_id: Mapped[str | None] = mapped_column(String(24))
    at: Mapped[datetime] = mapped_column(UtcDateTime, server_default=func.now())


class PersonNews(Base):
    """Something has happened to whoever has this identifier, or of this ONE ID; see `news.py`.

    Without foreign keys, as `PersonChanged`.
    """

    __tablename__ = "person_news"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    identifier_id: Mapped[int | None] = mapped_column(BigInteger)
    one_id: Mapped[str | None] = mapped_column(String(24))
    kind: Mapped[str] = mapped_column(String(24), default="")  # of touchpoint; "": who it is


class QualityDay(Base):
    """The figures of one day, to see where they go."""

    __tablename__ = "identity_quality"

    day: Mapped[date] = mapped_column(primary_key=True)  # in China
    figures: Mapped[dict[str, int]] = mapped_column(JSON)
    more: Mapped[dict[str, Any] | None] = mapped_column(JSON)  # what came later
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class ImportBatch(Base):
    """One uploaded file: nothing of it is applied unless every row was read.

    `accepted` counts while rows are taken, and so tells after an interruption how far it came.
    """

    __tablename__ = "import_batch"

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    filename: Mapped[str] = mapped_column(String(200))
    actor: Mapped[str] = mapped_column(String(80))
    rows: Mapped[int] = mapped_column(default=0)
    accepted: Mapped[int] = mapped_column(default=0)
    rejected: Mapped[int] = mapped_column(default=0)
    rejections: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
