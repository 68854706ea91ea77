"""Up to four true reasons in Chinese, each short enough for a card. Pure.

Only what carried the score is named: the strongest parts, one recent fact, and what the rules still
allow. Nothing is said of who set a tag: a rep must not learn of another rep's private marks.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from app.infra.clock import local
from app.recommend.fit import near
from app.recommend.fit.forms import Form, days_ago
from app.recommend.fit.scoring import Scored
from app.tagging.models import Source
from app.tagging.read import Weight

LONGEST, MOST = 30, 4
TAG_FORMS = {
    Source.CONTENT_READ: Form.READ_ABOUT,
    Source.WECOM_TAG: Form.WECOM_TAG,
    Source.WECOM_PERSONAL: Form.CUSTOMER_TAG,
    Source.MARKETING: Form.MARKETING_TAG,
    Source.RULE: Form.BEHAVED,
    Source.VERDICT: Form.VERIFIED,
    Source.CRM: Form.CRM,
    Source.CHANNEL: Form.SCANNED,
    Source.MESSAGE: Form.MENTIONED,
    Source.PERSON: Form.COLLEAGUE,
    Source.REP_FEEDBACK: Form.REP_SAID,
}
NOTHING: Mapping[int, str] = MappingProxyType({})


def reasons(
    fit: Scored,
    weights: Mapping[int, Weight],
    names: Mapping[int, str],
    *,
    last_contact: datetime | None,
    rule: str,
    now: datetime,
    first: str = "",
    fact: str = "",
    titles: Mapping[int, str] = NOTHING,
) -> list[str]:
    """What asked for it (`first`: a campaign, 稍后), the strongest tags, a recent `fact` or the
    last contact, the rule.

    `titles`: of contents that a rep may see, to be named where they say most.
    """
    told = [_cut(first)] if first else []
    if lead := near.sentence(fit.parts, titles, LONGEST):
        told.append(lead)
    named = [
        (tag, part)
        for tag, part in fit.parts.items()
        if part > 0 and tag in names and tag in weights
    ]
    strongest = sorted(named, key=lambda part: (-part[1], part[0]))
    told += [
        _tag_reason(names[tag], weights[tag], now) for tag, _ in strongest[: max(0, 2 - len(told))]
    ]
    if fact:
        told.append(_cut(fact))
    elif last_contact is None:
        told.append(Form.NO_CONTACT.say())
    else:
        told.append(Form.LAST_CONTACT.say(when=ago(last_contact, now)))
    if rule:
        told.append(_cut(rule))
    return told[:MOST]


def ago(moment: datetime, now: datetime) -> str:
    """今天, 昨天, or N 天前, by the calendar of China."""
    return days_ago(max(0, (local(now).date() - local(moment).date()).days))


def _tag_reason(name: str, weight: Weight, now: datetime) -> str:
    form, when = TAG_FORMS.get(Source(weight.source), Form.TAG), ago(weight.at, now)
    text = form.say(tag=name, when=when)
    over = len(text) - LONGEST
    if over > 0:  # shorten the name, never the sentence around it
        text = form.say(tag=name[: len(name) - over - 1] + "…", when=when)
    return text


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
