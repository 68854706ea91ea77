"""An operator says what became of a message whose outcome nobody knew."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from app import delivery
from app.delivery import Dispatch
from app.delivery.likely import NOBODY
from app.flows.sending.sent import after_sent
from app.flows.sending.tell_rep import is_notice, tell_again


def settle_message(
    session: Session, dispatch_id: int, decision: str, *, actor: str, now: datetime
) -> Dispatch:
    """`decision` is sent, failed or resend; what follows from it happens: a notice that
    has not arrived goes to another rep, else staff see to it. Raises Refused."""
    seen_to = delivery.get(session, dispatch_id).error == NOBODY
    dispatch = delivery.settle(session, dispatch_id, decision, now, actor=actor)
    if is_notice(dispatch) and decision == "resend":
        tell_again(session, dispatch, now)
    elif not seen_to:
        after_sent(session, dispatch, now)
    return dispatch
