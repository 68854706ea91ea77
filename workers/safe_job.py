"""RQ jobs that can only name our own entry points.

Whoever can write to Redis can enqueue any dotted name, and RQ would import and call it; the JSON
serializer does not prevent that. A job's callbacks are names too. So the worker refuses every
name that is not on the list.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rq.job import Job

from workers.jobs import ALLOWED


class SafeJob(Job):
    """A job whose function is one of workers.jobs, without callbacks."""

    @property
    def func(self) -> Callable[..., Any] | None:
        """The function. Raises ValueError for any other name."""
        if self.func_name not in ALLOWED or self.instance is not None:
            raise ValueError("this worker runs jobs of the product only")
        found: Callable[..., Any] | None = super().func
        return found

    @property
    def success_callback(self) -> None:
        """None: our bells have no callbacks."""

    @property
    def failure_callback(self) -> None:
        """None: our bells have no callbacks."""

    @property
    def stopped_callback(self) -> None:
        """None: our bells have no callbacks."""
