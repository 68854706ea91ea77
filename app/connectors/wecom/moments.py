"""客户朋友圈: a post that a member confirms and that contacts with one of our tags see.

developer.work.weixin.qq.com/document/path/95094 and 93333. Creating is asynchronous: the call gives
a job, the job a moment, and the moment says later which member has published it to whom. It may be
called ten times a minute and 100,000 times a month.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.connectors.errors import BadRequest, OutcomeUnknown
from app.connectors.wecom.attachments import cut_bytes
from app.connectors.wecom.types import OWN_GROUP
from app.connectors.wecom.wire import Wire

Json = dict[str, Any]
TEXT_BYTES, TITLE_BYTES = 4000, 128
READY = 3  # of a job
ENTERPRISE = 0
NAME_TAKEN = 40071


@dataclass(frozen=True, slots=True)
class MomentJob:
    """How far the making of a moment is; `errcode` when it failed."""

    ready: bool
    moment_id: str
    errcode: int


class Moments:
    """The calls about moments of one app's line."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def own_tag(self, name: str) -> str:
        """The id of the tag `name` in our own group, made when missing. Raises OutcomeUnknown when
        the platform gives none: without a tag everybody would see the moment."""
        body = {"group_name": OWN_GROUP, "tag": [{"name": name}]}
        try:
            made = self._wire.post("externalcontact/add_corp_tag", body).get("tag_group", {})
        except BadRequest as problem:
            if problem.code != NAME_TAKEN:
                raise
            made = {"tag": [{"name": name, "id": self._find_tag(name)}]}
        for tag in made.get("tag", ()):
            if tag["name"] == name and tag["id"]:
                return str(tag["id"])
        raise OutcomeUnknown("externalcontact/add_corp_tag: no tag in the answer")

    def drop_tag(self, tag_id: str) -> None:
        """The tag disappears, from every contact as well."""
        self._wire.post("externalcontact/del_corp_tag", {"tag_id": [tag_id]})

    def cover(self, picture: bytes) -> str:
        """The id of a picture for a link, good for three days."""
        params = {"media_type": "image", "attachment_type": "1"}
        answer = self._wire.upload("media/upload_attachment", params, "cover.png", picture)
        return str(answer.get("media_id") or "")

    def add(
        self, userid: str, tag_id: str, text: str, *, title: str, url: str, media_id: str
    ) -> str:
        """Ask for a moment of this member for contacts with this tag; gives the job's id."""
        link = {"title": cut_bytes(title, TITLE_BYTES), "url": url, "media_id": media_id}
        body = {
            "text": {"content": cut_bytes(text, TEXT_BYTES)},
            "attachments": [{"msgtype": "link", "link": link}],
            "visible_range": {
                "sender_list": {"user_list": [userid]},
                "external_contact_list": {"tag_list": [tag_id]},
            },
        }
        return str(self._wire.post("externalcontact/add_moment_task", body).get("jobid") or "")

    def job(self, job_id: str) -> MomentJob:
        """What became of the job; it is known for 24 hours."""
        answer = self._wire.get("externalcontact/get_moment_task_result", {"jobid": job_id})
        result = answer.get("result") or {}
        return MomentJob(
            int(answer.get("status") or 0) == READY, str(result.get("moment_id") or ""),
            int(result.get("errcode") or 0),
        )  # fmt: skip

    def find(self, url: str, since: datetime, until: datetime) -> str:
        """The moment with this link among the company's, or ""; at most 30 days apart."""
        body = {
            "start_time": int(since.timestamp()), "end_time": int(until.timestamp()),
            "filter_type": ENTERPRISE, "limit": 20,
        }  # fmt: skip
        for item in self._pages("externalcontact/get_moment_list", body, "moment_list"):
            if (item.get("link") or {}).get("url") == url:
                return str(item.get("moment_id") or "")
        return ""

    def is_published(self, moment_id: str, userid: str) -> bool:
        """Whether the member has confirmed."""
        body = {"moment_id": moment_id, "limit": 1000}
        return any(
            str(item.get("userid", "")).lower() == userid.lower()
            and int(item.get("publish_status") or 0) == 1
            for item in self._pages("externalcontact/get_moment_task", body, "task_list")
        )

    def seen_by(self, moment_id: str, userid: str) -> set[str]:
        """The contacts who can see what this member has published."""
        body = {"moment_id": moment_id, "userid": userid, "limit": 3000}
        found = self._pages("externalcontact/get_moment_send_result", body, "customer_list")
        return {str(item.get("external_userid") or "").strip() for item in found}

    def cancel(self, moment_id: str) -> None:
        """Nobody can confirm it any more."""
        self._wire.post("externalcontact/cancel_moment_task", {"moment_id": moment_id})

    def _find_tag(self, name: str) -> str:
        answer = self._wire.post("externalcontact/get_corp_tag_list", {})
        return next(
            (
                str(tag["id"])
                for group in answer.get("tag_group", ())
                if group.get("group_name") == OWN_GROUP
                for tag in group.get("tag", ())
                if tag.get("name") == name and not tag.get("deleted")
            ),
            "",
        )

    def _pages(self, path: str, body: Json, name: str) -> Iterator[Json]:
        cursor = ""
        while True:
            answer = self._wire.post(path, body | {"cursor": cursor})
            yield from answer.get(name) or ()
            cursor, before = answer.get("next_cursor") or "", cursor
            if cursor in ("", before):
                return
