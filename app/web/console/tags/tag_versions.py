"""标签 → 词表 → 版本: what changed, the difference between any two, and back."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app import accounts
from app.flows.tagging import vocabulary
from app.infra.errors import NotFound, YishuError
from app.tagging import moving, stored, versions
from app.tagging.differences import Change
from app.web import auth
from app.web.console import bp
from app.web.console.tags.tag_words import called
from app.web.context import parts
from app.web.numbers import row_number
from app.web.policy import STAFF, allow

PAGE = 30


@bp.get("/tags/versions")
@allow(*STAFF)
def tag_versions() -> str:
    """All of them, newest first; with two chosen, what is otherwise."""
    older, newer = (row_number(request.args.get(name, "")) for name in ("older", "newer"))
    before = row_number(request.args.get("before", ""))
    with parts().db.reading() as session:
        found = versions.listing(session, PAGE + 1, before)
        newest = versions.newest_number(session)
        changes: list[Change] | None = None
        if older and newer and max(older, newer) <= newest:
            changes = versions.between(session, older, newer)
        return render_template(
            "console/tags/tag_versions.html", versions=found[:PAGE], newest=newest, older=older,
            newer=newer, changes=changes, called=called(stored.read(session)),
            users=accounts.names(session),
            more=found[PAGE - 1].number if len(found) > PAGE else 0,
        )  # fmt: skip


@bp.get("/tags/versions/<int:number>")
@allow(*STAFF)
def tag_version(number: int) -> str:
    """What one version changed, and what going back to it would change."""
    with parts().db.reading() as session:
        version = versions.get(session, number)
        newest = versions.newest_number(session)
        return render_template(
            "console/tags/tag_version.html", version=version, newest=newest,
            changes=[Change(**one) for one in version.changes],
            moved=moving.of_version(session, number),
            called=called(stored.read(session)),
            back=versions.between(session, newest, number) if number != newest else [],
            users=accounts.names(session),
        )  # fmt: skip


@bp.post("/tags/versions/<int:number>")
@allow(*STAFF)
def change_back(number: int) -> Response:
    """Take a version back, or make all of it as it left it."""
    here, who = parts(), auth.actor()
    undo = request.form.get("action") == "undo"
    act = vocabulary.undo if undo else vocabulary.roll_back
    now = here.clock()
    try:
        with here.db.transaction() as session:
            made = act(session, number, actor=who.key, now=now)
            accounts.audit(
                session, who.key, "vocabulary.undone" if undo else "vocabulary.rolled_back",
                "vocabulary", number, now=now, version=made.number,
            )  # fmt: skip
            flash(_("%(what)s，成为版本 %(n)s。", what=made.note, n=made.number), "success")
            number = made.number
    except NotFound:
        raise
    except YishuError as problem:
        flash(str(problem), "error")
    return redirect(url_for("console.tag_version", number=number))
