"""Stories about contacts and followers run on the whole line."""

from tests.scenarios.conftest import line

__all__ = ["line"]
