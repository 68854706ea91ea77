"""What a database complains about, without the values that it complains about.

PostgreSQL puts the row or the key into a DETAIL line, and a value that it cannot read into the
message itself. Such texts reach logs, pages and columns, where no personal data may be.
"""

from __future__ import annotations

import re
from typing import Any

LINES = re.compile(
    r"\n\s*(?:DETAIL|CONTEXT|QUERY|WHERE|STATEMENT|LINE \d+):.*?"
    r"(?=\n\s*HINT:|\n\[SQL|\n\(Background|\n\nThe above|\n\nDuring handling|\nTraceback|\Z)",
    re.DOTALL,
)
VALUE = re.compile(r'(?P<said>: )".*"(?=\n|\Z)', re.DOTALL)
"""The value at the end of e.g. `invalid input syntax for type integer: "…"`."""


def discreet(text: str) -> str:
    """`text` without the lines that show rows, keys or statements."""
    return LINES.sub("", text)


def hide_values(problem: Exception) -> tuple[str, str]:
    """A driver's error shows no value any more; its text before and after."""
    before = str(problem)
    after = VALUE.sub(r"\g<said>…", discreet(before))
    if after != before:
        problem.args = (after, *problem.args[1:])
    return before, after


def named(problem: Exception) -> str:
    """What it is and where we came upon it, with no value: `KeyError in app.reps.places:27`."""
    place, trace = "?", problem.__traceback__
    while trace is not None:
        module = str(trace.tb_frame.f_globals.get("__name__", ""))
        if module.startswith(("app.", "workers.")):
            place = f"{module}:{trace.tb_lineno}"
        trace = trace.tb_next
    return f"{type(getattr(problem, 'orig', None) or problem).__name__} in {place}"


def make_discreet(context: Any) -> None:
    """Listener of SQLAlchemy's `handle_error`: neither error, the driver's nor the one made of it,
    shows a value any more."""
    before, after = hide_values(context.original_exception)
    made = context.sqlalchemy_exception
    if made is not None and after != before:
        made.args = tuple(
            arg.replace(before, after) if isinstance(arg, str) else arg for arg in made.args
        )
