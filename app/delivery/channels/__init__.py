"""One module for the ways to reach reps, one for those to reach physicians.

A way is a function (outside, dispatch facts) → Delivered; it calls the platform once and raises
typed errors. No database here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.connectors.errors import NotSent
from app.delivery.models import Way
from app.infra.errors import Permanent, Transient

if TYPE_CHECKING:
    from app.connectors.official_account.client import OfficialAccount
    from app.connectors.wecom.client import WeCom


@dataclass(frozen=True, slots=True)
class Message:
    """What a channel needs to know of a dispatch."""

    way: Way
    payload: Mapping[str, Any]
    task_id: str | None


@dataclass(frozen=True, slots=True)
class Delivered:
    """What the platform said. `refused`: recipients it did not take."""

    provider_id: str = ""
    response_code: str = ""
    refused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Platforms:
    """The clients by corp id and app id."""

    wecom: Mapping[str, WeCom]
    official_accounts: Mapping[str, OfficialAccount]


Channel = Callable[[Platforms, Message], Delivered]


def knock(platforms: Platforms, message: Message) -> None:
    """Does the platform of this message answer at all? Raises NotSent when it does not."""
    payload = message.payload
    try:
        if "app_id" in payload:
            platforms.official_accounts[payload["app_id"]].knock()
        else:
            platforms.wecom[payload["corp_id"]].knock()
    except (Transient, Permanent) as problem:
        raise NotSent(f"the platform does not answer yet: {problem}") from problem


def deliver(platforms: Platforms, message: Message) -> Delivered:
    """Call the platform once for this message."""
    from app.delivery.channels import moment, physician, rep

    channels: dict[Way, Channel] = {
        Way.REP_CARD: rep.card,
        Way.REP_TEXT: rep.text,
        Way.CARD_UPDATE: rep.card_update,
        Way.GROUP_TASK: rep.group_task,
        Way.MOMENT_VIEW: moment.view,
        Way.MOMENT: moment.ask,
        Way.WELCOME: physician.welcome,
        Way.OA_TEXT: physician.oa_text,
        Way.OA_TEMPLATE: physician.oa_template,
    }
    return channels[message.way](platforms, message)
