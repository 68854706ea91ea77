"""The callback addresses that are configured, and how to read what arrives at each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from app.connectors.callback_crypto import Secrets
from app.connectors.glance import Glance
from app.connectors.official_account import translate as oa_translate
from app.connectors.official_account.crypto import Receiver as OfficialAccountReceiver
from app.connectors.wecom import translate as wecom_translate
from app.connectors.wecom.crypto import Receiver as WeComReceiver
from app.infra.errors import Misconfigured
from app.infra.settings import Settings

MAIN = "main"  # the key of the address that the environment describes


@dataclass(frozen=True, slots=True)
class Door:
    """One callback address: who may knock and what we answer."""

    source: str
    receiver: WeComReceiver | OfficialAccountReceiver
    glance: Callable[[bytes], Glance]
    thanks: bytes

    @property
    def receiver_id(self) -> str:
        """Corp id or app id."""
        return self.receiver.secrets.receive_id


Doors = Mapping[tuple[str, str], Door]


def doors_of(settings: Settings) -> Doors:
    """Doors by source and key; a platform without secrets has none. Raises Misconfigured."""
    found = {}
    if settings.wecom_token and settings.wecom_aes_key and settings.wecom_corp_id:
        secrets = Secrets(settings.wecom_token, settings.wecom_aes_key, settings.wecom_corp_id)
        _check(secrets, "WECOM_AES_KEY")
        receiver = WeComReceiver(secrets)
        found["wecom", MAIN] = Door("wecom", receiver, wecom_translate.glance, b"")
    if settings.oa_token and settings.oa_aes_key and settings.oa_app_id:
        secrets = Secrets(settings.oa_token, settings.oa_aes_key, settings.oa_app_id)
        _check(secrets, "OA_AES_KEY")
        account = OfficialAccountReceiver(secrets)
        found["oa", MAIN] = Door("oa", account, oa_translate.glance, b"success")
    return found


def _check(secrets: Secrets, name: str) -> None:
    try:
        usable = len(secrets.key) == 32
    except ValueError:
        usable = False
    if not usable:
        raise Misconfigured(f"{name}: copy the 43 letters and digits of the platform's page")
