"""What reps and physicians get of a content: text to forward, or a mass-message task."""

from __future__ import annotations

from typing import Any

from app.content import ContentVersion
from app.identity import Physician
from app.infra.clock import local


def greeting(physician: Physician, version: ContentVersion) -> str:
    """The sentence above the link."""
    what = "邀请您参加会议" if version.starts_at else "这份资料供您参考"
    return f"{physician.name or '医生'}您好，{what}："


def about(version: ContentVersion) -> str:
    """The summary; of a meeting when and where it is before it."""
    if version.starts_at is None:
        return version.summary
    return f"{when_and_where(version)}。{version.summary}"


def when_and_where(version: ContentVersion) -> str:
    """Of a meeting; "" of anything else."""
    if version.starts_at is None:
        return ""
    return f"{local(version.starts_at):%m月%d日 %H:%M} · {version.place or '线上'}"


def forward_text(physician: Physician, version: ContentVersion, url: str) -> str:
    """For the rep, ready to forward."""
    name = physician.name or "医生"
    return (
        f"【可转发给 {name}】\n{greeting(physician, version)}\n"
        f"《{version.title}》\n{about(version)}\n{url}"
    )


def task_fields(
    external_userid: str, physician: Physician, version: ContentVersion, url: str
) -> dict[str, Any]:
    """A mass-message task for one contact; the client fits it to the platform's lengths."""
    return {
        "external_userid": external_userid,
        "text": greeting(physician, version),
        "link": {
            "title": version.title,
            "desc": about(version),
            "url": url,
        },
    }


def account_fields(app_id: str, openid: str, version: ContentVersion, url: str) -> dict[str, Any]:
    """An article of the Official Account for one follower."""
    return {
        "app_id": app_id, "openid": openid, "url": url, "title": version.title,
        "text": about(version),
    }  # fmt: skip


def moment_fields(version: ContentVersion, url: str) -> dict[str, Any]:
    """What contacts see in their moments: nobody is addressed by name."""
    return {"text": about(version) or version.title, "title": version.title, "url": url}
