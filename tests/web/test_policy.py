"""Every route says who may call it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from app.accounts.models import Role
from app.bootstrap import build, build_web
from app.web.policy import IMPORTERS, policy_of
from tests.conftest import make_settings


@pytest.fixture(scope="module")
def web(sqlite_template: Path) -> Iterator[Flask]:
    parts = build(make_settings(f"sqlite:///{sqlite_template}", "unix:///nowhere.sock"))
    yield build_web(parts)
    parts.db.engine.dispose()


def test_every_route_has_a_policy(web: Flask) -> None:
    without = [
        str(rule) for rule in web.url_map.iter_rules() if policy_of(web, rule.endpoint) is None
    ]
    assert without == []


def test_no_two_routes_answer_the_same_request(web: Flask) -> None:
    """Two views of one path: the one that was registered first hides the other and its policy."""
    asked: dict[tuple[str, str], list[str]] = {}
    for rule in web.url_map.iter_rules():
        shape = re.sub(r"<(?:(\w+)(?:\(.*?\))?:)?\w+>", r"<\1>", rule.rule)  # names do not tell
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            asked.setdefault((method, shape), []).append(rule.endpoint)
    assert {key: views for key, views in asked.items() if len(views) > 1} == {}


def test_an_endpoint_has_one_path(web: Flask) -> None:
    paths: dict[str, list[str]] = {}
    for rule in web.url_map.iter_rules():
        paths.setdefault(rule.endpoint, []).append(rule.rule)
    assert {one: of for one, of in paths.items() if len(of) > 1} == {}


def test_every_public_route_says_what_protects_it(web: Flask) -> None:
    for rule in web.url_map.iter_rules():
        policy = policy_of(web, rule.endpoint)
        assert policy is not None
        if policy.is_public:
            assert policy.protected_by, rule


def test_imports_of_tags_are_for_the_same_people_on_pages_and_for_systems(web: Flask) -> None:
    def roles(endpoint: str) -> tuple[Role, ...]:
        policy = policy_of(web, endpoint)
        assert policy is not None
        return policy.roles

    assert roles("console.upload_tags") == roles("console.apply_tags") == IMPORTERS
    assert roles("api.import_tag_names") == roles("api.import_file") == IMPORTERS
    assert roles("console.undo_tags_taken") == roles("api.undo_tag_import") == IMPORTERS


def test_a_route_without_a_policy_is_refused(sqlite_template: Path) -> None:
    parts = build(make_settings(f"sqlite:///{sqlite_template}", "unix:///nowhere.sock"))
    app = build_web(parts)
    app.add_url_rule("/forgotten", "forgotten", lambda: "open to all")
    assert app.test_client().get("/forgotten").status_code == 403
    assert policy_of(app, "forgotten") is None
    parts.db.engine.dispose()


def test_nothing_inside_the_application_answers_for_the_front_door(web: Flask) -> None:
    inside = [str(rule) for rule in web.url_map.iter_rules() if "callbacks" in str(rule)]
    assert inside == []


def test_every_route_carries_the_security_headers(web: Flask) -> None:
    client = web.test_client()
    for rule in web.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or rule.arguments:
            continue
        headers = client.get(str(rule)).headers
        assert headers["X-Content-Type-Options"] == "nosniff", rule
        assert "Referrer-Policy" in headers, rule
        policy = headers["Content-Security-Policy"]
        assert "unsafe" not in policy, rule
        assert "default-src 'none'" in policy or "default-src 'self'" in policy, rule
