"""What reps and physicians get of a content: text to forward, or a mass-message task."""

from __future__ import annotations

from typing import Any

from app.content import ContentVersion
from app.identity import Physician


def greeting(physician: Physician) -> str:
    """The sentence above the link."""
    return f"{physician.name or '医生'}您好，这份资料供您参考："


def forward_text(physician: Physician, version: ContentVersion, url: str) -> str:
    """For the rep, ready to forward."""
    name = physician.name or "医生"
    return (
        f"【可转发给 {name}】\n{greeting(physician)}\n《{version.title}》\n{version.summary}\n{url}"
    )


def task_fields(
    external_userid: str, physician: Physician, version: ContentVersion, url: str
) -> dict[str, Any]:
    """A mass-message task for one contact; the client fits it to the platform's lengths."""
    return {
        "external_userid": external_userid,
        "text": greeting(physician),
        "link": {
            "title": version.title,
            "desc": version.summary,
            "url": url,
        },
    }


def account_fields(app_id: str, openid: str, version: ContentVersion, url: str) -> dict[str, Any]:
    """An article of the Official Account for one follower."""
    return {
        "app_id": app_id, "openid": openid, "url": url, "title": version.title,
        "text": version.summary,
    }  # fmt: skip


def moment_fields(version: ContentVersion, url: str) -> dict[str, Any]:
    """What contacts see in their moments: nobody is addressed by name."""
    return {"text": version.summary or version.title, "title": version.title, "url": url}
