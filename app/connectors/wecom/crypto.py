"""The receiver of WeCom callbacks. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from app.connectors.callback_crypto import Rejected, Secrets, open_body, open_text

__all__ = ["Receiver", "Rejected"]


@dataclass(frozen=True, slots=True)
class Receiver:
    """Opens what WeCom sends to one callback address."""

    secrets: Secrets

    def check_url(self, args: Mapping[str, str], now: datetime, window_s: int) -> bytes:
        """The plain echo text of the URL check. Raises Rejected."""
        return open_text(self.secrets, args, args.get("echostr", ""), now, window_s)

    def open(self, args: Mapping[str, str], body: bytes, now: datetime, window_s: int) -> bytes:
        """The decrypted event. Raises Rejected."""
        return open_body(self.secrets, args, body, now, window_s)
