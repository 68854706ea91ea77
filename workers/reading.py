"""What an inbox event says, and the story that handles it."""

from __future__ import annotations

from collections.abc import Callable

from app import completeness, facts
from app.connectors.official_account import translate as oa_translate
from app.connectors.wecom import translate as wecom_translate
from app.flows import Flow, flow_for
from app.inbox import Claim

TRANSLATORS: dict[str, Callable[[bytes, str], facts.Fact]] = {
    "wecom": wecom_translate.translate,
    "oa": oa_translate.translate,
    completeness.SOURCE: completeness.translate,
}


def read(claim: Claim) -> tuple[facts.Fact, Flow | None]:
    """The fact and its flow; no flow for what nobody can translate or handle yet."""
    translate = TRANSLATORS.get(claim.source)
    if translate is None:
        reason = f"no translator for {claim.source}"
        return facts.Unknown(at=claim.received_at, reason=reason), None
    fact = translate(claim.body, claim.receiver)
    return fact, None if isinstance(fact, facts.Unknown) else flow_for(fact)


def why_unknown(fact: facts.Fact) -> str:
    """For people who look at an event that was kept raw."""
    if isinstance(fact, facts.Unknown):
        return fact.reason
    return f"no flow handles {type(fact).__name__} yet"
