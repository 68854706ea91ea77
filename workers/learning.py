"""Learning from answers once a night, by whichever scheduler comes first."""

from __future__ import annotations

from app import recommend
from app.bootstrap import Parts
from app.flows.learning.learn_tonight import learn_tonight
from app.infra import log
from app.infra.clock import local
from app.recommend import proof

FROM_HOUR = 2  # in China; plans of the day come later

_log = log.get(__name__)


def keep_learning(parts: Parts) -> bool:
    """True when tonight's learning was done now. Without numpy the scorer stays at day 0."""
    now = parts.clock()
    here = local(now)
    if here.hour < FROM_HOUR or not proof.available():
        return False
    with parts.db.reading() as session:
        if recommend.learned_on(session, here.date()):
            return False
        learned = learn_tonight(session, now)  # outside: it may take a minute
    with parts.db.transaction() as session:
        if recommend.learned_on(session, here.date()):
            return False  # another scheduler was faster
        recommend.keep(session, learned, now)
    _log.info("learned from answers", rows=learned.rows, used=learned.figures.get("used"))
    return True
