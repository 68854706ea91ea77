"""A meeting: physicians answer on the page, their rep hears of it, and who came is noted.

Another version may say another time: whoever answered before has answered for the old one, and is
asked again where the old link leads. A file of attendants names them as static lists do; nothing of
it is kept but who came.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import content, journey, reps
from app.content import ContentVersion, Stage
from app.flows.segments import list_file
from app.flows.sending import notices
from app.flows.sending.tell_rep import rep_to_tell, reps_to_tell, tell_rep
from app.identity import Identifier
from app.infra.clock import local
from app.infra.errors import Refused
from app.journey import Happened, MeetingAnswer, Touchpoint
from app.links import TrackedLink
from app.reps import Rep

MEETING = "meeting"
Answered = tuple[MeetingAnswer, str]  # with the ONE ID


def leads_to(session: Session, link: TrackedLink, now: datetime) -> tuple[ContentVersion, str]:
    """The version that a link shows, and why it may not be read, or "". An invitation leads on to
    the one in force: who has it gets no other one, and must hear of another time."""
    version = content.get_version(session, link.content_version_id)
    problem = content.problem(session, version, now)
    if problem and version.kind == MEETING:
        newer = content.usable_version(session, version.content_id, now)
        if newer is not None and newer.kind == MEETING:
            return newer, ""
    return version, problem


def answer(
    session: Session, link: TrackedLink, version: ContentVersion, coming: bool, now: datetime
) -> bool:
    """The reader is coming, or not; the newest word counts. False for a link of nobody's."""
    row = session.get(Identifier, link.identifier_id) if link.identifier_id else None
    if row is None or version.kind != MEETING or version.starts_at is None:
        return False
    mine = journey.meetings.known_as(session, version.content_id, row.one_id) or row.id
    given = journey.meetings.answer_of(session, version.content_id, mine, now)
    invited_by = link.rep_id or given.rep_id  # nobody: the account has
    if (rep := rep_to_tell(session, row.one_id, invited_by)) is not None:
        given.rep_id = rep.rep_id  # whoever hears of it below
    if given.coming is coming and not answered_for_another(session, [given], version):
        return True
    given.coming, given.at, given.changes = coming, now, given.changes + 1
    key = _key(given)
    journey.note(
        session, row.id, Happened.MEETING_ACCEPTED if coming else Happened.MEETING_DECLINED,
        channel="page", at=now, ref=key, rep_id=link.rep_id, content_version_id=version.id,
        campaign_id=link.campaign_id,
    )  # fmt: skip
    when = f"{local(version.starts_at):%m月%d日 %H:%M}"
    said = "将参加" if coming else "不能参加"
    notice = notices.meeting_answered(said, version.title, when, local(now))
    tell_rep(session, row.one_id, notice, key=key, now=now, first=invited_by)
    return True


def answers_to(session: Session, rep: Rep, since: datetime) -> list[Answered]:
    """What this rep's own physicians have answered, whichever rep invited them, to meetings of
    which a version begins at `since` or later."""
    mine = select(Identifier.one_id).where(Identifier.id.in_(reps.seen_by(rep.id)))
    lately = select(ContentVersion.content_id).where(ContentVersion.starts_at >= since)
    which = Identifier.one_id.in_(mine), MeetingAnswer.content_id.in_(lately)
    return list(journey.meetings.answers(session, *which))


def concerning(session: Session, rep: Rep, rows: Sequence[Answered]) -> list[Answered]:
    """Of answers to one invitation those that this rep would hear of now: they go along with a
    physician who is handed over, and whoever had invited sees them no more."""
    told = reps_to_tell(session, {one_id: row.rep_id for row, one_id in rows})
    return [one for one in rows if one[1] in told and told[one[1]].rep_id == rep.id]


def said(session: Session, link: TrackedLink, version: ContentVersion) -> tuple[bool | None, bool]:
    """What the reader has answered, through whichever link, and whether for another time."""
    asked = link.identifier_id if version.kind == MEETING else None
    row = session.get(Identifier, asked) if asked else None
    given = journey.meetings.newest(session, version.content_id, row.one_id) if row else None
    if given is None:
        return None, False
    return given.coming, bool(answered_for_another(session, [given], version))


def answered_for_another(
    session: Session, rows: Sequence[MeetingAnswer], version: ContentVersion
) -> dict[int, datetime]:
    """Of answers to one invitation those that were given to another time than this version's:
    answer id → that time."""
    keys = {_key(row): row.id for row in rows}
    times = session.execute(
        select(Touchpoint.ref, ContentVersion.starts_at)
        .join(ContentVersion, ContentVersion.id == Touchpoint.content_version_id)
        .where(Touchpoint.ref.in_(keys), ContentVersion.starts_at != version.starts_at)
    )
    return {keys[ref]: starts_at for ref, starts_at in times if starts_at is not None}


def took_place(session: Session, rows: Sequence[MeetingAnswer], now: datetime) -> set[int]:
    """Of answers those, by id, that were given to a time at which the meeting has begun."""
    keys = {_key(row): row.id for row in rows}
    times = session.execute(
        select(Touchpoint.ref, ContentVersion.starts_at, ContentVersion.withdrawn_at)
        .join(ContentVersion, ContentVersion.id == Touchpoint.content_version_id)
        .where(Touchpoint.ref.in_(keys))
    )
    return {keys[ref] for ref, begins, gone in times if begins and begins <= (gone or now)}


def moved(session: Session, version_ids: Iterable[int | None]) -> dict[int, datetime]:
    """Which of these versions invite to a time that the meeting no longer has: id → that time."""
    some = ContentVersion.id.in_({number for number in version_ids if number is not None})
    rows = session.execute(
        select(ContentVersion.id, ContentVersion.content_id, ContentVersion.starts_at)
        .where(some, ContentVersion.kind == MEETING, ContentVersion.starts_at.is_not(None))
    ).all()  # fmt: skip
    now = {number: invitation(session, number) for number in {row.content_id for row in rows}}
    return {
        row.id: row.starts_at
        for row in rows
        if (one := now[row.content_id]) is not None and one.starts_at != row.starts_at
    }


def invitation(session: Session, content_id: int) -> ContentVersion | None:
    """The newest version that is approved, or, with none, that ever was."""
    ever = [v for v in content.versions_of(session, content_id) if v.fingerprint is not None]
    return next((v for v in ever if v.stage == Stage.APPROVED), ever[0] if ever else None)


def attend(
    session: Session, version: ContentVersion, identifier_id: int, came: bool, by: str,
    now: datetime,
) -> None:  # fmt: skip
    """Note who came, or that somebody did not; not before it begins. Raises Refused."""
    if version.kind != MEETING or version.starts_at is None:
        raise Refused("这份内容不是会议邀请。")
    if now < version.starts_at:
        raise Refused(f"会议还没有开始（{local(version.starts_at):%m月%d日 %H:%M}）。")
    row = journey.meetings.answer_of(session, version.content_id, identifier_id, now)
    row.attended, row.attended_by = came, by
    key = f"meeting:{row.id}:came"
    if not came:
        journey.take_back(session, identifier_id, Happened.MEETING_ATTENDED, key)
    else:
        journey.note(
            session, identifier_id, Happened.MEETING_ATTENDED, channel=MEETING,
            at=version.starts_at, ref=key, rep_id=row.rep_id,
            content_version_id=version.id,
        )  # fmt: skip
    session.flush()


def attend_from_file(
    session: Session, content_id: int, filename: str, data: bytes, *, corp_id: str, by: str,
    now: datetime,
) -> tuple[Counter[str], list[dict[str, object]]]:  # fmt: skip
    """Who the file says came: (figures, the lines that name nobody alone). Raises Refused."""
    version = invitation(session, content_id)
    if version is None:
        raise Refused("没有这场会议，或会议邀请还没有批准。")
    sheet = list_file.read(filename, data)
    found = list_file.resolve(session, sheet, sheet.guessed, corp_id=corp_id)
    invited = journey.meetings.answers(session, MeetingAnswer.content_id == content_id)
    answered = {one_id: row for row, one_id in invited}
    for member in found.members:
        one_id = session.get_one(Identifier, member).one_id
        known: MeetingAnswer | None = answered.get(one_id)
        attend(session, version, known.identifier_id if known else member, True, by, now)
    return found.figures, list(found.report)


def _key(row: MeetingAnswer) -> str:
    """Of the line in the journey that this answer, as it is now, has left."""
    return f"meeting:{row.id}:{row.changes}"
