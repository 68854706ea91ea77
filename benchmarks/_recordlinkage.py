"""recordlinkage beside us, in the environment of the benchmarks' peers.

    python _recordlinkage.py TABLE.csv febrl|physicians  →  one JSON object: labels, seconds

Blocks, compares and classifies as its documentation does for FEBRL 4, without labels
(expectation maximisation), then takes connected components, since it has no clustering.
"""

import json
import sys
import time

import pandas as pd
import recordlinkage as rl
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

FEBRL = {"given_name": "jarowinkler", "surname": "jarowinkler", "date_of_birth": None,
         "suburb": None, "state": None, "address_1": "levenshtein", "postcode": None,
         "soc_sec_id": None}  # fmt: skip
PHYSICIANS = {"name": None, "hospital": "jarowinkler", "department": None, "title": None,
              "phone": None, "city": None}  # fmt: skip


def main(path, kind):
    table = pd.read_csv(path, dtype=str, keep_default_na=False).replace("", None)
    begun = time.perf_counter()
    index = rl.Index()
    if kind == "febrl":
        for column in ("given_name", "surname", "date_of_birth", "postcode", "soc_sec_id"):
            index.block(column)
    else:
        index.block("name")
        index.block("phone")
        index.block(["hospital", "department"])
    pairs = index.index(table)
    if kind == "febrl":  # two sources, each of which holds everybody once
        sources = table["source"].to_numpy()
        a, b = pairs.get_level_values(0), pairs.get_level_values(1)
        pairs = pairs[sources[a] != sources[b]]
    compare = rl.Compare()
    for column, method in (FEBRL if kind == "febrl" else PHYSICIANS).items():
        if method:
            compare.string(column, column, method=method, threshold=0.85)
        else:
            compare.exact(column, column)
    vectors = compare.compute(pairs, table)
    matches = rl.ECMClassifier().fit_predict(vectors)
    a, b = matches.get_level_values(0), matches.get_level_values(1)
    graph = coo_matrix(([1] * len(a), (a, b)), shape=(len(table), len(table)))
    labels = connected_components(graph, directed=False)[1]
    print(json.dumps({"labels": labels.tolist(), "seconds": time.perf_counter() - begun}))


if __name__ == "__main__":
    main(*sys.argv[1:])
