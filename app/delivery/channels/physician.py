"""Ways to reach a physician directly: the welcome message and the Official Account."""

from __future__ import annotations

from app.delivery.channels import Delivered, Message, Platforms


def welcome(platforms: Platforms, message: Message) -> Delivered:
    """The welcome message, once, within 20 seconds of the event."""
    payload = message.payload
    platforms.wecom[payload["corp_id"]].send_welcome(payload["code"], payload["text"])
    return Delivered()


def oa_text(platforms: Platforms, message: Message) -> Delivered:
    """A custom message: text, or one article when the payload names a link."""
    payload = message.payload
    account = platforms.official_accounts[payload["app_id"]]
    if "url" in payload:
        account.send_article(payload["openid"], payload["title"], payload["text"], payload["url"])
    else:
        account.send_text(payload["openid"], payload["text"])
    return Delivered()


def oa_template(platforms: Platforms, message: Message) -> Delivered:
    """A template message; its client_msg_id makes repeating harmless."""
    payload = message.payload
    account = platforms.official_accounts[payload["app_id"]]
    message_id = account.send_template(
        payload["openid"], payload["template_id"], payload["data"], payload["url"],
        payload["client_msg_id"],
    )  # fmt: skip
    return Delivered(message_id)
