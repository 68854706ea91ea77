"""Making things happen on the simulated platforms: each verb changes the world and sends the
callbacks that the platform would send. What is done through the API raises no callback."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.sandbox.answers import Code, need
from app.sandbox.corp_events import CorpEvents
from app.sandbox.oa_api import ACCOUNT
from app.sandbox.wecom_messages import card_code
from app.sandbox.wecom_moments import publish
from app.sandbox.wecom_tasks import month
from app.sandbox.world import Json, Person, Relation

WELCOME_LIFE_S = 20
CUSTOM_AFTER_MESSAGE, CUSTOM_AFTER_TOUCH = 5, 3
NEW_SURNAMES, NEW_SIGNS = "贺季姜卢孟秦石汪夏颜尹钟", "安宁清和平远明朗"
SCAN_CODE, SEARCH_PHONE = 1, 2


class Happenings(CorpEvents):
    """The verbs, by name; arguments are keywords from JSON."""

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
        """A physician scans a rep's code; `half`: the rep has not added back.

        Nothing happens between two who are contacts already, as on the platform.
        """
        who = self._person(person)
        need(userid.lower() in self.world.members, 40003)
        who.external_userid = who.external_userid or self.world.next_id("wm")
        side = self.world.relation(userid, who.external_userid)
        if side is None:
            side = Relation(userid, who.external_userid, 0, remark=who.name)
            self.world.relations.append(side)
        elif not side.removed_by and not side.one_sided:
            return {"external_userid": who.external_userid, "welcome_code": ""}
        side.createtime, side.state, side.removed_by = int(self.world.now()), state, ""
        side.one_sided, side.add_way = half, SCAN_CODE
        code = self._welcome_code(side)
        change = "add_half_external_contact" if half else "add_external_contact"
        more = {"State": state} if state else {}
        self._contact_event(change, side, **more, WelcomeCode=code)
        return {"external_userid": who.external_userid, "welcome_code": code}

    def add_back(self, userid: str, person: str) -> Json:
        """The rep adds back."""
        side = self._side(userid, person)
        side.one_sided = False
        more = {"State": side.state} if side.state else {}
        self._contact_event("add_external_contact", side, **more)
        return {}

    def delete_contact(self, userid: str, person: str, by: str = "physician") -> Json:
        """One of the two deletes the other."""
        side = self._side(userid, person)
        need(not side.removed_by, 84061)
        side.removed_by = by
        change = "del_follow_user" if by == "physician" else "del_external_contact"
        self._contact_event(change, side)
        return {}

    def edit_contact(
        self,
        userid: str,
        person: str,
        remark: str | None = None,
        phones: list[str] | None = None,
        tag_ids: list[str] | None = None,
        personal_tags: list[str] | None = None,
    ) -> Json:
        """The rep edits remark, phones, corp tags or personal tags in WeCom."""
        side = self._side(userid, person)
        side.remark = side.remark if remark is None else remark
        side.remark_mobiles = side.remark_mobiles if phones is None else phones
        side.tag_ids = side.tag_ids if tag_ids is None else tag_ids
        side.personal_tags = side.personal_tags if personal_tags is None else personal_tags
        more = {"State": side.state} if side.state else {}
        self._contact_event("edit_external_contact", side, **more)
        return {}

    def agree_archive(self, userid: str, person: str) -> Json:
        """The physician agrees to archiving."""
        self._contact_event("msg_audit_approved", self._side(userid, person))
        return {}

    def chat(
        self, userid: str, person: str, text: str, by: str = "rep", link: Json | None = None
    ) -> Json:
        """A message between the two; WeCom reports none of it."""
        side = self._side(userid, person)
        need(not side.removed_by and not side.one_sided, 84061)
        side.chat.append({"at": self.world.now(), "from": by, "text": text, "link": link})
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
            raise Code(42016, "no such card")
        code = card_code(self.world, task_id)
        if not menu:
            state["answered"] = key
        fields = self._app_event(
            state["userid"], "template_card_menu_event" if menu else "template_card_event"
        )
        fields |= {"EventKey": key, "TaskId": task_id, "ResponseCode": code,
                   "CardType": state["card"].get("card_type", "button_interaction")}  # fmt: skip
        items = [
            {"QuestionKey": question, "OptionIds": {"OptionId": list(options)}}
            for question, options in (selected or {}).items()
        ]
        if items:
            fields["SelectedItems"] = {"SelectedItem": items}
        self._send("wecom", str(fields["Event"]), fields)
        return {"response_code": code}

    def rep_says(self, userid: str, text: str) -> Json:
        """The rep writes to the app."""
        member = self._member(userid)
        member.inbox.append({"at": self.world.now(), "kind": "own", "text": text})
        self._send("wecom", "message/text", {
            "ToUserName": self.corp_id, "FromUserName": member.userid,
            "CreateTime": int(self.world.now()), "MsgType": "text", "Content": text,
            "MsgId": self.world.next_id(""), "AgentID": self.agent_id,
        })  # fmt: skip
        return {}

    def rep_menu(self, userid: str, key: str) -> Json:
        """The rep uses the app's menu."""
        self._send("wecom", "click", self._app_event(userid, "click") | {"EventKey": key})
        return {}

    def rep_enters(self, userid: str) -> Json:
        """The rep opens the app."""
        self._send("wecom", "enter_agent", self._app_event(userid, "enter_agent"))
        return {}

    def confirm_task(self, task_id: str) -> Json:
        """The rep confirms a group-message task: now it is really sent."""
        task = self.world.tasks[task_id]
        need(task["state"] == "waiting", 41093)
        for external in task["to"]:
            task["to"][external] = self._mass_send(task, external)
        task["state"], task["sent_at"] = "sent", self.world.now()
        self.world.changed()
        return {}

    def ignore_task(self, task_id: str) -> Json:
        """The rep puts a group-message task away: it stays unsent."""
        task = self.world.tasks[task_id]
        need(task["state"] == "waiting", 41093)
        task["hidden"] = True
        self.world.changed()
        return {}

    def publish_moment(self, moment_id: str, userid: str) -> Json:
        """The rep confirms a moment: contacts who may see it find it in theirs."""
        need(moment_id in self.world.moments, 40058)
        return publish(self.world, moment_id, userid)

    # the Official Account ----------------------------------------------------------------------

    def follow(self, person: str, scene: str = "") -> Json:
        """A physician follows, by a code's scene or by search; a follower only scans again."""
        who = self._person(person)
        who.openid = who.openid or self.world.next_id("oA")
        until = self.world.scenes.get(scene, {}).get("until") or 0
        if until and until < self.world.now():
            scene = ""  # an expired temporary code leads to the account and says no more
        again = who.follows_oa
        if again and not scene:
            return {"openid": who.openid}
        if not again:
            who.follows_oa, who.scene = True, scene
            who.subscribed_at = self.world.now()
        self._touch(who)
        key = scene if again else (f"qrscene_{scene}" if scene else "")
        ticket = {"Ticket": f"ticket-{scene}"} if scene else {}
        self._oa_event(who, "SCAN" if again else "subscribe", EventKey=key, **ticket)
        return {"openid": who.openid}

    def unfollow(self, person: str) -> Json:
        """A physician leaves the account."""
        who = self._follower(person)
        who.follows_oa, who.custom_left, who.quick_left = False, 0, 0
        self._oa_event(who, "unsubscribe", EventKey="")
        return {}

    def menu(self, person: str, key: str, kind: str = "CLICK") -> Json:
        """A physician uses the account's menu: CLICK with a key, VIEW with an address."""
        who = self._follower(person)
        if kind == "CLICK":
            self._touch(who)
        self._oa_event(who, kind, EventKey=key)
        return {}

    def oa_says(self, person: str, text: str) -> Json:
        """A physician writes to the account."""
        who = self._follower(person)
        who.oa_chat.append({"at": self.world.now(), "from": "me", "text": text})
        self._oa_message(who, "text", Content=text)
        return {}

    def oa_shows(self, person: str) -> Json:
        """A physician sends the account a picture."""
        who = self._follower(person)
        who.oa_chat.append({"at": self.world.now(), "from": "me", "text": "[图片]"})
        picture = f"http://mmbiz.qpic.cn/sandbox/{self.world.next_id('')}"
        self._oa_message(who, "image", PicUrl=picture, MediaId=self.world.next_id("media"))
        return {}

    def answer_subscription(self, person: str, template_id: str, accept: bool = True) -> Json:
        """A physician allows or refuses one subscribe message."""
        who = self._follower(person)
        item = {"TemplateId": template_id, "PopupScene": "2",
                "SubscribeStatusString": "accept" if accept else "reject"}  # fmt: skip
        self._oa_event(who, "subscribe_msg_popup_event", SubscribeMsgPopupEvent={"List": item})
        return {}

    def revoke(self, person: str) -> Json:
        """A physician withdraws the authorisation."""
        who = self._person(person)
        need(who.openid, 40003)
        self._oa_event(who, "user_authorization_revoke", OpenID=who.openid, RevokeInfo="301")
        return {}

    # pieces ------------------------------------------------------------------------------------

    def _welcome_code(self, side: Relation) -> str:
        code = self.world.next_id("welcome")
        self.world.codes[code] = {
            "userid": side.userid, "external_userid": side.external_userid,
            "until": self.world.now() + WELCOME_LIFE_S,
        }  # fmt: skip
        return code

    def _mass_send(self, task: Json, external: str) -> int:
        """What became of one customer: 1 sent, 2 not a contact any more, 3 had too many."""
        name, cap = month(self.world)
        side = self.world.relation(task["sender"], external)
        person = self.world.person(external=external)
        if side is None or person is None or side.removed_by:
            return 2
        if person.mass_sent.get(name, 0) >= cap:
            return 3
        person.mass_sent[name] = person.mass_sent.get(name, 0) + 1
        links = [a["link"] for a in task["attachments"] if a.get("msgtype") == "link"]
        side.chat.append({"at": self.world.now(), "from": "rep", "text": task["text"],
                          "link": links[0] if links else None})  # fmt: skip
        side.last_chat_at = self.world.now()
        return 1

    def _touch(self, who: Person) -> None:
        who.touched_at, who.quick_left = self.world.now(), CUSTOM_AFTER_TOUCH

    def _oa_message(self, who: Person, kind: str, **content: Any) -> None:
        who.last_message_at, who.custom_left = self.world.now(), CUSTOM_AFTER_MESSAGE
        self._send("oa", f"message/{kind}", {
            "ToUserName": ACCOUNT, "FromUserName": who.openid,
            "CreateTime": int(self.world.now()), "MsgType": kind, **content,
            "MsgId": self.world.next_id(""),
        })  # fmt: skip

    def _oa_event(self, who: Person, event: str, **more: Any) -> None:
        self._send("oa", event, {
            "ToUserName": ACCOUNT, "FromUserName": who.openid,
            "CreateTime": int(self.world.now()), "MsgType": "event", "Event": event, **more,
        })  # fmt: skip


HAPPEN: dict[str, Callable[..., Json]] = {
    name: verb
    for kind in (CorpEvents, Happenings)
    for name, verb in vars(kind).items()
    if not name.startswith("_")
}
