"""标签 → 词表: one tag becomes another, or parts of it go elsewhere; looked at first."""

from __future__ import annotations

from collections.abc import Mapping

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from app import accounts
from app.flows.tagging import vocabulary
from app.flows.tagging.vocabulary import Share
from app.infra.errors import NotFound, YishuError
from app.tagging import Source, stored
from app.web import auth
from app.web.console import bp
from app.web.context import parts
from app.web.policy import STAFF, allow

ROWS = 3  # parts that the form offers


@bp.get("/tags/one/<key>/merge")
@allow(*STAFF)
def merge_tag(key: str) -> str:
    """Choose what the tag becomes; then see whom that reaches."""
    return _page(key, "merge", request.args)


@bp.get("/tags/one/<key>/split")
@allow(*STAFF)
def split_tag(key: str) -> str:
    """Say which parts go where; then see whom that reaches."""
    return _page(key, "split", request.args)


@bp.post("/tags/one/<key>/merge")
@allow(*STAFF)
def do_merge(key: str) -> Response:
    """Do it."""
    into = request.form.get("rest", "")

    def act(session: Session, actor: str) -> int:
        made = vocabulary.merge(session, key, into, actor=actor, now=parts().clock())
        return made.number

    return _act(key, act, "tag.merged", into)


@bp.post("/tags/one/<key>/split")
@allow(*STAFF)
def do_split(key: str) -> Response:
    """Do it."""
    shares, rest = _shares(request.form), request.form.get("rest", "")

    def act(session: Session, actor: str) -> int:
        made = vocabulary.split(
            session, key, shares, rest=rest, actor=actor, now=parts().clock()
        )  # fmt: skip
        return made.number

    return _act(key, act, "tag.split", rest or key)


def _act(key: str, act: object, action: str, shown: str) -> Response:
    here, who = parts(), auth.actor()
    assert callable(act)
    try:
        with here.db.transaction() as session:
            number = act(session, who.key)
            accounts.audit(session, who.key, action, "tag", key, now=here.clock(), version=number)
    except YishuError as problem:
        flash(str(problem), "error")
        return redirect(url_for("console.tag", key=key))
    flash(_("已完成，成为版本 %(n)s，可以在“版本”里原样撤销。", n=number), "success")
    return redirect(url_for("console.tag", key=shown))


def _page(key: str, kind: str, given: MultiDict[str, str]) -> str:
    shares = _shares(given) if kind == "split" else []
    rest, found, problem = given.get("rest", ""), None, ""
    with parts().db.reading() as session:
        document = stored.read(session)
        if key not in document.by_key:
            raise NotFound(_("没有这个标签。"))
        if shares or (kind == "merge" and rest):
            try:
                found = vocabulary.preview(session, key, shares, rest)
            except YishuError as wrong:
                problem = str(wrong)
        elif "rest" in given:
            problem = _("请先选择归到哪个标签。")
        return render_template(
            "console/tags/tag_move.html", tag=document.by_key[key], document=document, kind=kind,
            given=given, rest=rest, found=found, problem=problem, rows=range(ROWS),
            sources=list(Source),
        )  # fmt: skip


def _shares(given: Mapping[str, str]) -> list[Share]:
    found = []
    for n in range(ROWS):
        to = given.get(f"to{n}", "")
        words = given.get(f"words{n}", "").replace("；", ";").replace("，", ";").split(";")
        if to:
            kept = tuple(filter(None, map(str.strip, words)))
            found.append(Share(to, given.get(f"source{n}", ""), kept))
    return found
