"""Interest in a tag from how often contents about it were opened, against what is usual. Pure.

    interest = log(1 + opened / (2 · usual share)) / 4

It is 0 for what was never opened, grows ever slower, and a tag that everybody meets says little;
a tag opened fifty times as often as usual is 1, like a tag that is certain. Works for numbers and for numpy arrays.
"""

from __future__ import annotations

import math
from typing import Any

WORTH = 2.0  # openings of anything that one's own must outweigh
WHOLE = 4.0


def interest(opened: Any, usual: Any) -> Any:
    """Interest, 0 and more. `opened`: openings with the tag; `usual`: share of all that have it."""
    ratio = opened / (WORTH * usual)
    if isinstance(ratio, float | int):
        return math.log1p(ratio) / WHOLE
    import numpy as np

    return np.log1p(ratio) / WHOLE
