"""Every real payload shape becomes a fact or stays unknown; nothing raises."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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


WECOM = {
    "change_external_chat/create": facts.GroupChatChanged,
    "change_external_chat/update": facts.GroupChatChanged,
    "change_external_chat/dismiss": facts.GroupChatChanged,
    "change_external_tag/create": facts.CorpTagChanged,
    "change_external_tag/update": facts.CorpTagChanged,
    "change_external_tag/delete": facts.CorpTagChanged,
    "change_external_tag/shuffle": facts.CorpTagChanged,
    "change_contact/create_user": facts.MemberChanged,
    "change_contact/update_user": facts.MemberChanged,
    "change_contact/delete_user": facts.MemberChanged,
    "change_contact/create_party": facts.Unknown,
    "customer_acquisition/friend_request": facts.AcquisitionReported,
    "customer_acquisition/customer_start_chat": facts.AcquisitionReported,
    "customer_acquisition/message_from_customer": facts.AcquisitionReported,
    "customer_acquisition/del_follow_user": facts.AcquisitionReported,
    "customer_acquisition/open_profile": facts.AcquisitionReported,
    "customer_acquisition/delete_link": facts.AcquisitionReported,
    "customer_acquisition/link_unavailable": facts.AcquisitionReported,
    "customer_acquisition/balance_low": facts.AcquisitionReported,
    "customer_acquisition/balance_increased": facts.AcquisitionReported,
    "customer_acquisition/balance_exhausted": facts.AcquisitionReported,
    "customer_acquisition/quota_expire_soon": facts.AcquisitionReported,
    "template_card_event": facts.CardAnswered,
    "template_card_menu_event": facts.CardAnswered,
    "click": facts.RepMenuUsed,
    "view": facts.RepMenuUsed,
    "view_miniprogram": facts.RepMenuUsed,
    "enter_agent": facts.RepMenuUsed,
    "LOCATION": facts.RepMenuUsed,
    "scancode_push": facts.RepMenuUsed,
    "pic_weixin": facts.RepMenuUsed,
    "subscribe": facts.RepAppVisibilityChanged,
    "unsubscribe": facts.RepAppVisibilityChanged,
    "msgaudit_notify": facts.ArchiveNotified,
    "kf_msg_or_event": facts.Unknown,
    "suite_ticket": facts.Unknown,
}
ACCOUNT = {
    "subscribe": facts.Followed,
    "unsubscribe": facts.Unfollowed,
    "SCAN": facts.CodeScanned,
    "CLICK": facts.MenuUsed,
    "VIEW": facts.MenuUsed,
    "view_miniprogram": facts.MenuUsed,
    "LOCATION": facts.MenuUsed,
    "location_select": facts.MenuUsed,
    "scancode_push": facts.MenuUsed,
    "scancode_waitmsg": facts.MenuUsed,
    "pic_sysphoto": facts.MenuUsed,
    "TEMPLATESENDJOBFINISH": facts.TemplateDelivered,
    "subscribe_msg_popup_event": facts.SubscribeAnswered,
    "subscribe_msg_change_event": facts.SubscribeAnswered,
    "subscribe_msg_sent_event": facts.SubscribeAnswered,
    "user_authorization_revoke": facts.AuthorisationRevoked,
    "user_authorization_cancellation": facts.AuthorisationRevoked,
    "user_info_modified": facts.AuthorisationRevoked,
    "MASSSENDJOBFINISH": facts.Unknown,
    "kf_create_session": facts.Unknown,
}


def event(name: str) -> bytes:
    kind, _, change = name.partition("/")
    return (
        "<xml><ToUserName>t</ToUserName><FromUserName>Someone</FromUserName>"
        f"<CreateTime>1403610513</CreateTime><MsgType>event</MsgType><Event>{kind}</Event>"
        f"<ChangeType>{change}</ChangeType></xml>"
    ).encode()


@pytest.mark.parametrize(("name", "kind"), WECOM.items())
def test_each_wecom_event_has_its_fact(name: str, kind: type[facts.Fact]) -> None:
    assert type(wecom.translate(event(name), "ww1")) is kind
    assert wecom.glance(event(name)).event_type == name.lower()


@pytest.mark.parametrize(("name", "kind"), ACCOUNT.items())
def test_each_official_account_event_has_its_fact(name: str, kind: type[facts.Fact]) -> None:
    assert type(oa.translate(event(name), "wx1")) is kind
    assert oa.glance(event(name)).partition == "openid:Someone"


@pytest.mark.parametrize("kind", ["text", "image", "voice", "video", "location", "link"])
def test_each_message_has_its_fact(kind: str) -> None:
    plain = event("x").replace(b">event<", f">{kind}<".encode())
    assert isinstance(wecom.translate(plain, "ww1"), facts.RepMessaged)
    assert isinstance(oa.translate(plain, "wx1"), facts.FollowerMessaged)
    assert wecom.glance(plain).partition == "rep:someone"


def test_every_relevant_sample_of_a_named_event_becomes_its_fact(shared: Path) -> None:
    index = json.loads((shared / "fixtures/index.json").read_text())
    seen = set()
    for entry in index:
        name = "/".join(filter(None, (entry["event"], entry["changetype"])))
        table, module = (WECOM, wecom) if entry["platform"] == "wecom" else (ACCOUNT, oa)
        expected = {n.lower(): kind for n, kind in table.items()}.get(name.lower())
        if expected is None or entry["kind"] != "xml-event":
            continue
        plain = (shared / "fixtures" / entry["path"]).read_bytes()
        assert type(module.translate(plain, "receiver")) is expected, entry["path"]
        seen.add((entry["platform"], name.lower()))
    assert len(seen) >= 34


def test_a_third_party_envelope_names_its_own_corp() -> None:
    plain = contact_event("add_external_contact").replace(
        b"<MsgType>event</MsgType><Event>change_external_contact</Event>",
        b"<SuiteId>s</SuiteId><AuthCorpId>ww9</AuthCorpId>"
        b"<InfoType>change_external_contact</InfoType>",
    )
    fact = wecom.translate(plain, "ww1")
    assert isinstance(fact, facts.ContactAdded)
    assert (fact.corp_id, fact.at.year) == ("ww9", 2014)


@pytest.mark.parametrize(
    "extra",
    ["<CreateTime>--1</CreateTime>", "<CreateTime>1e9</CreateTime>", f"<CreateTime>{'9' * 5000}</CreateTime>",
     "<CreateTime>99999999999999</CreateTime>", "<CreateTime/>"],
)  # fmt: skip
def test_an_absurd_time_is_no_time(extra: str) -> None:
    plain = event("click").replace(b"<CreateTime>1403610513</CreateTime>", extra.encode())
    assert wecom.glance(plain).at is None
    assert isinstance(wecom.translate(plain, "ww1"), facts.RepMenuUsed)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_body_makes_reading_raise(data: st.DataObject) -> None:
    values = st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=8,
    )
    names = ["MsgType", "Event", "ChangeType", "FromUserName", "CreateTime", "SelectedItems",
             "List", "ExternalUserID", "MemChangeList", "InfoType"]  # fmt: skip
    kinds = st.sampled_from(["event", "text", "template_card_event", "subscribe_msg_popup_event"])
    fields = data.draw(st.dictionaries(st.sampled_from(names), kinds | values))
    for plain in (json.dumps(fields).encode(), data.draw(st.binary(max_size=60))):
        for module in (wecom, oa):
            seen = module.glance(plain)
            stored = (seen.event_type + seen.partition).encode()
            assert b"\0" not in stored
            assert isinstance(module.translate(plain, "r"), facts.Fact)


def test_halves_of_characters_and_zero_bytes_are_not_passed_on() -> None:
    plain = rb'{"MsgType":"text","FromUserName":"a\ud800\u0000b","Content":"\udfff"}'
    fact = oa.translate(plain, "wx1")
    assert isinstance(fact, facts.FollowerMessaged)
    assert (fact.openid, fact.text) == ("a?b", "?")


def test_a_document_type_in_another_encoding_is_refused_too() -> None:
    text = (
        '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE a [<!ENTITY b "c">]><xml><a>&b;</a></xml>'
    )
    with pytest.raises(Unreadable):
        read(text.encode("utf-16"))


def test_text_in_several_sections_and_among_comments_is_one_text() -> None:
    body = read(b"<xml><a><![CDATA[1]]]]><![CDATA[>2]]></a><b><!-- c -->3<?p i?></b></xml>")
    assert (body.text("A"), body.text("B")) == ("1]]>2", "3")


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
