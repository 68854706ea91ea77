"""Facts about the corp around a physician: archiving, groups, acquisition links, tags, members."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app import consent, identity, journey, links, recommend, reps, tagging
from app.connectors.errors import GroupGone
from app.connectors.wecom.types import CorpTag, GroupChat
from app.consent import Action, Purpose
from app.facts import (
    AcquisitionReported,
    ArchiveConsentGiven,
    ArchiveNotified,
    CorpTagChanged,
    GroupChatChanged,
    MemberChanged,
    RepAppVisibilityChanged,
)
from app.flows import Outside, Received
from app.flows.contacts.contact_added import welcome
from app.flows.contacts.renamed import rename
from app.flows.contacts.sync_contact import know_contact
from app.flows.sending.stop_sending import stop_sending
from app.identity import Id, Kind
from app.journey import Happened
from app.reps import Rep
from app.tagging import Source

HANDLES = (
    ArchiveConsentGiven,
    ArchiveNotified,
    AcquisitionReported,
    CorpTagChanged,
    GroupChatChanged,
    MemberChanged,
    RepAppVisibilityChanged,
)
CHATTED = frozenset({"customer_start_chat", "message_from_customer"})
ACTIVE, DISABLED, LEFT = 1, 2, 5  # a member's status; 4, not activated yet, changes nothing


def prepare(fact: Any, outside: Outside) -> Any:
    """What the platform says now about the tags or the group that changed."""
    if isinstance(fact, CorpTagChanged):
        return outside.wecom[fact.corp_id].list_corp_tags()
    if isinstance(fact, GroupChatChanged) and fact.change != "dismiss":
        try:
            return outside.wecom[fact.corp_id].get_group_chat(fact.chat_id)
        except GroupGone:
            return None  # dismissed meanwhile
    return None


def apply(session: Session, fact: Any, prepared: Any, event: Received, now: datetime) -> None:
    """One small effect per fact."""
    if isinstance(fact, ArchiveConsentGiven):
        _archive(session, fact, event, now)
    elif isinstance(fact, AcquisitionReported):
        _acquisition(session, fact, event, now)
    elif isinstance(fact, CorpTagChanged):
        _tags(session, fact, prepared or (), now)
    elif isinstance(fact, GroupChatChanged) and prepared is not None:
        _group(session, fact, prepared)
    elif isinstance(fact, MemberChanged):
        _member(session, fact, now)
    elif isinstance(fact, RepAppVisibilityChanged) and fact.visible:
        reps.ensure_rep(session, fact.corp_id, fact.rep_userid, now=now)


def _archive(session: Session, fact: ArchiveConsentGiven, event: Received, now: datetime) -> None:
    row = know_contact(session, fact, event.ref, now)
    rep = reps.ensure_rep(session, fact.corp_id, fact.rep_userid, now=now)
    noted = journey.note(
        session, row.id, Happened.CONSENT_CHANGED, channel="wecom", at=fact.at, ref=event.ref,
        rep_id=rep.id, detail={"purpose": "archive", "action": "grant"},
    )  # fmt: skip
    if noted:
        consent.record(
            session, row.id, purpose=Purpose.ARCHIVE, action=Action.GRANT, channel="wecom",
            source="msg_audit_approved", evidence=event.ref, at=fact.at,
        )  # fmt: skip
    if fact.welcome_code:  # with archiving, the welcome is allowed only now
        known = reps.find_contact(session, rep.id, row.id)
        code = links.find_code(session, "wecom", known.channel_state if known else "")
        welcome(session, fact, fact.welcome_code, rep, row, code, now)


def _acquisition(
    session: Session, fact: AcquisitionReported, event: Received, now: datetime
) -> None:
    if not fact.external_userid:
        return  # news about the link or its balance
    one = Id(Kind.WECOM_EXTERNAL_USERID, fact.corp_id, fact.external_userid)
    (row,) = identity.recognise(
        session, [one], event_key=event.ref, source="wecom.event", at=fact.at, now=now
    )
    rep = None
    if fact.rep_userid:
        rep = reps.ensure_rep(session, fact.corp_id, fact.rep_userid, now=now)
        if fact.change in CHATTED:
            reps.note_chat(session, rep.id, row.id, fact.at)
    journey.note(
        session, row.id, Happened.ACQUIRED, channel="wecom", at=fact.at, ref=event.ref,
        rep_id=rep.id if rep else None, detail={"change": fact.change, "state": fact.state},
    )  # fmt: skip


def _tags(session: Session, fact: CorpTagChanged, listed: Sequence[CorpTag], now: datetime) -> None:
    tagging.keep_corp_tags(
        session, fact.corp_id, [(tag.tag_id, tag.name, tag.group) for tag in listed], now
    )
    for tag in listed:
        tagging.map_name(session, Source.WECOM_TAG, tag.name, now)


def _group(session: Session, fact: GroupChatChanged, chat: GroupChat) -> None:
    for member in chat.members:
        if not member.is_contact:
            continue
        one = Id(Kind.WECOM_EXTERNAL_USERID, fact.corp_id, member.userid)
        row = identity.find(session, one)
        if row is not None:
            journey.note(
                session, row.id, Happened.GROUP_JOINED, channel="wecom", at=fact.at,
                ref=f"group:{fact.chat_id}:{row.id}", detail={"name": chat.name},
            )  # fmt: skip


def _member(session: Session, fact: MemberChanged, now: datetime) -> None:
    rep = reps.find_rep(session, fact.corp_id, fact.userid)
    if rep is not None and fact.new_userid and fact.new_userid != rep.userid:
        left = rename(session, rep, fact.new_userid, fact.at, now)
        if left is not None:
            _leave(session, rep, left, now)
    rep = rep or reps.find_rep(session, fact.corp_id, fact.new_userid or fact.userid)
    if rep is None:
        return
    if fact.change == "delete" or fact.status in (DISABLED, LEFT):
        _leave(session, rep, fact.at, now)
        return
    if fact.status == ACTIVE:
        reps.come_back(session, rep, fact.at)
    if fact.name:
        rep.name = fact.name


def _leave(session: Session, rep: Rep, at: datetime, now: datetime) -> None:
    """Others may take over; not where it is late news of somebody who is back."""
    if reps.leave(session, rep, at):
        stop_sending(session, "代表已离职或停用", now, rep_id=rep.id)
        recommend.give_up(session, rep.id)
