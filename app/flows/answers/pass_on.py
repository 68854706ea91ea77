"""An adopted suggestion on its way: by hand, as a group task, or through the Official Account.

It goes the way that the rep was shown or has picked. Where that is not allowed any more it goes by
hand, if it may: nothing is ever sent directly to a physician that the rep has not seen so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

from app import consent, delivery, links
from app.consent import Verdict
from app.delivery import Dispatch, Way
from app.flows.allowed.permission import verdict_for
from app.flows.sending.material import account_fields, forward_text, task_fields
from app.flows.sending.ways import ALONE, Ways, ways_to
from app.identity import Identifier
from app.recommend.day.way import NAMES, WAITS, By

if TYPE_CHECKING:
    from app.flows.answers.card_answered import Case

DELIVER_WITHIN = timedelta(hours=24)
WAY_OF = {
    By.REP: Way.REP_TEXT, By.TASK: Way.GROUP_TASK, By.ACCOUNT: Way.OA_TEXT,
    By.MOMENT: Way.MOMENT_VIEW,
}  # fmt: skip
CHOSEN_FREELY = (By.REP, By.TASK)  # where the rep was shown no way


@dataclass(frozen=True, slots=True)
class Carrier:
    """The way, through which identifier it goes, and the verdict on it."""

    by: By
    to: Identifier
    verdict: Verdict

    @property
    def allowed(self) -> bool:
        """True also when it only waits for the end of the quiet hours."""
        return {reason.code for reason in self.verdict.reasons} <= {WAITS}


def carrier(session: Session, case: Case, now: datetime) -> Carrier:
    """The way that this suggestion goes now, judged for this content."""
    shown = case.way or case.suggestion.way
    found = ways_to(
        session, case.rep, [case.identifier], now, campaign_id=case.suggestion.campaign_id,
        among=ALONE if not case.batch else (*ALONE, By.MOMENT),
    )[case.identifier.id]  # fmt: skip
    by = By(shown) if shown in set(By) else found.choice.by
    if shown not in set(By) and by not in CHOSEN_FREELY:
        by = By.REP
    if by is By.MOMENT and not _takes_more(session, case):
        by = By.REP
    if by is not None and found.choice.allows(by):
        judged = _judged(session, case, by, found, now)
        if judged.allowed or by is By.REP:
            return judged
    return _judged(session, case, By.REP, found, now)


def pass_on(session: Session, case: Case, chosen: Carrier, now: datetime) -> None:
    """Queue what carries the content, with a link of its own; a moment is one for a whole batch."""
    suggestion, version, rep = case.suggestion, case.version, case.rep
    if chosen.by is By.MOMENT:
        _join_moment(session, case, now)
        return
    link = links.create_link(
        session, version.id, identifier_id=chosen.to.id, rep_id=rep.id,
        suggestion_id=suggestion.id, campaign_id=suggestion.campaign_id,
        channel=chosen.by.value, now=now,
    )  # fmt: skip
    suggestion.way = chosen.by.value
    delivery.queue(
        session, way=WAY_OF[chosen.by], dedupe_key=f"adopt:{suggestion.id}:{now.isoformat()}",
        payload=_payload(case, chosen, f"{case.base_url}/t/{link.token}"),
        rep_id=rep.id, identifier_id=chosen.to.id, suggestion_id=suggestion.id,
        campaign_id=suggestion.campaign_id, content_version_id=version.id,
        counts_as_contact=True, verdict=chosen.verdict.as_json(now),
        not_after=now + DELIVER_WITHIN, now=now,
    )  # fmt: skip


def _takes_more(session: Session, case: Case) -> bool:
    moments = delivery.moments
    return moments.takes_more(moments.find_moment(session, case.batch, case.rep.id))


def _join_moment(session: Session, case: Case, now: datetime) -> None:
    """One more who is to see the moment of this batch; the first one makes it."""
    rep, version, suggestion = case.rep, case.version, case.suggestion
    moment = delivery.moments.find_moment(session, case.batch, rep.id)
    if moment is None:
        link = links.create_link(
            session, version.id, rep_id=rep.id, channel=By.MOMENT.value, now=now
        )
        moment = delivery.moments.plan_moment(
            session, belongs_to=case.batch, rep_id=rep.id, content_version_id=version.id,
            url=f"{case.base_url}/t/{link.token}", now=now,
        )  # fmt: skip
    suggestion.way = By.MOMENT.value
    delivery.moments.show_to(session, moment, case.identifier.id, suggestion.id)


def announced(case: Case, chosen: Carrier) -> str:
    """What a rep is told who will see nothing of it in the own WeCom; empty for other ways."""
    if chosen.by is not By.ACCOUNT:
        return ""
    waits = chosen.verdict.text if not chosen.verdict.allowed else ""
    name = case.physician.name or "医生"
    return f"《{case.version.title}》由{NAMES[By.ACCOUNT]}发给 {name}。{waits}"


def _payload(case: Case, chosen: Carrier, url: str) -> dict[str, Any]:
    if chosen.by is By.ACCOUNT:
        return account_fields(chosen.to.namespace, chosen.to.value, case.version, url)
    to_rep: dict[str, Any] = {"corp_id": case.rep.corp_id, "userid": case.rep.userid}
    if chosen.by is By.TASK:
        return to_rep | task_fields(case.identifier.value, case.physician, case.version, url)
    return to_rep | {"text": forward_text(case.physician, case.version, url)}


def _judged(session: Session, case: Case, by: By, found: Ways, now: datetime) -> Carrier:
    """May this suggestion be carried out in this way now?"""
    to = found.account if by is By.ACCOUNT and found.account is not None else case.identifier
    asked = Dispatch(
        way=WAY_OF[by], rep_id=case.rep.id, identifier_id=to.id,
        content_version_id=case.version.id, counts_as_contact=True, not_before=now, payload={},
        created_at=case.suggestion.created_at, campaign_id=case.suggestion.campaign_id,
    )  # fmt: skip
    verdict = verdict_for(session, asked, now)
    return Carrier(by, to, verdict or Verdict((consent.Reason("unknown", "不能联系"),)))
