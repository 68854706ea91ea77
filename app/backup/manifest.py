"""What a backup says about itself, so that a restore can refuse before it touches anything."""

from __future__ import annotations

import base64
import json
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import LargeBinary, select, type_coerce
from sqlalchemy.orm import Session

from app.infra import crypto
from app.infra.errors import Refused
from app.infra.rotation import encrypted_columns

FORMAT = 1
NAME = "manifest.json"
INDEX_CHECK = "backup.index_check"


@dataclass(frozen=True, slots=True)
class Sample:
    """A stored value as it lies in a column: it can be read only with the right key."""

    context: str
    value: str  # base64


@dataclass(frozen=True, slots=True)
class Manifest:
    """`counts` are rows by table; `index_check` fits only one blind-index key."""

    kind: str  # sqlite, postgresql
    revision: str
    version: str
    made_at: str
    sha256: str
    index_check: str
    counts: dict[str, int]
    samples: list[Sample] = field(default_factory=list)
    format: int = FORMAT

    def encode(self) -> bytes:
        """JSON."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1).encode()

    @classmethod
    def decode(cls, text: bytes) -> Manifest:
        """Raises Refused for anything that is not a manifest that we can read."""
        try:
            values: dict[str, Any] = json.loads(text)
            if values["format"] != FORMAT:
                raise Refused("这个备份来自另一个版本的 yishu backup，请用对应版本恢复。")
            samples = [Sample(**one) for one in values.pop("samples")]
            return cls(**values, samples=samples)
        except (ValueError, KeyError, TypeError):
            raise Refused("这不是 yishu backup 的文件，或者已经损坏。") from None


def index_check() -> str:
    """The same for the same blind-index key."""
    return crypto.blind_index("yishu", INDEX_CHECK).hex()


def take_samples(session: Session) -> list[Sample]:
    """The first and the last stored value of every encrypted column: old keys and new ones."""
    found = []
    for table, columns in encrypted_columns():
        (key,) = table.primary_key.columns
        for column in columns:
            raw = type_coerce(column, LargeBinary)
            for order in (key.asc(), key.desc()):
                value = session.scalar(
                    select(raw).where(column.is_not(None)).order_by(order).limit(1)
                )
                if value:
                    text = base64.b64encode(bytes(value)).decode()
                    found.append(Sample(column.type.context, text))  # type: ignore[attr-defined]
    return found


def require_keys(manifest: Manifest) -> None:
    """Raises Refused unless the configured keys read this backup and find things in it."""
    ring = crypto.ring()
    for sample in manifest.samples:
        try:
            ring.decrypt(base64.b64decode(sample.value), sample.context)
        except crypto.Undecryptable:
            raise Refused(
                "YISHU_ENCRYPTION_KEYS 解不开这个备份，什么都没有改动。请找回备份当时的密钥。"
            ) from None
    if manifest.index_check != index_check():
        raise Refused(
            "YISHU_ENCRYPTION_KEYS 的 index 密钥与备份时不同，什么都没有改动。"
            "用它将找不到任何手机号和账号，请找回当时的 index 密钥。"
        )
