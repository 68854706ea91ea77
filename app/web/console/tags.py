"""标签: the vocabulary by category, new tags, and the names that wait to be mapped."""

from __future__ import annotations

import re

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import distinct, func, select
from werkzeug.wrappers import Response

from app import accounts, tagging
from app.accounts.models import Role
from app.content.models import ContentVersion, Stage, VersionTag
from app.identity.models import Identifier
from app.infra.errors import YishuError
from app.tagging.models import TagAssertion
from app.web import auth
from app.web.console import bp
from app.web.context import parts
from app.web.policy import STAFF, allow


@bp.get("/tags/")
@allow(*STAFF)
def tags() -> str:
    """All tags with how many physicians and contents have them."""
    with parts().db.reading() as session:
        people = session.execute(
            select(TagAssertion.tag_id, func.count(distinct(Identifier.one_id)).label("n"))
            .join(Identifier, Identifier.id == TagAssertion.identifier_id)
            .where(TagAssertion.superseded_at.is_(None))
            .group_by(TagAssertion.tag_id)
        )
        contents = session.execute(
            select(VersionTag.tag_id, func.count(distinct(ContentVersion.content_id)).label("n"))
            .join(ContentVersion, ContentVersion.id == VersionTag.version_id)
            .where(ContentVersion.stage != Stage.WITHDRAWN)
            .group_by(VersionTag.tag_id)
        )
        return render_template(
            "console/tags.html",
            categories=tagging.categories(session),
            tags=tagging.tags(session),
            people={row.tag_id: row.n for row in people},
            contents={row.tag_id: row.n for row in contents},
        )


@bp.post("/tags/")
@allow(Role.ADMIN, Role.MARKETER, Role.REVIEWER)
def add_tag() -> Response:
    """A new tag."""
    here, who = parts(), auth.actor()
    form = request.form
    days = form.get("half_life_days", "")
    try:
        with here.db.transaction() as session:
            tag = tagging.add_tag(
                session, key=form.get("key", "").strip().lower(), name=form.get("name", ""),
                category_key=form.get("category", ""), owner=form.get("owner", "marketing"),
                half_life_days=int(days) if days.isdecimal() and int(days) else None,
                meaning=form.get("meaning", ""),
                synonyms=list(filter(str.strip, re.split("[;；,，、]", form.get("synonyms", "")))),
                now=here.clock(),
            )  # fmt: skip
            accounts.audit(session, who.key, "tag.created", "tag", tag.key, now=here.clock())
        flash(_("已添加标签“%(name)s”。", name=tag.name), "success")
    except YishuError as problem:
        flash(str(problem), "error")
    return redirect(url_for("console.tags"))
