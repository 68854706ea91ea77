"""The receiver of Official Account callbacks, safe mode only. Pure.

The plain `signature` covers token, time and nonce but not the body: whoever holds one triple
could forge any body. So a POST must carry `msg_signature` over its `Encrypt`; plain fields that
the compatible mode adds are never read.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from app.connectors.callback_crypto import Rejected, Secrets, fresh, open_body, sign

MAX_ECHO = 256


@dataclass(frozen=True, slots=True)
class Receiver:
    """Opens what the Official Account platform sends to one callback address."""

    secrets: Secrets

    def check_url(self, args: Mapping[str, str], now: datetime, window_s: int) -> bytes:
        """The echo text as it came (it is not encrypted in any mode). Raises Rejected."""
        timestamp, nonce = fresh(args, now, window_s)
        given, echo = args.get("signature", ""), args.get("echostr", "")
        if not given.isascii() or not echo.isascii() or not 0 < len(echo) <= MAX_ECHO:
            raise Rejected("form")
        expected = sign(self.secrets.token, timestamp, nonce)
        if not hmac.compare_digest(expected.encode(), given.encode()):
            raise Rejected("signature")
        return echo.encode()

    def open(self, args: Mapping[str, str], body: bytes, now: datetime, window_s: int) -> bytes:
        """The decrypted event. Raises Rejected."""
        return open_body(self.secrets, args, body, now, window_s)
