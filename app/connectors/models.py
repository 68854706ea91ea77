"""Access tokens of the platforms, shared by all processes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from app.infra.db import Base, Encrypted, UtcDateTime


class PlatformToken(Base):
    """One token or ticket; `generation` counts refreshes, the lock lets one process refresh."""

    __tablename__ = "platform_token"

    key: Mapped[str] = mapped_column(String(160), primary_key=True)
    value: Mapped[str | None] = mapped_column(Encrypted("platform_token.value"))
    generation: Mapped[int] = mapped_column(default=0)
    fetched_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    lock_holder: Mapped[str | None] = mapped_column(String(64))
    lock_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    refused_until: Mapped[datetime | None] = mapped_column(UtcDateTime)  # bad secret: do not ask
