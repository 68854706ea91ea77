"""Train the weights that come with the product, on invented physicians, and write them down.

    python -m benchmarks._default_model [PHYSICIANS]

They know nothing of any real physician: a company trains its own on its own data.
"""

from __future__ import annotations

import sys

from app.linkage.features import features
from app.linkage.identified import persons_of
from app.linkage.kit import PHYSICIANS
from app.linkage.learn import learn
from app.linkage.model import DEFAULT
from app.linkage.rows import said
from benchmarks._physicians import COLUMNS, World

SEED = 2026  # another one than that of the benchmarks


def main(physicians: int) -> int:
    """Write the file."""
    columns = {name: name for name in COLUMNS[2:]}
    table = [row for _, row in World(physicians, SEED).rows()]
    persons = persons_of(table, columns)
    records = [features(said(table, one.rows, columns), one.phones) for one in persons]
    model = learn(
        PHYSICIANS, records, version="synthetic-1",
        trained_on=f"{physicians} invented physicians in five invented sources",
    )  # fmt: skip
    DEFAULT.write_text(model.dumps())
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 40_000))
