"""运维: what a person on duty needs. Is it running, what waits, what is broken, what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app import accounts, inbox, operations, reps
from app.accounts.models import Role
from app.campaigns import DAILY_PLAN, Schedule, ScheduleRun
from app.flows.fitting import nights
from app.infra import queue
from app.infra.db import ring_after_commit
from app.operations import Alarm, Problem
from app.web import auth
from app.web.console import bp
from app.web.context import parts
from app.web.policy import allow

CHART_HEIGHT = 40


@dataclass(frozen=True, slots=True)
class Told:
    """A problem in words: what is wrong, what it means, and the one thing to do."""

    severity: str
    title: str
    meaning: str
    href: str = ""
    action: str = ""


@bp.get("/governance/operations")
@allow(Role.ADMIN)
def operations_page() -> str:
    """The page, or (for htmx, every few seconds) only what changes on it."""
    here = parts()
    now = here.clock()
    answers = queue.answers(here.settings.redis_url)
    spilled = operations.spilled_in(operations.spill_folder(here.settings))
    with here.db.reading() as session:
        found = operations.figures(session, now)
        wrong = operations.problems(found, spilled=spilled, redis_answers=answers)
        minutes = operations.per_minute(session, now)
        runs = operations.todays_runs(session, now)
        return render_template(
            "console/governance/_operations.html" if request.headers.get("HX-Request")
            else "console/governance/operations.html",
            told=[_told(problem) for problem in wrong], found=found, now=now, minutes=minutes,
            peak=max(minutes), height=CHART_HEIGHT, bars=_bars(minutes), spilled=spilled,
            redis_answers=answers, ceiling=operations.CEILING,
            rows=[(row, operations.is_alive(row, now)) for row in found.processes],
            runs=list(zip((run for run, _schedule in runs), _names(session, runs), strict=True)),
            night=nights.progress(session, now),
            dead=operations.dead_reasons(session) if found.events["dead"] else [],
        )  # fmt: skip


@bp.post("/governance/operations/replay")
@allow(Role.ADMIN)
def replay_reason() -> Response:
    """Put the parked events of one reason back to work."""
    here, who = parts(), auth.actor()
    with here.db.transaction() as session:
        now = here.clock()
        number = operations.replay_dead(session, request.form.get("error", ""), now)
        accounts.audit(session, who.key, "inbox.replayed", "inbox", "", now=now, number=number)
        ring_after_commit(session, inbox.DRAIN)
    flash(_("已重新处理 %(n)s 条。", n=number), "success" if number else "warning")
    return redirect(url_for("console.operations_page"))


@bp.post("/governance/operations/drop")
@allow(Role.ADMIN)
def drop_reason() -> Response:
    """Give up the parked events of one reason."""
    here, who = parts(), auth.actor()
    error, why = request.form.get("error", ""), request.form.get("why", "")
    with here.db.transaction() as session:
        now = here.clock()
        number = operations.drop_dead(session, error, why, now)
        accounts.audit(session, who.key, "inbox.dropped", "inbox", "", now=now, number=number)
    flash(_("已放弃 %(n)s 条，可以在收件中查看或恢复。", n=number), "success")
    return redirect(url_for("console.operations_page"))


@bp.app_template_filter("lasting")
def lasting(seconds: float) -> str:
    """A span in words: `40 秒`, `3 分钟`, `2 小时`, `4 天`."""
    whole = int(abs(seconds))
    if whole < 120:
        return str(_("%(n)s 秒", n=whole))
    if whole < 7200:
        return str(_("%(n)s 分钟", n=whole // 60))
    if whole < 172_800:
        return str(_("%(n)s 小时", n=whole // 3600))
    return str(_("%(n)s 天", n=whole // 86_400))


@bp.app_template_filter("at_most")
def at_most(number: int) -> str:
    """`1,284`, or `100,000+` for a count that stopped at the ceiling."""
    return f"{number:,}+" if number >= operations.CEILING else f"{number:,}"


@bp.app_template_filter("process_kind")
def process_kind(kind: str) -> str:
    """What a process does, in words."""
    names = {"web": _("网页与回调"), "worker": _("处理进程"), "scheduler": _("定时进程")}
    return str(names.get(kind, kind))


def _bars(minutes: Sequence[int]) -> list[tuple[int, float, float]]:
    """x, y and height of each minute in a chart of `CHART_HEIGHT` units."""
    peak = max(minutes, default=0) or 1
    heights = [round(number / peak * CHART_HEIGHT, 1) for number in minutes]
    return [(i * 6, round(CHART_HEIGHT - height, 1), height) for i, height in enumerate(heights)]


def _names(session: Session, runs: Sequence[tuple[ScheduleRun, Schedule]]) -> list[str]:
    """What each run is for."""
    people = reps.reps_by_id(session) if runs else {}
    said = []
    for _run, schedule in runs:
        if schedule.kind == DAILY_PLAN:
            rep = people.get(schedule.ref_id)
            said.append(str(_("每日建议 · %(name)s", name=rep.name if rep else schedule.ref_id)))
        else:
            said.append(str(_("推送 %(id)s", id=schedule.ref_id)))
    return said


def _told(problem: Problem) -> Told:
    title, meaning, endpoint, action = _words(problem)
    href = endpoint if endpoint.startswith("#") else url_for(endpoint) if endpoint else ""
    if problem.alarm is Alarm.DEAD:
        href = "#dead"
    return Told(problem.severity.value, title, meaning, href, action)


def _words(problem: Problem) -> tuple[str, str, str, str]:
    n = at_most(int(problem.number))
    span = lasting(problem.number)
    share = f"{problem.number:.2%}"
    known: dict[Alarm, tuple[str, str, str, str]] = {
        Alarm.NO_WORKER: (
            _("没有处理进程在运行"),
            _("回调照常收下并保存，但没有人处理，也不会发送消息。请启动：python -m workers.worker"),
            "#processes", _("查看进程"),
        ),
        Alarm.NO_SCHEDULER: (
            _("没有定时进程在运行"),
            _("每日建议和推送到点不会开始，启动后会补上。请启动：python -m workers.scheduler"),
            "#processes", _("查看进程"),
        ),
        Alarm.EVENTS_WAIT: (
            _("最早的收件已等待 %(span)s", span=span),
            _("最早一条处理失败过，会自动再试：%(why)s", why=problem.who) if problem.who else
            _("处理跟不上或停住了。确认处理进程在运行；持续增加时请再启动一个。"),
            "console.governance", _("查看收件"),
        ),
        Alarm.MESSAGES_WAIT: (
            _("最早的待发消息已等待 %(span)s", span=span),
            _("平台限流、平台故障或处理进程停住时会这样。过了有效时间的消息会取消，不会迟发。"),
            "console.sends", _("查看发送"),
        ),
        Alarm.PLATFORM_REFUSES: (
            _("平台拒绝了我们的凭证、地址或权限"),
            _("%(who)s 已暂停，消息在等待。请管理员检查应用的 Secret、可信 IP 和权限，"
              "再运行 yishu doctor。", who=problem.who),
            "console.sends", _("查看发送"),
        ),
        Alarm.PLATFORM_STOPPED: (
            _("平台出错或额度已用完，%(n)s 个接口暂停调用", n=n),
            _("%(who)s：消息在等待，到时自动再试，过了有效时间的会取消。"
              "持续十分钟以上请看平台公告。", who=problem.who),
            "console.sends", _("查看发送"),
        ),
        Alarm.CALLBACKS_LOST: (
            _("过去 24 小时有 %(share)s 的回调没有收到", share=share),
            _("核对补齐了漏掉的变化，没有丢失，但回调地址或网络有问题。请检查回调设置和网关日志。"),
            "console.completeness_page", _("查看核对"),
        ),
        Alarm.LIMITED: (
            _("有消息等待发送频率已 %(span)s", span=span),
            _("平台限制每位成员和每个应用的发送量，超出的排队等候，过了有效时间会取消。"
              "持续如此请减少推送。"),
            "console.sends", _("查看发送"),
        ),
        Alarm.CLOCK_SKEW: (
            _("%(who)s 的时钟与数据库相差 %(span)s", who=problem.who, span=span),
            _("偏差大时平台的回调会被当作过期而拒绝。请在该主机上启用时间同步（NTP）。"),
            "#processes", _("查看进程"),
        ),
        Alarm.RUNS_FAILED: (
            _("今天有 %(n)s 个定时任务失败", n=n),
            _("已重试多次仍未成功，这些代表今天收不到建议，或推送没有开始。"),
            "#runs", _("查看任务"),
        ),
        Alarm.RUNS_WAIT: (
            _("最早的定时任务已等待 %(span)s", span=span),
            _("到点的计划还没有完成。确认处理进程在运行。"),
            "#runs", _("查看任务"),
        ),
        Alarm.DEAD: (
            _("%(n)s 条收件处理失败", n=n),
            _("重试多次后停下，没有丢失。先解决原因，再按原因重新处理。"),
            "console.governance", _("按原因处理"),
        ),
        Alarm.UNKNOWN_SENDS: (
            _("%(n)s 条消息不知道是否送达", n=n),
            _("为了不让任何人收到两次，系统不会自动重发，请逐条确认。"),
            "console.sends", _("去确认"),
        ),
        Alarm.MIRROR: (
            _("企微标签有 %(n)s 处没有同步上", n=n),
            _("平台拒绝了写入，或管理员删除、改名了标签。其余照常同步，不会反复写。"),
            "console.tag_mirror", _("查看企微同步"),
        ),
        Alarm.SPILLED: (
            _("有回调暂存在本机文件中"),
            _("数据库曾经不可用，回调已安全写入文件。数据库恢复后会自动导入，不要删除这些文件。"),
            "", "",
        ),
        Alarm.REDIS_AWAY: (
            _("Redis 无法连接"),
            _("不会丢失任何东西，处理改为每秒查看数据库，稍慢一些。请恢复 Redis。"),
            "", "",
        ),
        Alarm.SILENT: (
            _("%(who)s 已有 %(span)s 没有动静", who=problem.who, span=span),
            _("它没有正常退出：可能崩溃、断电或与数据库断开。手上的工作由其他进程接着做。"),
            "#processes", _("查看进程"),
        ),
        Alarm.VERSIONS: (
            _("同时运行着不同的版本"),
            _("升级时短暂如此是正常的；持续如此请重启旧版本的进程。"),
            "#processes", _("查看进程"),
        ),
    }  # fmt: skip
    return known[problem.alarm]
