"""洞察 → 增量: what suggestions add over the holdout, honestly."""

from __future__ import annotations

from flask import render_template

from app.flows.learning.lifting import Lifted, lifted
from app.recommend.policy import policies
from app.recommend.policy.lift import Lift
from app.web.console import bp
from app.web.console.insights.policy_words import lift_says
from app.web.context import parts
from app.web.policy import STAFF, allow

LEAST_SCALE = 0.05  # of the picture: half its width, as a share


@bp.get("/insights/lift")
@allow(*STAFF)
def lift_page() -> str:
    """Overall, beside contacts, and by brand."""
    here = parts()
    with here.db.reading() as session:
        found = lifted(session, here.clock())
        live = policies.current(session, here.clock())
    return render_template(
        "console/insights/lift.html", found=found, live=live, says=lift_says, scale=_scale(found)
    )


def _scale(found: Lifted) -> float:
    ends = [LEAST_SCALE]
    lines: list[Lift] = [found.opened, found.contacted, *found.by_brand.values()]
    for one in lines:
        if one.low is not None and one.high is not None:
            ends += [abs(one.low), abs(one.high)]
    return max(ends) * 1.05
