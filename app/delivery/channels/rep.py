"""Ways to reach a rep in WeCom. Payloads name corp_id and userid."""

from __future__ import annotations

from app.connectors.errors import CardDuplicate
from app.delivery.channels import Delivered, Message, Platforms

DUPLICATE_CHECK_S = 14_400  # the platform's longest window for byte-identical requests


def card(platforms: Platforms, message: Message) -> Delivered:
    """A template card; a task id that the platform knows already means it has arrived."""
    body = {"msgtype": "template_card", "template_card": message.payload["card"]}
    wecom = platforms.wecom[message.payload["corp_id"]]
    try:
        sent = wecom.send_app_message(message.payload["userid"], body)
    except CardDuplicate:
        return Delivered()
    return Delivered(sent.message_id, sent.response_code, sent.invalid_users)


def text(platforms: Platforms, message: Message) -> Delivered:
    """A text; the platform refuses the same request within four hours."""
    body = {"msgtype": "text", "text": {"content": message.payload["text"]}}
    wecom = platforms.wecom[message.payload["corp_id"]]
    sent = wecom.send_app_message(message.payload["userid"], body, check_s=DUPLICATE_CHECK_S)
    return Delivered(sent.message_id, "", sent.invalid_users)


def card_update(platforms: Platforms, message: Message) -> Delivered:
    """Change a card that the rep has tapped: a button text, or a whole new card."""
    payload = message.payload
    wecom = platforms.wecom[payload["corp_id"]]
    wecom.update_card(payload["response_code"], [payload["userid"]], payload["change"])
    return Delivered()


def group_task(platforms: Platforms, message: Message) -> Delivered:
    """A mass-message task for one contact, which the rep confirms in WeCom."""
    payload = message.payload
    task = platforms.wecom[payload["corp_id"]].add_group_task(
        payload["userid"],
        [payload["external_userid"]],
        payload["text"],
        [{"msgtype": "link", "link": payload["link"]}],
    )
    return Delivered(task.message_id, "", task.failed)
