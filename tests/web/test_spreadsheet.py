"""Values of files that people upload leave in files that people open."""

from __future__ import annotations

import pytest

from app.web.spreadsheet import harmless


@pytest.mark.parametrize(("text", "given"), [
    ("", ""), ("王", "王"), ("=1+1", "'=1+1"), ("+86", "'+86"), ("-1", "'-1"), ("@x", "'@x"),
    ("\t=1", "'\t=1"), ("\r=1", "'\r=1"), ("1=1", "1=1"),
])  # fmt: skip
def test_only_what_is_taken_for_a_formula_is_changed(text: str, given: str) -> None:
    assert harmless(text) == given
