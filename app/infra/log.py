"""Logs are events with keys: JSON lines (or plain lines on a terminal), free of personal data."""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from inspect import signature
from typing import Any, ParamSpec, TypeVar

import structlog

from app.infra.discreet import discreet

SECRET = re.compile(
    r"(?i)(access_token|corpsecret|secret|ticket|code|password|authorization)([=:]\s*)[^\s&\"',}]+"
)
PHONE = re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)")
P = ParamSpec("P")
T = TypeVar("T")

QUIET = ("httpx", "httpcore", "urllib3")
MUTE = ("apscheduler",)  # a beat that is skipped is made up for by the next one


def configure(level: str = "INFO", *, process: str = "") -> None:
    """Set up structlog and the standard library's logging for this process."""
    structlog.configure(
        processors=[*_chain(process), structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler()
    handler.setFormatter(formatter(process))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in MUTE:
        logging.getLogger(name).setLevel(logging.ERROR)
    structlog.contextvars.clear_contextvars()


def formatter(process: str = "") -> logging.Formatter:
    """Our lines for the standard library's records, too: also a server's own."""
    renderer = (
        structlog.dev.ConsoleRenderer(colors=True)
        if sys.stderr.isatty()
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_chain(process),
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )


def _chain(process: str) -> list[Any]:
    return [
        _stamp(process),
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
    ]


def about(**names: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Lines written during a call carry ids of its arguments.

    @log.about(event_id="claim.id")     the argument's name, and an attribute of it
    @log.about(dispatch_id="dispatch_id")
    """

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        parameters = signature(function).parameters
        order = list(parameters)
        wanted = [(key, *path.partition(".")[::2]) for key, path in names.items()]
        places = [(key, order.index(name), name, rest) for key, name, rest in wanted]

        @wraps(function)
        def carrying(*args: P.args, **kwargs: P.kwargs) -> T:
            ids = {}
            for key, place, name, rest in places:
                given = kwargs.get(name, parameters[name].default)
                value = args[place] if place < len(args) else given
                ids[key] = getattr(value, rest) if rest else value
            with structlog.contextvars.bound_contextvars(**ids):
                return function(*args, **kwargs)

        return carrying

    return decorate


def _stamp(process: str) -> Callable[[object, str, Any], Any]:
    """Every line says which process wrote it. A context variable would not reach its threads."""

    def stamp(_logger: object, _method: str, event: Any) -> Any:
        if process:
            event.setdefault("process", process)
            event.setdefault("pid", os.getpid())
        return event

    return stamp


def redact(_logger: object, _method: str, event: Any) -> Any:
    """Blank secrets and phone numbers in every text value of an event, and what a database shows
    of its rows when it complains. Times are written as in every other line."""
    for key, value in event.items():
        if isinstance(value, str):
            text = discreet(value)
            event[key] = PHONE.sub("1**********", SECRET.sub(r"\1\2***", text))
        elif isinstance(value, datetime):
            event[key] = value.isoformat()
    return event


def get(name: str) -> structlog.stdlib.BoundLogger:
    """A logger bound to a module's name."""
    return structlog.stdlib.get_logger(name)
