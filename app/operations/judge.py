"""What a person on duty has to know: figures in, problems out. Pure; words are the page's."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app import completeness
from app.operations.disk import Spilled
from app.operations.figures import Figures
from app.operations.models import Kind
from app.operations.processes import alive_by_kind, is_alive

EVENT_LATE_S, EVENT_STUCK_S = 30.0, 300.0
MESSAGE_LATE_S, MESSAGE_STUCK_S = 120.0, 900.0
LIMITED_S = 600.0  # short waits for a limit are what limits are for
RUN_LATE_S = 120.0
SKEW_S = 60.0  # callbacks are judged by the host's clock, and leases by the host's too


class Severity(StrEnum):
    """How soon somebody must act."""

    NOW = "now"
    SOON = "soon"


class Alarm(StrEnum):
    """Everything that can be wrong, the worst first."""

    NO_WORKER = "no_worker"
    NO_SCHEDULER = "no_scheduler"
    EVENTS_WAIT = "events_wait"
    MESSAGES_WAIT = "messages_wait"
    PLATFORM_REFUSES = "platform_refuses"
    PLATFORM_STOPPED = "platform_stopped"
    CALLBACKS_LOST = "callbacks_lost"
    CLOCK_SKEW = "clock_skew"
    RUNS_FAILED = "runs_failed"
    RUNS_WAIT = "runs_wait"
    DEAD = "dead"
    UNKNOWN_SENDS = "unknown_sends"
    LIMITED = "limited"
    MIRROR = "mirror"
    SPILLED = "spilled"
    REDIS_AWAY = "redis_away"
    SILENT = "silent"
    VERSIONS = "versions"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong; `number` counts it, is seconds or a share, `who` names a process,
    the APIs, or (of events that wait) the error of the oldest."""

    alarm: Alarm
    severity: Severity
    number: float = 0
    who: str = ""


def problems(found: Figures, *, spilled: Spilled, redis_answers: bool) -> list[Problem]:
    """What is wrong: what cannot wait first, else in the order of `Alarm`."""
    found_wrong = [
        *_who_lives(found),
        *_what_waits(found),
        *_clocks(found),
        *_what_failed(found),
        *([Problem(Alarm.SPILLED, Severity.SOON, spilled.bytes)] if spilled.bytes else []),
        *([] if redis_answers else [Problem(Alarm.REDIS_AWAY, Severity.SOON)]),
        *_silent(found),
        *_versions(found),
    ]
    return sorted(found_wrong, key=lambda problem: problem.severity is not Severity.NOW)


def _who_lives(found: Figures) -> list[Problem]:
    living = alive_by_kind(found.processes, found.at)
    missing = {Kind.WORKER: Alarm.NO_WORKER, Kind.SCHEDULER: Alarm.NO_SCHEDULER}
    return [Problem(alarm, Severity.NOW) for kind, alarm in missing.items() if not living[kind]]


def _what_waits(found: Figures) -> list[Problem]:
    said = []
    for alarm, age_s, late_s, stuck_s, why in (
        (Alarm.EVENTS_WAIT, found.event_age_s, EVENT_LATE_S, EVENT_STUCK_S, found.event_error),
        (Alarm.MESSAGES_WAIT, found.message_age_s, MESSAGE_LATE_S, MESSAGE_STUCK_S, ""),
    ):
        if age_s > late_s:
            severity = Severity.NOW if age_s > stuck_s else Severity.SOON
            said.append(Problem(alarm, severity, age_s, why))
    said += _stopped(found)
    if found.gap > completeness.ALARM_ABOVE:
        said.append(Problem(Alarm.CALLBACKS_LOST, Severity.SOON, found.gap))
    return said


def _stopped(found: Figures) -> list[Problem]:
    """Refused is for an administrator to mend; the rest passes, if it does not last."""
    said = []
    for refused, alarm, severity in (
        (True, Alarm.PLATFORM_REFUSES, Severity.NOW),
        (False, Alarm.PLATFORM_STOPPED, Severity.SOON),
    ):
        apis = [one.api for one in found.stopped if (one.why == "refused") is refused]
        if apis:
            said.append(Problem(alarm, severity, len(apis), "、".join(sorted(set(apis)))))
    return said


def _clocks(found: Figures) -> list[Problem]:
    return [
        Problem(Alarm.CLOCK_SKEW, Severity.NOW, row.skew_s, row.name)
        for row in found.processes
        if is_alive(row, found.at) and abs(row.skew_s) > SKEW_S
    ]


def _what_failed(found: Figures) -> list[Problem]:
    said = []
    if found.runs.get("failed"):
        said.append(Problem(Alarm.RUNS_FAILED, Severity.NOW, found.runs["failed"]))
    if found.run_age_s > RUN_LATE_S:
        said.append(Problem(Alarm.RUNS_WAIT, Severity.SOON, found.run_age_s))
    if found.events.get("dead"):
        said.append(Problem(Alarm.DEAD, Severity.SOON, found.events["dead"]))
    if found.messages.get("unknown"):
        said.append(Problem(Alarm.UNKNOWN_SENDS, Severity.SOON, found.messages["unknown"]))
    if found.limited_age_s > LIMITED_S:
        said.append(Problem(Alarm.LIMITED, Severity.SOON, found.limited_age_s))
    if found.mirror_troubled:
        said.append(Problem(Alarm.MIRROR, Severity.SOON, found.mirror_troubled))
    return said


def _silent(found: Figures) -> list[Problem]:
    return [
        Problem(Alarm.SILENT, Severity.SOON, (found.at - row.beat_at).total_seconds(), row.name)
        for row in found.processes
        if not is_alive(row, found.at)
    ]


def _versions(found: Figures) -> list[Problem]:
    alive = {row.version for row in found.processes if is_alive(row, found.at)}
    return [Problem(Alarm.VERSIONS, Severity.SOON, len(alive))] if len(alive) > 1 else []
