"""RQ jobs that can only name our own entry points, and whose failures tell no content.

Whoever can write to Redis can enqueue any dotted name, and RQ would import and call it; the JSON
serializer does not prevent that. A job's callbacks are names too. So the worker refuses every
name that is not on the list.

RQ writes the traceback of a failed job into Redis and into its log. An exception may quote what it
stumbled over, and Redis holds no personal data: so what is raised from a job names type and place.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

from rq.job import Job

from app.infra import log
from workers.drain import explain
from workers.jobs import ALLOWED

_log = log.get(__name__)


class JobFailed(Exception):
    """Type and place of what went wrong in a job; the tables know what is still to be done."""


class SafeJob(Job):
    """A job whose function is one of workers.jobs, without callbacks."""

    @property
    def func(self) -> Callable[..., Any] | None:
        """The function. Raises ValueError for any other name."""
        if self.func_name not in ALLOWED or self.instance is not None:
            raise ValueError("this worker runs jobs of the product only")
        found: Callable[..., Any] | None = super().func
        return found

    def perform(self) -> Any:
        """Run it. Raises JobFailed without a cause, so that no other text travels with it."""
        try:
            return super().perform()
        except Exception as problem:  # whatever it is, it must not be quoted
            told = explain(problem)
            trace = "".join(traceback.format_tb(problem.__traceback__))
            _log.error("job failed", job=self.func_name, error=told, trace=trace)
        raise JobFailed(told)

    @property
    def success_callback(self) -> None:
        """None: our bells have no callbacks."""

    @property
    def failure_callback(self) -> None:
        """None: our bells have no callbacks."""

    @property
    def stopped_callback(self) -> None:
        """None: our bells have no callbacks."""
