"""RQ jobs that can only name our own entry points.

Whoever can write to Redis can enqueue any dotted name, and RQ would import and call it; the JSON
serializer does not prevent that. So the worker refuses every name outside `workers.jobs`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rq.job import Job

ALLOWED = "workers.jobs."


class SafeJob(Job):
    """A job whose function lives under workers.jobs."""

    @property
    def func(self) -> Callable[..., Any] | None:
        """The function. Raises ValueError for any other name."""
        name = self.func_name or ""
        if not name.startswith(ALLOWED) or self.instance is not None:
            raise ValueError("this worker runs jobs of the product only")
        found: Callable[..., Any] | None = super().func
        return found
