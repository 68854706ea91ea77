"""ONE ID: how right, how fast, how large; each beside what others do, in the same run.

    python -m benchmarks.identity [--json] [--part accuracy|latency|rebuild|online]
        [--records 100000] [--evidence 10000000] [--events 4000] [--no-postgres] [--async-commit]

accuracy   FEBRL 4 and invented Chinese physicians with shared phones and wrong CRM links: the
           product's linkage beside Splink alone, recordlinkage, and plain connected components
latency    one new physician among 100,000: scored over blocked candidates, alone and with database
rebuild    who is who from so many rows of evidence, beside scipy's bare connected components
online     events a second, one by one and batched, by 1, 2, 4 and 8 workers, on both databases

Without --part all of them run. What is not installed is left out and said. The ratio of a part:
accuracy, our pairwise F1 / Splink's; rebuild, our seconds / scipy's; online, PostgreSQL's batched
rate / 1,177 a second, what a trial before the product reached.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from typing import Any

from benchmarks import _identity_accuracy, _identity_latency, _identity_online, _identity_rebuild
from benchmarks._linkers import say
from benchmarks._physicians import NoData

PARTS: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    "accuracy": _identity_accuracy.run,
    "latency": _identity_latency.run,
    "rebuild": _identity_rebuild.run,
    "online": _identity_online.run,
}


def main(arguments: list[str] | None = None) -> int:
    """Run, print tables, and with --json one JSON object on the last line."""
    parser = argparse.ArgumentParser(
        prog="bench identity", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    parser.add_argument("--part", choices=PARTS, action="append")
    parser.add_argument("--records", type=int, default=100_000, help="of invented physicians")
    parser.add_argument("--evidence", type=int, default=10_000_000, help="rows, for rebuild")
    parser.add_argument(
        "--events", type=int, default=4000, help="of each online run; ten times as many in batches"
    )
    parser.add_argument("--no-postgres", action="store_true")
    parser.add_argument(
        "--async-commit", action="store_true", help="online, PostgreSQL: as our trial did"
    )
    options = parser.parse_args(arguments)
    results = {}
    for part in options.part or PARTS:
        try:
            results[part] = PARTS[part](options)
        except NoData as problem:
            say(f"{part} is left out: {problem}")
    if options.json:
        ratios = {part: found["ratio"] for part, found in results.items() if "ratio" in found}
        ratio = next(iter(ratios.values()), None)
        print(json.dumps({"bench": "identity", "ratio": ratio, "ratios": ratios, **results}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
