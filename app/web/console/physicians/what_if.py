"""医生 → 试一试: what would be suggested if something were otherwise, and why not a content."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from flask import render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app import content, reps, tagging
from app.content import ContentVersion
from app.flows.insight.row import parts as score_parts
from app.flows.insight.row import tag_names
from app.flows.planning import what_if as flow
from app.flows.planning.what_if import CHANNELS, Change, Imagined, Outlook, Situation, WhyNot
from app.tagging import Tag
from app.web.console import bp, visible
from app.web.console.insights.insight_words import here
from app.web.console.physicians.because import verdict_text
from app.web.console.words import china, left_out
from app.web.context import parts
from app.web.numbers import asked_row, row_number
from app.web.policy import STAFF, allow
from app.web.sentences import said

SHOWN = 6  # contents beside each other
STRENGTHS = {"0.3": _l("弱"), "0.6": _l("中"), "0.9": _l("强")}
CHANNEL_NAMES = {"wecom": _l("企业微信"), "oa": _l("公众号")}
OUT = {
    "barred": _l("规则不允许"), "had_it": _l("已收到过"),
    "hidden": _l("代表不久前没有采用"), "no_tag": _l("没有共同的标签"),
}  # fmt: skip
BETWEEN = re.compile(r"[、,，;；\n]+")  # people separate by any of these


@bp.get("/physicians/<one_id>/what-if")
@allow(*STAFF)
def what_if(one_id: str) -> str:
    """`add` names with `strength`, `remove` and `allow`, `title` with `about`; `ask` a content."""
    at = parts().clock()
    with parts().db.reading() as session:
        person = visible.physician(session, one_id)
        rep_id = asked_row("rep")
        given = flow.situation(
            session, person.one_id, at, reps.get_rep(session, rep_id) if rep_id else None
        )
        change, unknown = _change(session)
        before, after = flow.outlook(given), flow.outlook(given, change)
        names = tag_names(session)
        asked, answer = _asked(session, given, after, at)
        always = [asked.content_id] if asked and asked.content_id in given.titles else []
        rows = flow.beside(before, after, SHOWN, always)
        told = {row.content_id for row in rows}
        return render_template(
            "console/physicians/what_if.html",
            person=person, given=given, change=change, unknown=unknown,
            came=len(set(after.ids) - set(before.ids) - told),
            went=len(set(before.ids) - set(after.ids) - told),
            before=before, after=after, rows=rows, names=names,
            asked=asked, answer=_sentence(answer, names, given, asked, session) if answer else "",
            good=answer is not None and answer.code == "first", here=here, values=request.args,
            versions=content.listing(session), relations=reps.relations_of(session, person.one_id),
            channels=CHANNEL_NAMES, through=CHANNELS, strengths=STRENGTHS, out=OUT,
            tags=sorted((t for t in given.held if t > 0), key=lambda t: -given.held[t]),
            vocabulary=sorted(names.values()), removed=set(request.args.getlist("remove")),
            allowed=set(request.args.getlist("allow")),
            clear=url_for("console.what_if", one_id=person.one_id, rep=rep_id),
            score_of=lambda fit: score_parts(fit.stored(), names),
        )  # fmt: skip


def _change(session: Session) -> tuple[Change, list[str]]:
    """What the address asks for, and the names of tags that nobody knows."""
    asked = request.args
    strength = float(asked["strength"]) if asked.get("strength") in STRENGTHS else 0.6
    known = {tag.name: tag for tag in visible.tags(session)}
    add, unknown = _tags(session, known, asked.get("add", ""))
    about, more = _tags(session, known, asked.get("about", ""))
    title = asked.get("title", "").strip()[:120] or str(_("设想的内容"))
    return Change(
        add=dict.fromkeys(add, strength),
        remove=frozenset(row_number(one) for one in asked.getlist("remove")),
        allow=frozenset(CHANNELS[one] for one in asked.getlist("allow") if one in CHANNELS),
        contents=[Imagined(title, dict.fromkeys(about, 1.0))] if about else [],
    ), unknown + more


def _tags(session: Session, known: Mapping[str, Tag], text: str) -> tuple[list[int], list[str]]:
    """Ids of the tags named in a text, and the names that are none."""
    found, unknown = [], []
    for name in filter(None, (one.strip() for one in BETWEEN.split(text))):
        tag_id = known[name].id if name in known else tagging.id_of(session, name)
        if tag_id is None:
            unknown.append(name)
        else:
            found.append(tag_id)
    return list(dict.fromkeys(found)), unknown


def _asked(
    session: Session, given: Situation, seen: Outlook, at: datetime
) -> tuple[ContentVersion | None, WhyNot | None]:
    """The content version that is asked about, and the answer."""
    number = row_number(request.args.get("ask", ""))
    if not number:
        return None, None
    version = flow.asked_version(session, number, at)
    problem = content.problem(session, version, at)
    return version, flow.why_not(given, seen, version, problem)


def _sentence(
    why: WhyNot, names: Mapping[int, str], given: Situation, version: ContentVersion | None,
    session: Session,
) -> str:  # fmt: skip
    """The one rule, in one sentence."""
    until = china(why.until) if why.until else ""
    against = verdict_text(why.verdict, names=True) if why.verdict else ""
    if why.code == "first":
        return str(_("它就是这位医生的首选（%(score)s 分），轮到这位医生时会建议它。",
                     score=f"{why.score:.2f}"))  # fmt: skip
    if why.code == "notice":
        return str(_("安全性信息《%(title)s》先于它，送达之后才会轮到它。", title=why.best[0][0]))
    if why.code == "postponed":
        return str(_("代表选过“稍后”的《%(title)s》先于它。", title=why.best[0][0]))
    if why.code == "outscored" and why.place is not None and why.place <= len(why.best):
        above = sorted(why.best, key=lambda one: -one[1])[: why.place - 1]
        better = str(_("、")).join(f"{_('《%(title)s》', title=t)} {s:.2f}" for t, s in above)
        return str(_("排第 %(n)s：得 %(score)s 分，低于 %(better)s；前面的不合适时才会轮到它。",
                     n=why.place, score=f"{why.score:.2f}", better=better))  # fmt: skip
    if why.code == "outscored":
        title, score = why.best[0]
        return str(_("得 %(mine)s 分，排第 %(n)s；更合适的有《%(title)s》（%(score)s 分）等。",
                     mine=f"{why.score:.2f}", n=why.place, title=title,
                     score=f"{score:.2f}"))  # fmt: skip
    if why.code == "no_tag" and version is not None:
        about = tagging.standing(session, content.tags_of(session, version.id))
        told = str(_("、")).join(names[tag] for tag in about if tag in names) or _("没有标签")
        return str(_("它讲的是 %(about)s，这位医生没有其中任何一个标签，也没有相邻的标签。",
                     about=told))  # fmt: skip
    return {
        "unusable": str(_("内容现在不能使用：%(why)s。", why=said(why.text) or
                          _("有效的是另一个版本"))),
        "blocked": str(_("现在不能联系这位医生：%(why)s。", why=against)),
        "barred": str(_("规则不允许把它推荐给这位医生：%(why)s。", why=against)),
        "suggested_lately": str(_("不久前已有建议，等代表处理，到 %(until)s 再看。", until=until)),
        "had_it": str(_("这位医生已经收到过这份内容。")),
        "hidden": str(_("代表不久前没有采用它，到 %(until)s 再建议。", until=until)),
    }.get(why.code, left_out(why.code))  # fmt: skip
