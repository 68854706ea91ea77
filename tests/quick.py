"""What takes time in every test and is not what any of them is about, done once or not at all.

    with quick.everything():      # as long as tests run

Nothing here changes what a test sees, except that a sealed password is quickly sealed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from jinja2.bccache import Bucket, BytecodeCache
from werkzeug.routing import Rule

from app.accounts import passwords

Builder = Callable[..., tuple[str, str]]


class Compiled(BytecodeCache):
    """Each template is compiled for the first application that shows it; Jinja checks its text."""

    def __init__(self) -> None:
        self._known: dict[str, Any] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """See BytecodeCache."""
        if bucket.key in self._known:
            checksum, bucket.code = self._known[bucket.key]
            if checksum != bucket.checksum:
                bucket.reset()

    def dump_bytecode(self, bucket: Bucket) -> None:
        """See BytecodeCache."""
        self._known[bucket.key] = (bucket.checksum, bucket.code)


@contextmanager
def everything() -> Iterator[None]:
    """Quick applications and quick passwords, while the block lasts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        )
        patch.setattr(Flask, "jinja_options", {"bytecode_cache": Compiled()})
        patch.setattr(Rule, "_compile_builder", _when_asked(Rule._compile_builder))
        yield


def _when_asked(compile_now: Callable[[Rule, bool], Builder]) -> Callable[..., Builder]:
    """An application has 160 routes; a test asks for the address of a few."""

    def compile_builder(rule: Rule, append_unknown: bool = True) -> Builder:
        made: list[Builder] = []

        def build(itself: Rule, /, **values: Any) -> tuple[str, str]:
            if not made:
                made.append(compile_now(rule, append_unknown))
            return made[0](itself, **values)

        return build

    return compile_builder
