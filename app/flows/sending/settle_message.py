"""An operator says what became of a message whose outcome nobody knew."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from app import delivery
from app.delivery import Dispatch
from app.flows.sending.sent import after_sent
from app.flows.sending.tell_rep import is_notice, tell_again


def settle_message(
    session: Session, dispatch_id: int, decision: str, *, actor: str, now: datetime
) -> Dispatch:
    """`decision` is sent, failed or resend; what follows from it happens. Raises Refused."""
    dispatch = delivery.settle(session, dispatch_id, decision, now, actor=actor)
    if not is_notice(dispatch):
        after_sent(session, dispatch, now)
    elif decision == "resend":
        tell_again(session, dispatch, now)
    return dispatch
