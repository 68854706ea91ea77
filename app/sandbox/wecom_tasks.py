"""WeCom's mass messages: a task that the member must confirm, then results per customer."""

from __future__ import annotations

import calendar
from datetime import datetime

from app.infra.clock import SHANGHAI
from app.sandbox.answers import Code, Route, need, ok
from app.sandbox.wecom_contacts import message_parts
from app.sandbox.world import Json, World

CUSTOMERS, LIST, RESULTS = 10_000, 100, 1000
REMINDERS, REMINDER_SPAN_S = 3, 24 * 3600


def add(route: Route, world: World) -> None:
    """Mount the endpoints."""

    @route("/externalcontact/add_msg_template")
    def add_task(body: Json) -> Json:
        need(body.get("chat_type", "single") == "single", 40058, "chat_type")
        sender = str(body.get("sender", "")).lower()
        need(not sender or sender in world.members, 40003)
        wanted = [str(e) for e in body.get("external_userid") or _all_of(world, sender)]
        need(len(wanted) <= CUSTOMERS, 40058)
        text, _link = message_parts(body)
        taken = [e for e in dict.fromkeys(wanted) if _may_send(world, sender, e)]
        need(taken, 41048)
        task_id = world.next_id("gm")
        world.tasks[task_id] = {
            "id": task_id, "sender": sender, "at": world.now(), "state": "waiting",
            "text": text, "attachments": body.get("attachments") or [],
            "to": dict.fromkeys(taken, 0), "reminders": [],
        }  # fmt: skip
        world.changed()
        return ok(msgid=task_id, fail_list=[e for e in wanted if e not in taken])

    @route("/externalcontact/get_groupmsg_list_v2")
    def list_tasks(body: Json) -> Json:
        need(int(body.get("limit") or 50) <= LIST, 40058)
        start, end = float(body.get("start_time", 0)), float(body.get("end_time", 0))
        found = [t for t in world.tasks.values() if start <= t["at"] <= end]
        shown = [
            {"msgid": t["id"], "create_time": int(t["at"]), "text": {"content": t["text"]}}
            for t in found
        ]
        return ok(group_msg_list=shown, next_cursor="")

    @route("/externalcontact/get_groupmsg_task")
    def state(body: Json) -> Json:
        task = _task(world, body)
        row = {"userid": task["sender"], "status": 2 if task["state"] == "sent" else 0}
        if task["state"] == "sent":
            row["send_time"] = int(task["sent_at"])
        return ok(task_list=[row], next_cursor="")

    @route("/externalcontact/get_groupmsg_send_result")
    def results(body: Json) -> Json:
        task = _task(world, body)
        need(str(body.get("userid", "")).lower() == task["sender"], 40003)
        limit, start = min(int(body.get("limit") or 500), RESULTS), int(body.get("cursor") or 0)
        rows = list(task["to"].items())
        more = start + limit < len(rows)
        shown = [
            {"external_userid": e, "userid": task["sender"], "status": s}
            | ({"send_time": int(task["sent_at"])} if s == 1 else {})
            for e, s in rows[start : start + limit]
        ]
        return ok(send_list=shown, next_cursor=str(start + limit) if more else "")

    @route("/externalcontact/remind_groupmsg_send")
    def remind(body: Json) -> Json:
        task = _task(world, body)
        need(task["state"] == "waiting", 41093)
        recent = [t for t in task.get("reminders", ()) if world.now() - t < REMINDER_SPAN_S]
        need(len(recent) < REMINDERS, 41094)
        task["reminders"] = [*recent, world.now()]
        world.changed()
        return ok()

    @route("/externalcontact/cancel_groupmsg_send")
    def cancel(body: Json) -> Json:
        task = _task(world, body)
        need(task["state"] == "waiting", 41093)
        task["state"] = "cancelled"
        world.changed()
        return ok()


def month(world: World) -> tuple[str, int]:
    """This month in China and the number of its days: the cap of mass messages a contact."""
    here = datetime.fromtimestamp(world.now(), SHANGHAI)
    return f"{here:%Y-%m}", calendar.monthrange(here.year, here.month)[1]


def _task(world: World, body: Json) -> Json:
    task = world.tasks.get(str(body.get("msgid")))
    if task is None:
        raise Code(40058, "invalid msgid")
    return task


def _all_of(world: World, sender: str) -> list[str]:
    return [r.external_userid for r in world.relations if r.userid.lower() == sender]


def _may_send(world: World, sender: str, external: str) -> bool:
    """Only to own customers who talked to this member last, and below the month's cap."""
    side = world.relation(sender, external)
    person = world.person(external=external)
    if side is None or person is None or side.removed_by or side.one_sided:
        return False
    newest = min(world.sides(external), key=lambda r: (-r.last_chat_at, -r.createtime, r.userid))
    name, cap = month(world)
    return newest is side and person.mass_sent.get(name, 0) < cap
