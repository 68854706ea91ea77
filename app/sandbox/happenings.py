"""Making things happen on the simulated platforms: each verb changes the world and sends the
callbacks that the platform would send. What is done through the API raises no callback."""

from __future__ import annotations

from typing import Any

from app.sandbox.answers import Code
from app.sandbox.callbacks import Callbacks
from app.sandbox.wecom_api import card_code, month
from app.sandbox.world import Json, Person, Relation, World

WELCOME_LIFE_S = 20
NEW_SURNAMES, NEW_SIGNS = "贺季姜卢孟秦石汪夏颜尹钟", "安宁清和平远明朗"
CUSTOM_AFTER_MESSAGE, CUSTOM_AFTER_CLICK = 5, 3


class Happenings:
    """The verbs, by name; arguments are keywords from JSON."""

    def __init__(self, world: World, callbacks: Callbacks, corp_id: str, agent_id: str) -> None:
        self.world = world
        self.callbacks = callbacks
        self.corp_id = corp_id
        self.agent_id = agent_id

    def invent_person(self) -> Json:
        """A physician nobody knows yet."""
        number = 1 + sum(key.startswith("new") for key in self.world.persons)
        name = f"{NEW_SURNAMES[number % len(NEW_SURNAMES)]}新{NEW_SIGNS[number % len(NEW_SIGNS)]}"
        who = Person(
            key=f"new{number:03d}", name=name, title="主治医师", hospital="示例市第二人民医院",
            unionid=self.world.next_id("oU"), phone=f"1990000{number:04d}",
        )  # fmt: skip
        self.world.persons[who.key] = who
        self.world.changed()
        return {"key": who.key, "name": who.name}

    # contacts ----------------------------------------------------------------------------------

    def add_contact(self, userid: str, person: str, state: str = "", half: bool = False) -> Json:
        """A physician scans a rep's code; `half`: the rep has not added back."""
        who = self._person(person)
        who.external_userid = who.external_userid or self.world.next_id("wm")
        side = self.world.relation(userid, who.external_userid)
        if side is None:
            side = Relation(userid, who.external_userid, int(self.world.now()))
            self.world.relations.append(side)
        side.createtime, side.state, side.removed_by = int(self.world.now()), state, ""
        side.one_sided, side.remark = half, side.remark or who.name
        code = self.world.next_id("welcome")
        self.world.codes[code] = {
            "userid": userid, "external_userid": who.external_userid,
            "until": self.world.now() + WELCOME_LIFE_S,
        }  # fmt: skip
        change = "add_half_external_contact" if half else "add_external_contact"
        self._contact_event(change, side, State=state, WelcomeCode=code)
        return {"external_userid": who.external_userid, "welcome_code": code}

    def add_back(self, userid: str, person: str) -> Json:
        """The rep adds back."""
        side = self._side(userid, person)
        side.one_sided = False
        self._contact_event("add_external_contact", side, State=side.state)
        return {}

    def delete_contact(self, userid: str, person: str, by: str = "physician") -> Json:
        """One of the two deletes the other."""
        side = self._side(userid, person)
        side.removed_by = by
        self._contact_event(
            "del_follow_user" if by == "physician" else "del_external_contact", side
        )
        return {}

    def edit_contact(
        self,
        userid: str,
        person: str,
        remark: str | None = None,
        phones: list[str] | None = None,
        tag_ids: list[str] | None = None,
    ) -> Json:
        """The rep edits remark, phones or corp tags in WeCom."""
        side = self._side(userid, person)
        side.remark = side.remark if remark is None else remark
        side.remark_mobiles = side.remark_mobiles if phones is None else phones
        side.tag_ids = side.tag_ids if tag_ids is None else tag_ids
        self._contact_event("edit_external_contact", side)
        return {}

    def agree_archive(self, userid: str, person: str) -> Json:
        """The physician agrees to archiving."""
        self._contact_event("msg_audit_approved", self._side(userid, person))
        return {}

    def chat(self, userid: str, person: str, text: str, by: str = "rep") -> Json:
        """A message between the two; WeCom reports none of it."""
        side = self._side(userid, person)
        if side.removed_by or side.one_sided:
            raise Code(84061)
        side.chat.append({"at": self.world.now(), "from": by, "text": text})
        side.last_chat_at = self.world.now()
        self.world.changed()
        return {}

    # the rep and the app -----------------------------------------------------------------------

    def tap_card(
        self,
        task_id: str,
        key: str,
        selected: dict[str, list[str]] | None = None,
        menu: bool = False,
    ) -> Json:
        """The rep taps a button, submits a choice, or uses the card's menu."""
        state = self.world.cards.get(task_id)
        if state is None:
            raise Code(40058, "no such card")
        code = card_code(self.world, task_id)
        if not menu:
            state["answered"] = key
        items = [
            {"QuestionKey": question, "OptionIds": {"OptionId": list(options)}}
            for question, options in (selected or {}).items()
        ]
        fields = self._app_event(
            state["userid"], "template_card_menu_event" if menu else "template_card_event"
        )
        fields |= {"EventKey": key, "TaskId": task_id, "ResponseCode": code,
                   "CardType": "button_interaction"}  # fmt: skip
        if items:
            fields["SelectedItems"] = {"SelectedItem": items}
        self._send("wecom", str(fields["Event"]), fields)
        return {"response_code": code}

    def rep_says(self, userid: str, text: str) -> Json:
        """The rep writes to the app."""
        member = self.world.members[userid.lower()]
        member.inbox.append({"at": self.world.now(), "kind": "own", "text": text})
        self._send("wecom", "message/text", {
            "ToUserName": self.corp_id, "FromUserName": userid,
            "CreateTime": int(self.world.now()), "MsgType": "text", "Content": text,
            "MsgId": self.world.next_id(""), "AgentID": self.agent_id,
        })  # fmt: skip
        return {}

    def rep_menu(self, userid: str, key: str) -> Json:
        """The rep uses the app's menu."""
        self._send("wecom", "click", self._app_event(userid, "click") | {"EventKey": key})
        return {}

    def confirm_task(self, task_id: str) -> Json:
        """The rep confirms a group-message task: now it is really sent."""
        task = self.world.tasks[task_id]
        if task["state"] != "waiting":
            raise Code(41093)
        name, cap = month(self.world)
        for external in task["to"]:
            side = self.world.relation(task["sender"], external)
            person = self.world.person(external=external)
            if side is None or person is None or side.removed_by:
                task["to"][external] = 2
            elif person.mass_sent.get(name, 0) >= cap:
                task["to"][external] = 3
            else:
                task["to"][external] = 1
                person.mass_sent[name] = person.mass_sent.get(name, 0) + 1
                self._deliver(side, task)
        task["state"], task["sent_at"] = "sent", self.world.now()
        self.world.changed()
        return {}

    # the Official Account ----------------------------------------------------------------------

    def follow(self, person: str, scene: str = "") -> Json:
        """A physician follows, by a code's scene or by search."""
        who = self._person(person)
        who.openid = who.openid or self.world.next_id("oA")
        again, who.follows_oa = who.follows_oa, True
        self._open_window(who, CUSTOM_AFTER_CLICK)
        event = "SCAN" if again else "subscribe"
        key = scene if again else (f"qrscene_{scene}" if scene else "")
        self._oa_event(who, event, EventKey=key, **({"Ticket": f"ticket-{scene}"} if scene else {}))
        return {"openid": who.openid}

    def unfollow(self, person: str) -> Json:
        """A physician leaves the account."""
        who = self._person(person)
        who.follows_oa = False
        self._oa_event(who, "unsubscribe", EventKey="")
        return {}

    def menu(self, person: str, key: str) -> Json:
        """A physician uses the account's menu."""
        who = self._person(person)
        self._open_window(who, CUSTOM_AFTER_CLICK)
        self._oa_event(who, "CLICK", EventKey=key)
        return {}

    def oa_says(self, person: str, text: str) -> Json:
        """A physician writes to the account."""
        who = self._person(person)
        who.oa_chat.append({"at": self.world.now(), "from": "me", "text": text})
        self._open_window(who, CUSTOM_AFTER_MESSAGE)
        self._send("oa", "message/text", {
            "ToUserName": "gh_sandbox", "FromUserName": who.openid,
            "CreateTime": int(self.world.now()), "MsgType": "text", "Content": text,
            "MsgId": self.world.next_id(""),
        })  # fmt: skip
        return {}

    def revoke(self, person: str) -> Json:
        """A physician withdraws the authorisation."""
        who = self._person(person)
        self._oa_event(who, "user_authorization_revoke", OpenID=who.openid, RevokeInfo="301")
        return {}

    # pieces ------------------------------------------------------------------------------------

    def _person(self, key: str) -> Person:
        person = self.world.persons.get(key)
        if person is None:
            raise Code(40003, f"no such person: {key}")
        return person

    def _side(self, userid: str, person: str) -> Relation:
        side = self.world.relation(userid, self._person(person).external_userid)
        if side is None:
            raise Code(84061)
        return side

    def _deliver(self, side: Relation, task: Json) -> None:
        links = [a["link"] for a in task["attachments"] if a.get("msgtype") == "link"]
        side.chat.append({"at": self.world.now(), "from": "rep", "text": task["text"],
                          "link": links[0] if links else None})  # fmt: skip
        side.last_chat_at = self.world.now()

    def _open_window(self, who: Person, messages: int) -> None:
        who.last_message_at, who.custom_left = self.world.now(), messages

    def _contact_event(self, change: str, side: Relation, **more: Any) -> None:
        fields: Json = {
            "ToUserName": self.corp_id, "FromUserName": "sys",
            "CreateTime": int(self.world.now()), "MsgType": "event",
            "Event": "change_external_contact", "ChangeType": change, "UserID": side.userid,
            "ExternalUserID": side.external_userid, **more,
        }  # fmt: skip
        self._send("wecom", f"change_external_contact/{change}", fields)

    def _app_event(self, userid: str, event: str) -> Json:
        return {
            "ToUserName": self.corp_id, "FromUserName": userid,
            "CreateTime": int(self.world.now()), "MsgType": "event", "Event": event,
            "AgentID": self.agent_id,
        }  # fmt: skip

    def _oa_event(self, who: Person, event: str, **more: Any) -> None:
        fields: Json = {
            "ToUserName": "gh_sandbox", "FromUserName": who.openid,
            "CreateTime": int(self.world.now()), "MsgType": "event", "Event": event, **more,
        }  # fmt: skip
        self._send("oa", event, fields)

    def _send(self, platform: str, name: str, fields: Json) -> None:
        self.world.changed()
        self.callbacks.send(platform, name, fields)


VERBS = tuple(name for name in vars(Happenings) if not name.startswith("_"))
