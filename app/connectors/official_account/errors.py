"""The Official Account's error codes; the same number can mean another thing than in WeCom."""

from __future__ import annotations

from app.connectors import errors as e
from app.infra.errors import Permanent, Transient

KINDS: dict[int, type[Transient] | type[Permanent]] = {
    -1: e.Busy,
    **dict.fromkeys((45009, 45011, 43117), e.RateLimited),
    **dict.fromkeys((40001, 40014, 42001), e.TokenExpired),
    **dict.fromkeys((40013, 40125), e.BadCredential),
    **dict.fromkeys((40164, 48001, 48002, 48004, 48006, 50001), e.NotAllowed),
    **dict.fromkeys((40003, 43004, 43101, 46004), e.PersonGone),
    **dict.fromkeys((45015, 45047), e.WindowClosed),
}
