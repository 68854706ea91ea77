"""Who may call which route. A route without a policy is refused, and a test fails for it.

    @bp.get("/…")
    @allow(Role.ADMIN, Role.MARKETER)     people with a login and one of these roles
    @allow(*STAFF, token=True)            the same roles through the API's bearer token
    @public("signature checked by …")     everybody; the text says what protects it instead

A blueprint sets a default for all its routes with `default_policy(bp, policy)`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import Blueprint, Flask

from app.accounts.models import Role

View = TypeVar("View", bound=Callable[..., Any])
MARK = "yishu_policy"

EVERYONE = tuple(Role)
STAFF = (Role.ADMIN, Role.MARKETER, Role.REVIEWER)
MIRRORERS = (Role.ADMIN, Role.MARKETER)  # say what reps see in WeCom
IMPORTERS = (Role.ADMIN, Role.MARKETER)  # bring files about physicians, and take them back


@dataclass(frozen=True, slots=True)
class Policy:
    """`roles` empty: public, and `protected_by` says how. `by_token`: bearer token, not login."""

    roles: tuple[Role, ...] = ()
    by_token: bool = False
    protected_by: str = ""

    @property
    def is_public(self) -> bool:
        """True when no account is needed."""
        return not self.roles


def allow(*roles: Role, token: bool = False) -> Callable[[View], View]:
    """Only these roles, by login or (`token`) by API token."""
    return _mark(Policy(roles=roles, by_token=token))


def public(protected_by: str) -> Callable[[View], View]:
    """Everybody; say what protects the route instead."""
    return _mark(Policy(protected_by=protected_by))


def default_policy(blueprint: Blueprint, policy: Policy) -> None:
    """Holds for every route of `blueprint` that has no policy of its own."""
    setattr(blueprint, MARK, policy)


def policy_of(app: Flask, endpoint: str) -> Policy | None:
    """The policy of an endpoint, its blueprint's default, or None when somebody forgot."""
    own = getattr(app.view_functions.get(endpoint), MARK, None)
    if own is None and "." in endpoint:
        own = getattr(app.blueprints.get(endpoint.rsplit(".", 1)[0]), MARK, None)
    return own


def _mark(policy: Policy) -> Callable[[View], View]:
    def decorate(view: View) -> View:
        setattr(view, MARK, policy)
        return view

    return decorate
