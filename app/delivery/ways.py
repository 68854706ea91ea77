"""What is the same for all messages of one way: the API they need, and how long they are good."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from zlib import crc32

from app.delivery.models import Way

TO_MEMBER = frozenset({Way.REP_CARD, Way.REP_TEXT})  # counted by the platform for each member
API_OF: Mapping[Way, str] = {
    Way.REP_CARD: "message/send",
    Way.REP_TEXT: "message/send",
    Way.CARD_UPDATE: "message/update_template_card",
    Way.WELCOME: "externalcontact/send_welcome_msg",
    Way.GROUP_TASK: "externalcontact/add_msg_template",
    Way.MOMENT_VIEW: "externalcontact/mark_tag",
    Way.MOMENT: "externalcontact/add_moment_task",
    Way.OA_TEXT: "message/custom/send",
    Way.OA_TEMPLATE: "message/template/send",
}
GOOD_FOR: Mapping[Way, timedelta] = {
    Way.REP_CARD: timedelta(hours=12),
    Way.REP_TEXT: timedelta(hours=24),
    Way.CARD_UPDATE: timedelta(hours=72),  # as long as a card's response code works
    Way.WELCOME: timedelta(seconds=20),  # as long as a welcome code works
    Way.GROUP_TASK: timedelta(hours=24),
    Way.MOMENT_VIEW: timedelta(hours=24),
    Way.MOMENT: timedelta(hours=24),
    Way.OA_TEXT: timedelta(hours=24),
    Way.OA_TEMPLATE: timedelta(hours=24),
}
"""Where nobody says until when: no message of ours may arrive late without anybody's wish."""

BURST, EACH_S, CALM_S = 50, 0.2, 60  # so few go at once; more are spread; minutes to avoid


def ways_of(api: str) -> frozenset[Way]:
    """The ways that need this API."""
    return frozenset(way for way, needed in API_OF.items() if needed == api)


def spread(now: datetime, key: str, number: int) -> datetime:
    """When one of `number` messages that could all go now should go.

    Many are spread at random (the same for the same key), and not begun at the full or half hour,
    when everybody's programs send and the platform is slow.
    """
    if number <= BURST:
        return now
    share = crc32(key.encode()) / 2**32
    into = (now.minute % 30) * 60 + now.second
    start = now + timedelta(seconds=CALM_S - into) if into < CALM_S else now
    return start + timedelta(seconds=share * number * EACH_S)
