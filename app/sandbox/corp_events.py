"""What happens in the corp around the contacts: tags, groups, members; and how events are made."""

from __future__ import annotations

from typing import Any

from app.sandbox.answers import Code, need
from app.sandbox.callbacks import Callbacks
from app.sandbox.wecom_tags import group_named, remove_tag, tag_named
from app.sandbox.world import Json, Member, Person, Relation, World


class CorpEvents:
    """Verbs of administrators and groups, and the pieces that all verbs share."""

    def __init__(self, world: World, callbacks: Callbacks, corp_id: str, agent_id: str) -> None:
        self.world = world
        self.callbacks = callbacks
        self.corp_id = corp_id
        self.agent_id = agent_id

    def new_tag(self, group: str, name: str) -> Json:
        """An administrator creates a corp tag."""
        tag = tag_named(self.world, group_named(self.world, group), name, by_app=False)
        self._corp_event("change_external_tag", "create", Id=tag["id"], TagType="tag")
        return {"id": tag["id"]}

    def rename_tag(self, tag_id: str, name: str) -> Json:
        """An administrator renames a corp tag."""
        found = self.world.tag(tag_id)
        if found is None:
            raise Code(40068)
        found[1]["name"] = name
        self._corp_event("change_external_tag", "update", Id=tag_id, TagType="tag")
        return {}

    def delete_tag(self, tag_id: str) -> Json:
        """An administrator deletes a corp tag; contacts lose it without further events."""
        need(self.world.tag(tag_id), 40068)
        remove_tag(self.world, tag_id)
        self._corp_event("change_external_tag", "delete", Id=tag_id, TagType="tag")
        return {}

    def create_group(self, userid: str, name: str, persons: list[str]) -> Json:
        """A rep opens a customer group with some physicians."""
        owner = self._member(userid)
        chat_id = self.world.next_id("wr")
        now = int(self.world.now())
        members: list[Json] = [{"userid": owner.userid, "type": 1, "join_time": now}]
        members += [self._in_group(person, now) for person in persons]
        self.world.groups[chat_id] = {
            "chat_id": chat_id, "name": name, "owner": owner.userid, "create_time": now,
            "member_list": members, "member_version": f"v{now}-{len(members)}",
        }  # fmt: skip
        self._corp_event("change_external_chat", "create", ChatId=chat_id)
        return {"chat_id": chat_id}

    def join_group(self, chat_id: str, person: str) -> Json:
        """A physician joins a customer group."""
        group = self.world.groups[chat_id]
        newcomer = self._in_group(person, int(self.world.now()))
        group["member_list"].append(newcomer)
        before = group["member_version"]
        group["member_version"] = f"v{newcomer['join_time']}-{len(group['member_list'])}"
        self._corp_event(
            "change_external_chat", "update", ChatId=chat_id, UpdateDetail="add_member",
            JoinScene=3, MemChangeCnt=1, MemChangeList={"Item": [newcomer["userid"]]},
            LastMemVer=before, CurMemVer=group["member_version"],
        )  # fmt: skip
        return {}

    def member_leaves(self, userid: str) -> Json:
        """A rep's WeCom account is removed."""
        member = self._member(userid)
        del self.world.members[member.userid.lower()]
        self._corp_event("change_contact", "delete_user", UserID=member.userid)
        return {}

    # pieces ------------------------------------------------------------------------------------

    def _in_group(self, key: str, now: int) -> Json:
        who = self._person(key)
        who.external_userid = who.external_userid or self.world.next_id("wm")
        return {"userid": who.external_userid, "type": 2, "unionid": who.unionid,
                "join_time": now, "join_scene": 3, "name": who.name}  # fmt: skip

    def _person(self, key: str) -> Person:
        person = self.world.persons.get(key)
        if person is None:
            raise Code(40003, f"no such person: {key}")
        return person

    def _follower(self, key: str) -> Person:
        who = self._person(key)
        need(who.follows_oa, 43004)
        return who

    def _member(self, userid: str) -> Member:
        member = self.world.members.get(userid.lower())
        if member is None:
            raise Code(60111)
        return member

    def _side(self, userid: str, person: str) -> Relation:
        side = self.world.relation(userid, self._person(person).external_userid)
        if side is None:
            raise Code(84061)
        return side

    def _contact_event(self, change: str, side: Relation, **more: Any) -> None:
        who = {"UserID": side.userid, "ExternalUserID": side.external_userid}
        self._corp_event("change_external_contact", change, **who, **more)

    def _corp_event(self, event: str, change: str, **more: Any) -> None:
        self._send("wecom", f"{event}/{change}", {
            "ToUserName": self.corp_id, "FromUserName": "sys",
            "CreateTime": int(self.world.now()), "MsgType": "event", "Event": event,
            "ChangeType": change, **more,
        })  # fmt: skip

    def _app_event(self, userid: str, event: str) -> Json:
        return {
            "ToUserName": self.corp_id, "FromUserName": self._member(userid).userid,
            "CreateTime": int(self.world.now()), "MsgType": "event", "Event": event,
            "AgentID": self.agent_id,
        }  # fmt: skip

    def _send(self, platform: str, name: str, fields: Json) -> None:
        self.world.changed()
        self.callbacks.send(platform, name, fields)
