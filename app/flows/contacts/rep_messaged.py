"""A rep wrote to our WeCom app or used its menu: today's list, or how it works."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import content, delivery, identity, reps
from app.delivery import Way
from app.facts import RepMenuUsed, RepMessaged
from app.flows import Outside, Received
from app.flows.allowed.own_day import own_day
from app.identity.models import Identifier
from app.infra.clock import local
from app.infra.workdays import is_workday
from app.recommend import DailyPlan, State, Suggestion
from app.reps import Rep

HANDLES = (RepMessaged, RepMenuUsed)
TODAY = frozenset(("今日", "今天", "列表", "建议", "今日建议", "today"))
HELP = (
    "每天到您选的时间，我会把最值得联系的几位医生连同资料发给您，点卡片上的按钮即可处理。\n"
    "发送“今日”查看今天的列表。医生在公众号留言时，我也会通知您。"
)
STATES = {
    State.PLANNED: "即将送达", State.DELIVERED: "待处理", State.ADOPTED: "已采用",
    State.LATER: "稍后", State.REFUSED: "不合适", State.EXPIRED: "已过期",
    State.CANCELLED: "已取消",
}  # fmt: skip
LATER_TODAY = "今天还没有建议。到您选的时间，我会发给您。"
NOT_TODAY = "今天没有建议。下一个工作日到您选的时间，我会发给您。"
ANSWER_WITHIN = timedelta(minutes=30)
TEXT_BYTES = 2048  # the platform cuts off what is longer, and the link stands at the end


def prepare(_fact: RepMessaged | RepMenuUsed, outside: Outside) -> str:
    """Where our pages live."""
    return outside.settings.yishu_base_url


def apply(
    session: Session,
    fact: RepMessaged | RepMenuUsed,
    base_url: str,
    event: Received,
    now: datetime,
) -> None:
    """Answer words and clicks; opening the app, sending pictures and the like needs no answer."""
    if isinstance(fact, RepMenuUsed) and fact.kind != "click":
        return
    asked = fact.key if isinstance(fact, RepMenuUsed) else fact.text
    if not asked.strip():
        return
    rep = reps.ensure_rep(session, fact.corp_id, fact.rep_userid, now=now)
    text = HELP
    if asked.strip().lower() in TODAY:
        text = _today(session, rep, base_url, now)
    delivery.queue(
        session, way=Way.REP_TEXT, dedupe_key=f"reply:{event.ref}",
        payload={"corp_id": rep.corp_id, "userid": rep.userid, "text": text},
        rep_id=rep.id, not_after=now + ANSWER_WITHIN, now=now,
    )  # fmt: skip


def _today(session: Session, rep: Rep, base_url: str, now: datetime) -> str:
    today = local(now).date()
    rows = own_day(session, rep.id, today)
    if not rows:
        return LATER_TODAY if _is_to_come(session, rep, today) else NOT_TODAY
    head, foot = f"今天的 {len(rows)} 条建议：", f"{base_url}/rep/"
    lines: list[str] = []
    room = TEXT_BYTES - len(f"{head}\n…\n{foot}".encode())
    for number, row in enumerate(rows, start=1):
        line = _line(session, number, row)
        room -= len(f"{line}\n".encode())
        if room < 0:
            lines.append("…")
            break
        lines.append(line)
    return "\n".join([head, *lines, foot])


def _is_to_come(session: Session, rep: Rep, today: date) -> bool:
    known = select(DailyPlan.id).where(DailyPlan.rep_id == rep.id, DailyPlan.day == today)
    return is_workday(today) and session.scalar(known) is None


def _line(session: Session, number: int, row: Suggestion) -> str:
    identifier = session.get_one(Identifier, row.identifier_id)
    physician = identity.get_physician(session, identifier.one_id)
    title = content.get_version(session, row.content_version_id).title
    state = STATES[State(row.state)]
    return f"{number}. {physician.name or '未命名医生'} · 《{title}》 · {state}"
