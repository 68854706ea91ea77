"""What happens when: stories over several domains, by what they are about.

allowed       whether somebody may be contacted now, and with which contents
answers       a rep answers a suggestion, and what follows from it
campaigns     a push: whom it reaches, its run, its end, its content
completeness  looking ourselves for what no callback told
contacts      a rep's contacts in WeCom come, change and go
fitting       how well contents fit physicians, worked out by night
followers     what followers of the Official Account do
identity      who is who: comparing, deciding, lists of physicians and hospitals
insight       what people ask of suggestions
learning      what answers teach, and how policies are judged
pages         what physicians do on our pages
planning      a rep's day: who, what, when, and why
segments      audiences with all who use them, and lists from files
sending       what becomes of messages, tasks and moments
tagging       the vocabulary and tags over several domains

A room imports only from those below it, as `.importlinter` draws them.

A flow has two halves. `prepare` may call the platforms and must not touch the database; `apply`
changes the database inside the job's transaction and must not call anybody. Either may be run
again after a crash: `apply` is repeated only when its transaction did not commit.

    HANDLES: type[Fact] | tuple[type[Fact], …]
    def prepare(fact, outside: Outside) -> object           # optional
    def apply(session, fact, prepared, event: Received, now: datetime) -> None
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import import_module
from pkgutil import walk_packages
from typing import TYPE_CHECKING, Any

from sqlalchemy.orm import Session

from app.facts import Fact
from app.infra.settings import Settings

if TYPE_CHECKING:
    from app.connectors.official_account.client import OfficialAccount
    from app.connectors.wecom.client import WeCom


@dataclass(frozen=True, slots=True)
class Outside:
    """What a flow may call outside a transaction."""

    settings: Settings
    wecom: Mapping[str, WeCom]  # by corp id
    official_accounts: Mapping[str, OfficialAccount]  # by app id


@dataclass(frozen=True, slots=True)
class Received:
    """The inbox row a fact came from; `ref` names it in evidence and touchpoints."""

    id: int
    received_at: datetime

    @property
    def ref(self) -> str:
        """`inbox:<id>`."""
        return f"inbox:{self.id}"


@dataclass(frozen=True, slots=True)
class Flow:
    """The two halves of one story."""

    name: str
    prepare: Callable[[Any, Outside], Any]
    apply: Callable[[Session, Any, Any, Received, datetime], None]


def flow_for(fact: Fact) -> Flow | None:
    """The flow that handles this fact, or None when nobody does yet."""
    return _registry().get(type(fact))


@cache
def _registry() -> dict[type[Fact], Flow]:
    found: dict[type[Fact], Flow] = {}
    for info in walk_packages(__path__, f"{__name__}."):
        module = import_module(info.name)
        handled = getattr(module, "HANDLES", ())
        for kind in handled if isinstance(handled, tuple) else (handled,):
            if kind in found:
                raise TypeError(f"{kind.__name__} is handled by two flows")
            prepare = getattr(module, "prepare", _nothing_to_prepare)
            found[kind] = Flow(info.name.rpartition(".")[2], prepare, module.apply)
    return found


def _nothing_to_prepare(_fact: Fact, _outside: Outside) -> None:
    return None
