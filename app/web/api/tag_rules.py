"""GET|POST /tag-rules, GET|PUT /tag-rules/{id}, POST …/test|switch; GET /coverage."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify
from pydantic import Field
from sqlalchemy.orm import Session

from app import accounts, autotag, tagging
from app.accounts.models import Role
from app.autotag import Shown, Switch
from app.autotag.definition import write
from app.web import auth
from app.web.api import bp
from app.web.api.asking import Asked, answers, body, query
from app.web.context import parts
from app.web.policy import allow

WRITERS = (Role.ADMIN, Role.MARKETER)


class NewRule(Asked):
    """A rule under a name; `definition` as docs/tags.md describes it."""

    name: str = Field(min_length=1, max_length=80)
    definition: dict[str, Any]


class ChangedRule(Asked):
    """The next version of a rule."""

    definition: dict[str, Any]
    name: str = Field("", max_length=80)


class PastDays(Asked):
    """How far back to try it."""

    days: int = Field(180, ge=30, le=720)


class RuleSwitch(Asked):
    """What to do with it: live, pause, resume, retire, revive."""

    what: Switch


class CoverageQuery(Asked):
    """How many of each list."""

    limit: int = Field(100, ge=1, le=1000)


@bp.get("/tag-rules")
def list_tag_rules() -> Response:
    """All rules with state, carriers and what they say."""
    with parts().db.reading() as session:
        carriers = autotag.carriers(session)
        return jsonify(items=[_told(session, one, carriers) for one in autotag.listing(session)])


@bp.post("/tag-rules")
@answers(201)
@allow(*WRITERS, token=True)
def create_tag_rule() -> tuple[Response, int]:
    """A draft; test it before it goes live."""
    asked, here, who = body(NewRule), parts(), auth.actor()
    with here.db.transaction() as session:
        row = autotag.create(
            session, name=asked.name, definition=asked.definition, owner=who.key, now=here.clock()
        )
        accounts.audit(session, who.key, "rule.created", "tag_rule", row.id, now=here.clock())
        return jsonify(_told(session, autotag.show(session, row.id), {})), 201


@bp.get("/tag-rules/<int:rule_id>")
def get_tag_rule(rule_id: int) -> Response:
    """One rule with the test of its newest version; `progress` while it runs."""
    with parts().db.reading() as session:
        shown = autotag.show(session, rule_id)
        return jsonify(_told(session, shown, autotag.carriers(session)))


@bp.put("/tag-rules/<int:rule_id>")
@allow(*WRITERS, token=True)
def change_tag_rule(rule_id: int) -> Response:
    """A new version; the live one goes on until the new one is tested and switched on."""
    asked, here, who = body(ChangedRule), parts(), auth.actor()
    with here.db.transaction() as session:
        row = autotag.revise(
            session, rule_id, definition=asked.definition, author=who.key, now=here.clock(),
            name=asked.name,
        )  # fmt: skip
        accounts.audit(
            session, who.key, "rule.written", "tag_rule", row.id, now=here.clock(),
            version=row.version,
        )  # fmt: skip
        return jsonify(_told(session, autotag.show(session, row.id), {}))


@bp.post("/tag-rules/<int:rule_id>/test")
@answers(202)
@allow(*WRITERS, token=True)
def test_tag_rule(rule_id: int) -> tuple[Response, int]:
    """Try the newest version on the past; a worker does it, GET shows how far it is."""
    asked, here, who = body(PastDays), parts(), auth.actor()
    with here.db.transaction() as session:
        autotag.ask_test(session, rule_id, days=asked.days, by=who.key, now=here.clock())
        accounts.audit(
            session, who.key, "rule.tested", "tag_rule", rule_id, now=here.clock(), days=asked.days
        )
        return jsonify(_told(session, autotag.show(session, rule_id), {})), 202


@bp.post("/tag-rules/<int:rule_id>/switch")
@allow(*WRITERS, token=True)
def switch_tag_rule(rule_id: int) -> Response:
    """On, off, and back; everything that it gave goes and comes with it."""
    asked, here, who = body(RuleSwitch), parts(), auth.actor()
    with here.db.transaction() as session:
        row = autotag.switch(session, rule_id, asked.what, by=who.key, now=here.clock())
        accounts.audit(
            session, who.key, f"rule.{asked.what}", "tag_rule", rule_id, now=here.clock(),
            version=row.live_version,
        )  # fmt: skip
        carriers = autotag.carriers(session)
        return jsonify(_told(session, autotag.show(session, rule_id), carriers))


@bp.get("/coverage")
def get_coverage() -> Response:
    """Tags, audiences and contents without each other, the largest gaps first."""
    asked, here = query(CoverageQuery), parts()
    with here.db.reading() as session:
        return jsonify(autotag.coverage_json(autotag.coverage(session, here.clock()), asked.limit))


def _told(session: Session, shown: Shown, carriers: dict[int, int]) -> dict[str, Any]:
    row, test = shown.row, shown.test
    words = autotag.Words(session)
    categories = {category.key: category.name for category in tagging.categories(session)}
    return {
        "id": row.id, "name": row.name, "state": shown.state, "owner": row.owner,
        "version": row.version, "live_version": row.live_version,
        "definition": write(shown.rule),
        "says": autotag.sentence(shown.rule, words.meaning(shown.rule), categories),
        "carriers": carriers.get(row.id, 0), "switched_by": row.switched_by or None,
        "run_at": row.run_at.isoformat() if row.run_at else None,
        "test": None if test is None else {
            "state": test.state, "days": test.days, "done": test.done, "total": test.total,
            "result": test.result, "problem": test.problem or None,
        },
    }  # fmt: skip
