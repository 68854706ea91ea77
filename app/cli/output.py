"""What commands print: sentences for people, or one JSON object on the last line."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Callable
from typing import Annotated, Any

import typer

Json = Annotated[bool, typer.Option("--json", help="One JSON object on the last line.")]


def show(data: dict[str, Any], text: str, as_json: bool) -> None:
    """Print `data` for programs or `text` for people."""
    print(json.dumps(data, ensure_ascii=False, default=str) if as_json else text)


def teller(begun: float, as_json: bool) -> Callable[[str], None]:
    """Progress with the seconds since `begun`, for people only."""

    def tell(text: str) -> None:
        if not as_json:
            print(f"{time.perf_counter() - begun:8.1f} s  {text}", file=sys.stderr)

    return tell


def quiet() -> None:
    """Looking at the schema is not worth a line for each look."""
    logging.getLogger("alembic").setLevel(logging.WARNING)
