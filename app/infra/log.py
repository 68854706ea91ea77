"""Logs are events with keys: JSON lines (or plain lines on a terminal), free of personal data."""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import Any, ParamSpec, TypeVar

import structlog

SECRET = re.compile(
    r"(?i)(access_token|corpsecret|secret|ticket|code|password|authorization)([=:]\s*)[^\s&\"',}]+"
)
PHONE = re.compile(r"(?<!\d)1[3-9]\d{9}(?!\d)")
P = ParamSpec("P")
T = TypeVar("T")

QUIET = ("httpx", "httpcore", "apscheduler", "urllib3")


def configure(level: str = "INFO", *, process: str = "") -> None:
    """Set up structlog and the standard library's logging for this process."""
    pretty = sys.stderr.isatty()
    chain: list[Any] = [
        _stamp(process),
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redact,
    ]
    renderer = (
        structlog.dev.ConsoleRenderer(colors=True)
        if pretty
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    structlog.configure(
        processors=[*chain, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=chain,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.contextvars.clear_contextvars()


def about(**names: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Lines written during a call carry ids of its arguments.

    @log.about(event_id="claim.id")     the argument's name, and an attribute of it
    @log.about(dispatch_id="dispatch_id")
    """

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        order = list(signature(function).parameters)
        wanted = [(key, *path.partition(".")[::2]) for key, path in names.items()]
        places = [(key, order.index(name), name, rest) for key, name, rest in wanted]

        @wraps(function)
        def carrying(*args: P.args, **kwargs: P.kwargs) -> T:
            ids = {}
            for key, place, name, rest in places:
                value = args[place] if place < len(args) else kwargs[name]
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
    """Blank secrets and phone numbers in every text value of an event."""
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = PHONE.sub("1**********", SECRET.sub(r"\1\2***", value))
    return event


def get(name: str) -> structlog.stdlib.BoundLogger:
    """A logger bound to a module's name."""
    return structlog.stdlib.get_logger(name)
