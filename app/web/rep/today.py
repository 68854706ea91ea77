"""Today's suggestions of one rep."""

from __future__ import annotations

from flask import Response, render_template

from app import recommend
from app.flows.allowed.own_day import own_day
from app.infra.clock import local
from app.recommend.day.way import By
from app.web.context import parts
from app.web.rep import bp, entry
from app.web.rep.lines import lines_of
from app.web.rep.not_got import not_got
from app.web.rep.together import groups_of


@bp.get("/")
def today() -> str | Response:
    """Today's suggestions."""
    here = parts()
    with here.db.reading() as session:
        rep = entry.known(session)
        if rep is None:
            return entry.to_wecom()
        now = here.clock()
        rows = own_day(session, rep.id, local(now).date())
        lines = lines_of(session, rep, rows, now, (By.MOMENT,))
        missed = not_got(session, rep, now)
    return render_template(
        "rep/today.html", rep=rep, lines=lines, refusals=recommend.REFUSALS,
        done=sum(not line.open for line in lines), now=now, groups=groups_of(lines), missed=missed,
    )  # fmt: skip
