"""Every real payload shape becomes a fact or stays unknown; nothing raises."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app import facts
from app.connectors.official_account import translate as oa
from app.connectors.payload import Unreadable, read
from app.connectors.wecom import translate as wecom


def contact_event(change: str, extra: str = "") -> bytes:
    return (
        "<xml><ToUserName>ww1</ToUserName><FromUserName>sys</FromUserName>"
        "<CreateTime>1403610513</CreateTime><MsgType>event</MsgType>"
        f"<Event>change_external_contact</Event><ChangeType>{change}</ChangeType>"
        f"<UserID>ZhangSan</UserID><ExternalUserID>wmABC</ExternalUserID>{extra}</xml>"
    ).encode()


def test_every_event_body_is_translated_or_kept_as_unknown(shared: Path) -> None:
    index = json.loads((shared / "fixtures/index.json").read_text())
    bodies = [e for e in index if (e["kind"] or "").startswith("xml-")]
    known = 0
    for entry in bodies:
        plain = (shared / "fixtures" / entry["path"]).read_bytes()
        module = wecom if entry["platform"] == "wecom" else oa
        fact = module.translate(plain, "receiver")
        assert module.glance(plain).event_type
        known += not isinstance(fact, facts.Unknown)
    assert known >= 60


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ("add_external_contact", facts.ContactAdded),
        ("add_half_external_contact", facts.ContactAdded),
        ("edit_external_contact", facts.ContactEdited),
        ("del_external_contact", facts.ContactRemoved),
        ("del_follow_user", facts.ContactRemoved),
        ("transfer_fail", facts.ContactTransferFailed),
        ("msg_audit_approved", facts.ArchiveConsentGiven),
        ("something_new", facts.Unknown),
    ],
)
def test_each_change_of_a_contact_has_its_fact(change: str, kind: type[facts.Fact]) -> None:
    assert type(wecom.translate(contact_event(change), "ww1")) is kind


def test_an_added_contact_keeps_what_the_welcome_needs() -> None:
    extra = "<State>hall-3</State><WelcomeCode>CODE</WelcomeCode>"
    fact = wecom.translate(contact_event("add_external_contact", extra), "ww1")
    assert isinstance(fact, facts.ContactAdded)
    assert (fact.rep_userid, fact.external_userid) == ("zhangsan", "wmABC")
    assert (fact.state, fact.welcome_code, fact.one_sided) == ("hall-3", "CODE", False)
    assert wecom.glance(contact_event("add_external_contact", extra)).urgent


def test_events_of_one_contact_share_a_partition_whatever_their_kind() -> None:
    first = wecom.glance(contact_event("add_external_contact"))
    second = wecom.glance(contact_event("del_follow_user"))
    assert first.partition == second.partition == "contact:wmABC"


@pytest.mark.parametrize("spelling", ["Option", "Opiton"])
def test_a_card_answer_reads_both_spellings(spelling: str) -> None:
    plain = (
        "<xml><FromUserName>Rep1</FromUserName><MsgType>event</MsgType><CreateTime>1</CreateTime>"
        "<Event>template_card_event</Event><EventKey>submit</EventKey><TaskId>s12</TaskId>"
        "<ResponseCode>rc</ResponseCode><AgentID>2</AgentID><SelectedItems><SelectedItem>"
        f"<QuestionKey>why</QuestionKey><{spelling}Ids><{spelling}Id>a</{spelling}Id>"
        f"<{spelling}Id>b</{spelling}Id></{spelling}Ids></SelectedItem></SelectedItems></xml>"
    ).encode()
    fact = wecom.translate(plain, "ww1")
    assert isinstance(fact, facts.CardAnswered)
    assert fact.selections == (("why", ("a", "b")),)
    assert (fact.rep_userid, fact.task_id, fact.response_code) == ("rep1", "s12", "rc")


@pytest.mark.parametrize(
    ("plain", "kind"),
    [
        (b'{"FromUserName":"oA","MsgType":"event","Event":"subscribe"}', facts.Followed),
        (b'{"FromUserName":"oA","MsgType":"event","Event":"unsubscribe"}', facts.Unfollowed),
        (b'{"OpenID":"oA","MsgType":"event","Event":"user_authorization_revoke"}',
         facts.AuthorisationRevoked),
        (b'{"FromUserName":"oA","MsgType":"text","Content":"hi"}', facts.FollowerMessaged),
        (b'{"FromUserName":"oA","MsgType":"event","Event":"subscribe_msg_popup_event",'
         b'"List":{"TemplateId":"t","SubscribeStatusString":"accept"}}', facts.SubscribeAnswered),
    ],
)  # fmt: skip
def test_official_account_json_bodies_are_read_too(plain: bytes, kind: type[facts.Fact]) -> None:
    assert type(oa.translate(plain, "wx1")) is kind


def test_a_scene_loses_its_prefix() -> None:
    plain = (
        b"<xml><FromUserName>oA</FromUserName><MsgType>event</MsgType><Event>subscribe</Event>"
        b"<EventKey>qrscene_hall-3</EventKey></xml>"
    )
    fact = oa.translate(plain, "wx1")
    assert isinstance(fact, facts.Followed)
    assert fact.scene == "hall-3"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not xml",
        b"<xml>",
        b"<xml></xml>",
        b"<!DOCTYPE a [<!ENTITY b 'c'>]><xml><a>&b;</a></xml>",
        b"<a>" * 3000 + b"</a>" * 3000,
        b"{",
        b"[1]",
        b'{"a":' * 5000,
    ],
)
def test_unreadable_bodies_are_unknown_and_never_raise(body: bytes) -> None:
    assert isinstance(wecom.translate(body, "ww1"), facts.Unknown)
    assert isinstance(oa.translate(body, "wx1"), facts.Unknown)
    with pytest.raises(Unreadable):
        read(body)
