"""WeCom's moments: a job, then a post that each member confirms, seen by contacts with a tag."""

from __future__ import annotations

from flask import request

from app.sandbox.answers import Code, Route, need, ok, size
from app.sandbox.world import Json, Relation, World

TEXT_CHARACTERS, TEXT_BYTES, TITLE_BYTES, LINKS = 2000, 4000, 128, 1
A_MINUTE, JOB_LIFE_S, MAKING_S = 10, 24 * 3600, 2.0
SHOWN_A_MONTH = 4


def add(route: Route, world: World) -> None:
    """Mount the endpoints."""

    @route("/media/upload_attachment")
    def upload(_body: Json) -> Json:
        need(request.args.get("media_type") == "image", 40004, "invalid media type")
        need(request.args.get("attachment_type") == "1", 40058)
        need(request.files.get("media"), 41005, "media data missing")
        media_id = world.next_id("media")
        world.media[media_id] = world.now()
        return ok(type="image", media_id=media_id, created_at=int(world.now()))

    @route("/externalcontact/add_moment_task")
    def add_task(body: Json) -> Json:
        recent = [m for m in world.moments.values() if world.now() - m["at"] < 60]
        need(len(recent) < A_MINUTE, 45009)
        text, link = _parts(world, body)
        wanted = body.get("visible_range") or {}
        senders = [str(u).lower() for u in (wanted.get("sender_list") or {}).get("user_list") or ()]
        tags = list((wanted.get("external_contact_list") or {}).get("tag_list") or ())
        moment_id, job_id = world.next_id("mom"), world.next_id("job")
        world.moments[moment_id] = {
            "id": moment_id, "job": job_id, "at": world.now(), "text": text, "link": link,
            "senders": [u for u in senders or world.members if u in world.members], "tags": tags,
            "bad_senders": [u for u in senders if u not in world.members],
            "bad_tags": [tag for tag in tags if world.tag(tag) is None],
            "published": {}, "seen": {}, "cancelled": False,
        }  # fmt: skip
        world.changed()
        return ok(jobid=job_id)

    @route("/externalcontact/get_moment_task_result")
    def job(_body: Json) -> Json:
        wanted = request.args.get("jobid")
        moment = next((m for m in world.moments.values() if m["job"] == wanted), None)
        if moment is None or world.now() - moment["at"] > JOB_LIFE_S:
            raise Code(40058, "invalid jobid")
        if world.now() - moment["at"] < MAKING_S:
            return ok(status=2, type="add_moment_task")
        failed = not moment["senders"]
        result = {
            "errcode": 40003 if failed else 0, "errmsg": "invalid userid" if failed else "ok",
            "moment_id": "" if failed else moment["id"],
            "invalid_sender_list": {"user_list": moment["bad_senders"], "department_list": []},
            "invalid_external_contact_list": {"tag_list": moment["bad_tags"]},
        }  # fmt: skip
        return ok(status=3, type="add_moment_task", result=result)

    @route("/externalcontact/get_moment_list")
    def listing(body: Json) -> Json:
        start, end = float(body.get("start_time", 0)), float(body.get("end_time", 0))
        need(end - start <= 30 * 24 * 3600, 40058)
        found = [m for m in world.moments.values() if start <= m["at"] <= end and m["senders"]]
        shown = [
            {"moment_id": m["id"], "create_time": int(m["at"]), "create_type": 0,
             "visible_type": int(not m["tags"]), "text": {"content": m["text"]},
             "link": {"title": m["link"].get("title", ""), "url": m["link"].get("url", "")}}
            for m in found
        ]  # fmt: skip
        return ok(moment_list=shown, next_cursor="")

    @route("/externalcontact/get_moment_task")
    def members(body: Json) -> Json:
        moment = _moment(world, body)
        rows = [{"userid": u, "publish_status": int(u in moment["published"])}
                for u in moment["senders"]]  # fmt: skip
        return ok(task_list=rows, next_cursor="")

    @route("/externalcontact/get_moment_send_result")
    def seen(body: Json) -> Json:
        moment, userid = _moment(world, body), str(body.get("userid", "")).lower()
        need(userid in moment["senders"], 40003)
        rows = [{"external_userid": e} for e in moment["seen"].get(userid, ())]
        return ok(customer_list=rows, next_cursor="")

    @route("/externalcontact/cancel_moment_task")
    def cancel(body: Json) -> Json:
        _moment(world, body)["cancelled"] = True
        world.changed()
        return ok()


def publish(world: World, moment_id: str, userid: str) -> Json:
    """The member confirms: contacts with the tag, and not too many of them this month, see it."""
    moment, userid = world.moments[moment_id], userid.lower()
    need(userid in moment["senders"] and not moment["cancelled"], 40058)
    need(userid not in moment["published"], 40058, "published already")
    sides = [s for s in world.relations if s.userid.lower() == userid and _carries(s, moment)]
    seen = [s.external_userid for s in sides if _sees(world, s.external_userid)]
    moment["published"][userid], moment["seen"][userid] = world.now(), seen
    world.changed()
    return {"seen": seen}


def seen_by(world: World, external_userid: str) -> list[Json]:
    """What a contact finds in the own moments, newest first."""
    found = [
        m | {"from": userid}
        for m in world.moments.values()
        for userid, who in m["seen"].items()
        if external_userid and external_userid in who
    ]
    return sorted(found, key=lambda m: -m["published"][m["from"]])


def _carries(side: Relation, moment: Json) -> bool:
    if side.removed_by or side.one_sided:
        return False
    return not moment["tags"] or bool(set(moment["tags"]) & set(side.tag_ids))


def _sees(world: World, external_userid: str) -> bool:
    since = world.now() - 30 * 24 * 3600
    recent = [m for m in seen_by(world, external_userid) if m["published"][m["from"]] > since]
    return len(recent) < SHOWN_A_MONTH


def _parts(world: World, body: Json) -> tuple[str, Json]:
    text = str((body.get("text") or {}).get("content", ""))
    attachments = body.get("attachments") or []
    need(text or attachments, 41089, "empty content")
    need(len(text) <= TEXT_CHARACTERS and size(text) <= TEXT_BYTES, 40058, "invalid text size")
    links = [a.get("link") or {} for a in attachments if a.get("msgtype") == "link"]
    need(len(links) <= LINKS, 40058, "invalid attachments size")
    need(len(links) == len(attachments), 40058, "invalid attachments msgtype")
    for link in links:
        need(link.get("url") and size(str(link.get("title", ""))) <= TITLE_BYTES, 40058, "link")
        need(link.get("media_id") in world.media, 40007, "invalid media_id")
    return text, links[0] if links else {}


def _moment(world: World, body: Json) -> Json:
    found = world.moments.get(str(body.get("moment_id")))
    if found is None:
        raise Code(40058, "invalid moment_id")
    return found
