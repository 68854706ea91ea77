"""WeCom's app messages and template cards."""

from __future__ import annotations

import json
import re
from typing import Any

from app.sandbox.answers import Code, Route, need, ok, size
from app.sandbox.world import Json, Member, World

TASK = re.compile(r"[0-9A-Za-z_\-@]{1,128}")
PER_MINUTE, PER_HOUR = 30, 1000
CARD_CODE_LIFE_S, RECALL_S = 72 * 3600, 24 * 3600
TEXT_BYTES = 2048
TAKERS = 1000
CARDS = ("text_notice", "news_notice", "button_interaction", "vote_interaction",
         "multiple_interaction")  # fmt: skip


def add(route: Route, world: World, agent_id: str) -> None:
    """Mount the endpoints."""

    @route("/message/send")
    def send(body: Json) -> Json:
        need(str(body.get("agentid")) == agent_id, 301002)
        names, takers = _takers(world, str(body.get("touser", "")))
        message = _message(world, body)
        again = bool(body.get("enable_duplicate_check")) and _is_repeated(world, body)
        message_id = world.next_id("msg")
        for member in takers:
            if again:
                world.note("repeated", "message/send", userid=member.userid, about=member.userid)
            else:
                _hand_over(world, member, {**message, "msgid": message_id})
        world.changed()
        unknown = [name.lower() for name in names if name.lower() not in world.members]
        more = {"response_code": message["response_code"]} if "response_code" in message else {}
        return ok(invaliduser="|".join(unknown), msgid=message_id, **more)

    @route("/message/update_template_card")
    def update(body: Json) -> Json:
        code = world.codes.get(str(body.get("response_code", "")))
        if code is None or "task_id" not in code or world.now() > code["until"]:
            raise Code(60140)
        need(not code.get("used"), 60140)
        state = world.cards[code["task_id"]]
        if "button" in body:
            need(body["button"].get("replace_name"), 40063)
            state["replaced"] = str(body["button"]["replace_name"])
        else:
            card = body.get("template_card") or {}
            check_card({"task_id": code["task_id"], **card})
            state["card"], state["replaced"], state["answered"] = card, "", ""
        code["used"] = True
        world.changed()
        return ok(invaliduser=[])

    @route("/message/recall")
    def recall(body: Json) -> Json:
        message_id = str(body.get("msgid", ""))
        found = [m for member in world.members.values() for m in member.inbox
                 if m.get("msgid") == message_id]  # fmt: skip
        need(message_id and found, 40058, "invalid msgid")
        need(world.now() - found[0]["at"] <= RECALL_S, 42052)
        for member in world.members.values():
            member.inbox = [m for m in member.inbox if m.get("msgid") != message_id]
        world.changed()
        return ok()


def card_code(world: World, task: str) -> str:
    """A fresh response code of a card: one use, 72 hours."""
    code = world.next_id("rc")
    world.codes[code] = {"task_id": task, "until": world.now() + CARD_CODE_LIFE_S}
    return code


def _takers(world: World, touser: str) -> tuple[list[str], list[Member]]:
    need(touser, 82001)
    if touser == "@all":
        return [], list(world.members.values())
    names = touser.split("|")
    need(len(names) <= TAKERS, 40032)
    found = [world.members[name.lower()] for name in names if name.lower() in world.members]
    need(found, 81013)
    return names, list({member.userid: member for member in found}.values())


def _hand_over(world: World, member: Member, message: Json) -> None:
    """Into the member's phone; over the limit the platform drops without a word."""
    recent = [t for t in member.outgoing if world.now() - t < 3600]
    minute = [t for t in recent if world.now() - t < 60]
    member.outgoing = [*recent, world.now()]
    if len(minute) >= PER_MINUTE or len(recent) >= PER_HOUR:
        world.note("dropped", "message/send", userid=member.userid, about=member.userid)
        return
    member.inbox.append({**message, "at": world.now()})


def _message(world: World, body: Json) -> Json:
    kind = str(body.get("msgtype", ""))
    if kind in ("text", "markdown"):
        text = str((body.get(kind) or {}).get("content", ""))
        need(text, 44004)
        return {"kind": "text", "text": text.encode()[:TEXT_BYTES].decode(errors="ignore")}
    if kind == "textcard":
        card = body.get("textcard") or {}
        need(card.get("title") and card.get("description") and card.get("url"), 40063)
        return {"kind": "text", "text": f"{card['title']}\n{card['description']}\n{card['url']}"}
    if kind == "news":
        articles = (body.get("news") or {}).get("articles") or []
        need(1 <= len(articles) <= 8, 45008)
        text = "\n".join(f"{a.get('title', '')}\n{a.get('url', '')}" for a in articles)
        return {"kind": "text", "text": text}
    need(kind == "template_card", 40008)
    card = body.get("template_card") or {}
    check_card(card)
    task = str(card["task_id"])
    need(task not in world.cards, 42014, "task_id has existed")
    world.cards[task] = {"card": card, "replaced": "", "answered": "", "userid": body["touser"]}
    return {"kind": "card", "task_id": task, "response_code": card_code(world, task)}


def check_card(card: Json) -> None:
    """Raises the code of the field that is wrong (42014–42051)."""
    need(TASK.fullmatch(str(card.get("task_id", ""))), 42014)
    need(card.get("card_type") in CARDS, 42027, "invalid card_type")
    need((card.get("main_title") or {}).get("title") or card.get("sub_title_text"), 42029,
         "main_title empty")  # fmt: skip
    rows = card.get("horizontal_content_list") or []
    need(len(rows) <= 6 and all(row.get("keyname") for row in rows), 42033, "horizontal_content")
    need(len(card.get("jump_list") or []) <= 3, 42037, "jump_list")
    action = card.get("card_action")
    need(action or not card["card_type"].endswith("_notice"), 42039, "card_action empty")
    need(not action or action.get("type") != 1 or action.get("url"), 42040, "card_action.url")
    menu = (card.get("action_menu") or {}).get("action_list")
    need(menu is None or 1 <= len(menu) <= 3, 42042, "action_menu")
    if card["card_type"] == "button_interaction":
        _check_buttons(card.get("button_list") or [])
    _check_selection(card.get("button_selection"))


def _check_buttons(buttons: list[Any]) -> None:
    need(1 <= len(buttons) <= 6, 42045, "button_list size")
    for button in buttons:
        need(button.get("text"), 42046, "button text")
        key, url = str(button.get("key", "")), button.get("url")
        need(url if button.get("type") == 1 else 0 < size(key) <= 1024, 42047, "button key")
        need(button.get("style", 1) in (1, 2, 3, 4), 42048, "button style")


def _check_selection(selection: Json | None) -> None:
    if selection is None:
        return
    options = selection.get("option_list") or []
    need(selection.get("question_key"), 42049, "question_key")
    need(1 <= len(options) <= 10, 42050, "option_list size")
    need(len({o.get("id") for o in options}) == len(options), 42051, "option id repeated")


def _is_repeated(world: World, body: Json) -> bool:
    """The same request again: accepted, and not shown a second time.

    How the real platform answers is not documented; `repeated_errcode` of the trouble switches
    makes it answer with a code instead.
    """
    text = json.dumps(body, sort_keys=True)
    span = min(float(body.get("duplicate_check_interval", 1800)), 4 * 3600)
    last = world.sent_requests.get(text)
    if last is None or world.now() - last >= span:
        world.sent_requests[text] = world.now()
        return False
    code = world.trouble.get("repeated_errcode")
    if code:
        raise Code(int(code), "duplicate message")
    return True
