"""What is the same for all messages of one way: the API they need, and how long they are good."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from app.delivery.models import Way

TO_MEMBER = frozenset({Way.REP_CARD, Way.REP_TEXT})  # counted by the platform for each member
API_OF: Mapping[Way, str] = {
    Way.REP_CARD: "message/send",
    Way.REP_TEXT: "message/send",
    Way.CARD_UPDATE: "message/update_template_card",
    Way.WELCOME: "externalcontact/send_welcome_msg",
    Way.GROUP_TASK: "externalcontact/add_msg_template",
    Way.OA_TEXT: "message/custom/send",
    Way.OA_TEMPLATE: "message/template/send",
}
GOOD_FOR: Mapping[Way, timedelta] = {
    Way.REP_CARD: timedelta(hours=12),
    Way.REP_TEXT: timedelta(hours=24),
    Way.CARD_UPDATE: timedelta(hours=72),  # as long as a card's response code works
    Way.WELCOME: timedelta(seconds=20),  # as long as a welcome code works
    Way.GROUP_TASK: timedelta(hours=24),
    Way.OA_TEXT: timedelta(hours=24),
    Way.OA_TEMPLATE: timedelta(hours=24),
}
"""Where nobody says until when: no message of ours may arrive late without anybody's wish."""


def ways_of(api: str) -> frozenset[Way]:
    """The ways that need this API."""
    return frozenset(way for way, needed in API_OF.items() if needed == api)
