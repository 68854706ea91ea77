"""What a view can reach: the parts that bootstrap built."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from flask import current_app

if TYPE_CHECKING:
    from app.bootstrap import Parts


def parts() -> Parts:
    """The parts of the current application."""
    return cast("Parts", current_app.extensions["yishu"])
