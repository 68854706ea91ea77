"""Pulls run on the whole line: product, simulated platforms, one clock."""

from tests.scenarios.conftest import line

__all__ = ["line"]
