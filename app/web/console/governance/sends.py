"""治理 → 发送: what waits for a person's decision, what a platform has stopped, what was sent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app import accounts, content, delivery, identity, links, reps
from app.accounts.models import Role
from app.delivery import Dispatch, State, Way
from app.delivery.likely import NOBODY, Likely, likely
from app.flows.sending.settle_message import settle_message
from app.identity import Identifier, Physician
from app.infra.errors import Refused, YishuError
from app.reps import Rep
from app.web import auth
from app.web.console import bp
from app.web.console.insights.insight_words import here, page_number
from app.web.console.words import china
from app.web.context import parts
from app.web.policy import STAFF, allow
from app.web.sentences import said

PAGE, EXCERPT, WHOLE = 50, 60, 1000
DECIDERS = (Role.ADMIN, Role.MARKETER)  # of everything; reviewers of what is left to staff
DECISIONS = {"sent": _l("已送达"), "failed": _l("未送达"), "resend": _l("重新发送")}
STOPPED_WHY = {
    "quota": _l("平台的调用额度已用完"),
    "trouble": _l("平台连续出错或没有回应"),
    "refused": _l("平台拒绝了凭证、地址或权限，请管理员检查"),
}
LIKELY_WHY = {
    "code_over": _l("欢迎语只在 20 秒内有效，未确认的按未送达处理"),
    "server_error": _l("平台当时出错，多半没有送达，仍在有效时间内"),
    "server_error_late": _l("平台当时出错，多半没有送达；现在已过有效时间"),
    "look_at_task": _l("请代表在企业微信的群发助手里看一眼；看不到再选“未送达”"),
    "nobody": _l("请先看内容并处理；重新发送会转告医生现在的代表，还没有代表时不会发出"),
    "no_answer": _l("请求已发出但没有等到回答，多半已送达；重发可能造成重复"),
}


@dataclass(frozen=True, slots=True)
class Open:
    """A message that waits for a decision, as a person sees it."""

    row: Dispatch
    rep: str
    person: str
    text: str
    likely: Likely


@bp.get("/governance/sends")
@allow(*STAFF)
def sends() -> str:
    """Stopped APIs, what the reader may decide, then the messages, newest first: `page`."""
    decides, number = auth.actor().role in DECIDERS, page_number()
    text = request.args.get("state", "")
    state = State(text) if text in set(State) else None
    with parts().db.reading() as session:
        known = reps.reps_by_id(session)
        counts = delivery.count_by_state(session)
        unknown = delivery.undecided(session, PAGE, left=not decides)
        newest = delivery.listing(session, state=state, limit=PAGE, offset=(number - 1) * PAGE)
        total = counts.get(state, 0) if state else sum(counts.values())
        now = parts().clock()
        return render_template(
            "console/governance/sends.html",
            counts=counts, page=number, pages=max(1, -(-total // PAGE)),
            total=total, url=lambda n: here(page=n),
            unknown=_open(session, unknown, known, now), decisions=DECISIONS,
            likely_why=LIKELY_WHY,
            stopped=delivery.stopped(session, now), now=now, stopped_why=STOPPED_WHY,
            newest=newest, state=text, reps=known,
            people=_people(session, [row.identifier_id for row in newest]),
            decides=decides,
            titles=content.titles(session, [row.content_version_id for row in newest]),
        )  # fmt: skip


@bp.post("/governance/sends")
@allow(*STAFF)
def decide_sends() -> Response:
    """One decision about one message (`one`), or about all that are ticked (`decision`, `id`)."""
    chosen = _chosen()
    done, refusals = 0, set()
    for number, decision in chosen:
        try:
            _decide(number, decision)
            done += 1
        except YishuError as problem:
            refusals.add(str(problem))
    for refusal in sorted(refusals):
        flash(refusal, "error")
    if done:
        flash(_("已处理 %(n)s 条。", n=done), "success")
    elif not chosen:
        flash(_("请先勾选消息。"), "error")
    return redirect(url_for("console.sends"))


def _chosen() -> list[tuple[int, str]]:
    number, _colon, decision = request.form.get("one", "").partition(":")
    if number.isdigit():
        return [(int(number), decision)]
    ids = [int(text) for text in request.form.getlist("id") if text.isdigit()]
    return [(one, request.form.get("decision", "")) for one in ids]


def _decide(number: int, decision: str) -> None:
    """In a transaction of its own, so that one refusal holds nobody up. Raises YishuError."""
    product, who = parts(), auth.actor()
    with product.db.transaction() as session:
        now, row = product.clock(), delivery.get(session, number)
        if who.role not in DECIDERS and row.error != NOBODY:
            raise Refused(str(_("这条消息由管理员或市场部处理。")))
        if decision == "likely":
            decision = likely(Way(row.way), row.error, row.not_after, now).decision
        if decision not in DECISIONS:
            raise Refused(str(_("请选择：已送达、未送达或重新发送。")))
        settle_message(session, number, decision, actor=who.key, now=now)
        accounts.audit(session, who.key, f"send.{decision}", "dispatch", number, now=now)


@bp.app_template_filter("permission_told")
def permission_told(verdict: Mapping[str, Any] | None) -> str:
    """What is kept with a message as proof: whether it was allowed, when that was asked, and every
    rule against it; "" where nothing was asked."""
    if not verdict or "asked_at" not in verdict:
        return ""
    asked = china(datetime.fromisoformat(verdict["asked_at"]))
    if verdict["allowed"]:
        return str(_("%(when)s 核对：可以联系", when=asked))
    against = said("；".join(reason["text"] for reason in verdict["reasons"]))
    return str(_("%(when)s 核对：%(why)s", when=asked, why=against))


def _open(
    session: Session, rows: Sequence[Dispatch], known: dict[int, Rep], now: datetime
) -> list[Open]:
    people = _people(session, (row.identifier_id for row in rows))
    names = {key: person.name or "" for key, person in people.items()}
    return [
        Open(
            row, known[row.rep_id].name if row.rep_id in known else "",
            names.get(row.identifier_id or 0, ""),
            _excerpt(row.payload, WHOLE if row.error == NOBODY else EXCERPT),
            likely(Way(row.way), row.error, row.not_after, now),
        )
        for row in rows
    ]  # fmt: skip


def _people(session: Session, identifier_ids: Iterable[int | None]) -> dict[int, Physician]:
    """Whom messages are about, by identifier."""
    wanted = {one for one in identifier_ids if one is not None}
    rows = session.execute(
        select(Identifier.id, Identifier.one_id).where(Identifier.id.in_(wanted))
    ).all()
    people = identity.physicians_by_id(session, [row.one_id for row in rows])
    return {row.id: people[row.one_id] for row in rows if row.one_id in people}


def _excerpt(payload: dict[str, Any], most: int) -> str:
    """The first words of what the message says."""
    card = payload.get("card") or {}
    text = (
        (card.get("main_title") or {}).get("title")
        or payload.get("title")
        or payload.get("text")
        or ((payload.get("data") or {}).get("thing1") or {}).get("value")
        or ((payload.get("change") or {}).get("button") or {}).get("replace_name")
        or ""
    )
    line = " ".join(links.without_own(str(text)).split())
    return line if len(line) <= most else line[: most - 1] + "…"
