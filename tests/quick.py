"""What takes time in every test and is not what any of them is about, done once or not at all.

    with quick.everything():      # as long as tests run

Nothing here changes what a test sees, except that a sealed password is quickly sealed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from jinja2.bccache import Bucket, BytecodeCache
from sqlalchemy import Dialect, Engine, create_engine, event
from werkzeug.routing import Rule

from app.accounts import passwords
from app.infra import db

Builder = Callable[..., tuple[str, str]]
STATEMENTS = 5000


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


class Engines:
    """Engines that compile a statement once for all of them, as one engine does for a process.

    What is compiled belongs to a dialect, so that they share the one that was connected first.
    """

    def __init__(self) -> None:
        self._shared: dict[str, tuple[Dialect, MutableMapping[Any, Any]]] = {}

    def create(self, url: str, **options: Any) -> Engine:
        """See sqlalchemy.create_engine."""
        engine = create_engine(url, query_cache_size=STATEMENTS, **options)
        kind = engine.dialect.name
        if kind in self._shared:
            engine.dialect, engine._compiled_cache = self._shared[kind]  # type: ignore[assignment]
        else:
            mine = (engine.dialect, engine._compiled_cache)  # asks the server who it is now
            event.listen(engine, "connect", lambda *_: self._shared.setdefault(kind, mine))
        return engine


@contextmanager
def everything() -> Iterator[None]:
    """Quick applications, statements and passwords, while the block lasts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        )
        patch.setattr(db, "create_engine", Engines().create)
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
