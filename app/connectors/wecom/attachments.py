"""Attachments of welcome and group messages, within the platform's lengths. Pure.

The platform refuses a whole message for one long title; here it is cut, with an ellipsis.
Lengths: developer.work.weixin.qq.com/document/path/92135.
"""

from __future__ import annotations

from typing import Any

LINK_BYTES = {"title": 128, "desc": 512}
MOST = 9

Json = dict[str, Any]


def fit(attachments: list[Json]) -> list[Json]:
    """The same attachments with link texts that fit. Raises ValueError for too many."""
    if len(attachments) > MOST:
        raise ValueError(f"attachments: at most {MOST}")
    return [_fit(one) for one in attachments]


def cut_bytes(text: str, most: int) -> str:
    """`text`, or its beginning and an ellipsis, in at most `most` bytes of UTF-8."""
    if len(text.encode()) <= most:
        return text
    return text.encode()[: most - len("…".encode())].decode(errors="ignore") + "…"


def _fit(attachment: Json) -> Json:
    if attachment.get("msgtype") != "link":
        return attachment
    link = dict(attachment["link"])
    for name, most in LINK_BYTES.items():
        if name in link:
            link[name] = cut_bytes(str(link[name]), most)
    return {**attachment, "link": link}
