"""Interest in a tag from how often contents about it were opened, against what is usual. Pure.

    interest = log(1 + opened / (worth · usual share)) / 4

It is 0 for what was never opened, grows ever slower, and a tag that everybody meets says little;
a tag opened fifty times as often as usual is 1, like a tag that is certain. Works for numbers and
for numpy arrays.
"""

from __future__ import annotations

import math
from typing import Any

WORTH, WHOLE = 2.0, 4.0
ANYTHING = 0  # the own tag of how much a physician opens at all


def interest(opened: Any, usual: Any, worth: float = WORTH) -> Any:
    """Interest, 0 and more. `opened`: openings with the tag; `usual`: share of all that have it.

    `worth`: openings of anything that one's own must outweigh; learned with the answers.
    """
    ratio = opened / (worth * usual)
    if isinstance(ratio, float | int):
        return math.log1p(ratio) / WHOLE
    import numpy as np

    return np.log1p(ratio) / WHOLE
