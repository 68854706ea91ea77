"""标签 → 归并: names that wait with what they may mean, decisions about many, undo, history."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from app import accounts, tagging
from app.flows.tagging import fold_names
from app.flows.tagging.fold_names import Done
from app.flows.tagging.name_suggestions import suggest
from app.infra.errors import YishuError
from app.tagging import FoldKind, NameState, Reason, Suggestion, TagFolding, UnmappedName
from app.web import auth
from app.web.console import bp
from app.web.console.words import moment
from app.web.context import parts
from app.web.numbers import asked_row
from app.web.policy import STAFF, allow

PAGE, HISTORY = 50, 100
KINDS = {
    FoldKind.FOLD: _l("归并到"),
    FoldKind.NEW: _l("新建标签"),
    FoldKind.KNOWN: _l("词表已收录"),
    FoldKind.IGNORE: _l("忽略"),
}
NAMED = {"fold": _l("归并"), "new": _l("新建标签"), "ignore": _l("忽略")}


@dataclass(frozen=True, slots=True)
class Line:
    """A name that waits. `forbidden` says why it can only be ignored."""

    name: UnmappedName
    suggestions: list[Suggestion]
    forbidden: str

    @property
    def is_sure(self) -> bool:
        """Whether the first suggestion is taken unless somebody says otherwise."""
        return bool(self.suggestions) and self.suggestions[0].confident and not self.forbidden


@bp.get("/tags/names")
@allow(*STAFF)
def tag_names() -> str:
    """The queue, most carried first; search and page are in the address."""
    text, source = request.args.get("q", "").strip()[:80], request.args.get("source", "")[:20]
    page = max(1, min(request.args.get("page", 1, int), 10_000))
    with parts().db.reading() as session:
        rows, total = _queue(session, text, source, page)
        found = suggest(session, rows)
        return render_template(
            "console/tags/tag_names.html", q=text, source=source, page=page, total=total,
            pages=max(1, -(-total // PAGE)), tags=tagging.tags(session),
            categories=tagging.categories(session), sources=_sources(session),
            names={tag.id: tag for tag in tagging.tags(session)},
            lines=[
                Line(row, found.get(row.id, []), tagging.why_forbidden(session, row.raw))
                for row in rows
            ],
            url=partial(_page_url, text, source),
        )  # fmt: skip


@bp.post("/tags/names/preview")
@allow(*STAFF)
def preview_names() -> str | Response:
    """What the click would do, for how many physicians; nothing is written yet."""
    chosen = _chosen(request.form)
    how = request.form.get("how", "fold")
    if not chosen or how not in NAMED:
        flash(_("请先勾选要处理的名称。"), "error")
        return redirect(url_for("console.tag_names"))
    with parts().db.reading() as session:
        waiting = UnmappedName.state == NameState.WAITING
        rows = {row.id: row for row in session.scalars(
            select(UnmappedName).where(UnmappedName.id.in_(chosen), waiting)
        )}  # fmt: skip
        keys = {tag.key: tag for tag in tagging.tags(session)}
        told = []
        for name_id, key in chosen.items():
            if name_id not in rows:
                continue
            tag = keys.get(key) if how == "fold" else None
            if tag is not None or how != "fold":
                found = tagging.preview(session, [name_id], tag.id if tag else None)
                told.append((rows[name_id], tag, found))
        whole = tagging.preview(session, [row.id for row, _tag, _found in told])
        return render_template(
            "console/tags/tag_names_preview.html", how=how, told=told, whole=whole,
            left=len(rows) - len(told), gone=len(chosen) - len(rows), named=NAMED,
            categories=tagging.categories(session),
        )  # fmt: skip


@bp.post("/tags/names")
@allow(*STAFF)
def decide_names() -> Response:
    """Do it, as one version of the vocabulary; carriers that are many follow in the background."""
    here, who, form = parts(), auth.actor(), request.form
    chosen, how = _chosen(form), form.get("how", "fold")
    by: dict[str, Any] = {"actor": who.key, "clock": here.clock}
    try:
        if how == "ignore":
            done = fold_names.ignore_many(here.db, chosen, form.get("reason", ""), **by)
        elif how == "new":
            done = fold_names.make_many(
                here.db, chosen, form.get("category", ""), form.get("owner", "marketing"), **by
            )
        else:
            done = fold_names.fold_many(here.db, {n: k for n, k in chosen.items() if k}, **by)
        return _tell(done)
    except YishuError as problem:
        flash(str(problem), "error")
    return redirect(url_for("console.name_history"))


@bp.get("/tags/names/history")
@allow(*STAFF)
def name_history() -> str:
    """Who decided what about which name, newest first; of one click, with how far it is."""
    before, batch = asked_row("before"), request.args.get("batch", "")[:32]
    with parts().db.reading() as session:
        rows = tagging.folding_history(session, limit=HISTORY, before=before, batch=batch)
        return render_template(
            "console/tags/tag_names_history.html", rows=rows, kinds=KINDS, batch=batch,
            progress=tagging.progress(session, batch) if batch else None, leads=_leads(rows),
            users=accounts.names(session), more=len(rows) == HISTORY,
        )  # fmt: skip


@bp.get("/tags/names/history/<batch>")
@allow(*STAFF)
def name_progress(batch: str) -> str:
    """How far one click is, asked again until all have followed."""
    with parts().db.reading() as session:
        progress = tagging.progress(session, batch[:32])
    return render_template("console/tags/_tag_names_progress.html", batch=batch, progress=progress)


@bp.post("/tags/names/undo")
@allow(*STAFF)
def undo_names() -> Response:
    """Take back one decision, or all of one click."""
    here, who = parts(), auth.actor()
    batch, number = request.form.get("batch", ""), request.form.get("id", 0, int)
    try:
        if batch:
            done = fold_names.undo_batch(here.db, batch, actor=who.key, clock=here.clock)
            flash(_("已撤销 %(n)s 个名称，它们回到待归并。", n=done.folded), "success")
            for words in done.refused[:3]:
                flash(words, "error")
        else:
            done = fold_names.undo_one(here.db, number, actor=who.key, clock=here.clock)
            flash(_("已撤销，这个名称回到待归并，医生的标签恢复原样。"), "success")
        return redirect(url_for("console.name_history", batch=done.batch if done.left else None))
    except YishuError as problem:
        flash(str(problem), "error")
    return redirect(url_for("console.name_history"))


@bp.app_template_filter("suggested_because")
def suggested_because(one: Suggestion, tag: str) -> str:
    """Why a tag is suggested, in a sentence with figures."""
    said = []
    if one.signals.sight >= 0.3:
        said.append(str(_("与“%(name)s”字形相近", name=one.alike)))
    if one.signals.sound >= 0.3:
        said.append(str(_("与“%(name)s”读音相近", name=one.alike)))
    if one.have and one.signals.people >= 0.1:
        said.append(str(_("带有此名称的 %(n)s 位医生中 %(k)s 位已有「%(tag)s」",
                          n=one.carriers, k=one.have, tag=tag)))  # fmt: skip
    if one.opened and one.signals.opened >= 0.1:
        said.append(str(_("其中 %(k)s 位打开过「%(tag)s」的内容", k=one.opened, tag=tag)))
    return str(_("；")).join(said)


@bp.app_template_filter("read_from")
def read_from(
    reason: Reason, folded: Mapping[tuple[str, str], TagFolding], users: Mapping[str, str]
) -> str:
    """The foreign name behind an assertion, and who said what it means; "" where nobody had to."""
    row = folded.get((reason.source, reason.raw))
    if row is None:
        return ""
    who = users.get(row.actor, row.actor)
    said = _("（%(who)s 于 %(when)s 归并）", who=who, when=moment(row.at))
    name = _("原名称「%(raw)s」", raw=reason.raw)
    return f" · {name}{said}"


def _queue(session: Session, text: str, source: str, page: int) -> tuple[list[UnmappedName], int]:
    chosen = select(UnmappedName).where(UnmappedName.state == NameState.WAITING)
    if text:
        chosen = chosen.where(UnmappedName.raw.contains(tagging.naming.fold(text), autoescape=True))
    if source:
        chosen = chosen.where(UnmappedName.source == source)
    total = session.scalar(select(func.count()).select_from(chosen.subquery())) or 0
    ordered = chosen.order_by(UnmappedName.seen.desc(), UnmappedName.id)
    return list(session.scalars(ordered.limit(PAGE).offset((page - 1) * PAGE))), total


def _sources(session: Session) -> list[str]:
    waiting = select(UnmappedName.source).where(UnmappedName.state == NameState.WAITING)
    return sorted(session.scalars(waiting.distinct()))


def _page_url(text: str, source: str, number: int) -> str:
    return url_for("console.tag_names", q=text or None, source=source or None, page=number)


def _chosen(form: MultiDict[str, str]) -> Mapping[int, str]:
    """The names that are ticked, each with the tag that is chosen for it."""
    ids = [int(text) for text in form.getlist("name") if text.isdecimal() and len(text) < 18]
    return {name_id: form.get(f"tag-{name_id}", "")[:60] for name_id in ids[: 10 * PAGE]}


def _leads(rows: Sequence[tuple[TagFolding, UnmappedName, Any]]) -> set[int]:
    """Of each click of which several decisions still hold here, the newest: it takes back all."""
    held = [row for row, *_rest in rows if row.batch and not row.undone_at
            and row.kind != FoldKind.KNOWN]  # fmt: skip
    counts = Counter(row.batch for row in held)
    newest = {row.batch: row.id for row in reversed(held)}
    return {row_id for batch, row_id in newest.items() if counts[batch] > 1}


def _tell(done: Done) -> Response:
    if done.folded:
        flash(_("已处理 %(n)s 个名称，涉及 %(p)s 人次，医生的标签即时生效。可以在下面一键撤销。",
                n=done.folded, p=done.people), "success")  # fmt: skip
    for words in done.refused[:3]:
        flash(words, "error")
    if len(done.refused) > 3:
        flash(_("另有 %(n)s 个没有处理。", n=len(done.refused) - 3), "error")
    batch = done.batch if done.left else None
    return redirect(url_for("console.name_history", batch=batch))
