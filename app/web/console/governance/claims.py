"""治理 → 归属: reps who say “not my physician”, decided by staff."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app import accounts, feedback, identity, reps
from app.accounts.models import Role
from app.feedback import ClaimState
from app.flows.contacts.claim_decided import decide_claim, undo_claim
from app.infra.errors import YishuError
from app.web import auth
from app.web.console import bp
from app.web.context import parts
from app.web.numbers import row_number
from app.web.policy import allow


@bp.get("/governance/claims")
@allow(Role.ADMIN, Role.MARKETER)
def claims() -> str:
    """Those that wait, and what was decided lately."""
    with parts().db.reading() as session:
        rows = feedback.claims.listing(session)
        owners = identity.owners(session, [row.identifier_id for row in rows])
        relations = {
            row.id: reps.relations_of(session, owners[row.identifier_id])
            for row in rows
            if row.state == ClaimState.OPEN and row.identifier_id in owners
        }
        return render_template(
            "console/governance/claims.html", rows=rows, owners=owners, relations=relations,
            people=identity.physicians_by_id(session, list(set(owners.values()))),
            reps=reps.reps_by_id(session), active=reps.active_reps(session),
            users=accounts.names(session), waiting=feedback.claims.count_open(session),
        )  # fmt: skip


@bp.post("/governance/claims/<int:claim_id>")
@allow(Role.ADMIN, Role.MARKETER)
def decide_relation(claim_id: int) -> Response:
    """Off the rep's lists, to another rep, or the rep is mistaken; or take the decision back."""
    here, who = parts(), auth.actor()
    text, to = request.form.get("decision", ""), request.form.get("to_rep_id", "")
    try:
        with here.db.transaction() as session:
            if text == "undo":
                undo_claim(session, claim_id, here.clock())
            else:
                decide_claim(
                    session, claim_id,
                    ClaimState(text) if text in set(ClaimState) else ClaimState.OPEN,
                    by=who.key, reason=request.form.get("reason", ""), now=here.clock(),
                    to_rep_id=row_number(to) if to else None,
                )  # fmt: skip
            accounts.audit(
                session, who.key, "claim.decided", "relation_claim", claim_id, now=here.clock(),
                decision=text,
            )  # fmt: skip
        flash(_("已撤销，等待重新处理。") if text == "undo"
              else _("已处理，并告诉了代表。"), "success")  # fmt: skip
    except YishuError as problem:
        flash(str(problem), "error")
    return redirect(url_for("console.claims"))
