"""The fault classes by name: what is done to a running product, and what must hold."""

from __future__ import annotations

from collections.abc import Callable

from faults import away, power, trouble
from faults.kills import f1
from faults.outcome import Outcome, Wish
from faults.points import f2
from faults.stories import f16

CLASSES: dict[str, Callable[[Wish], Outcome]] = {
    "F1": f1, "F2": f2, "F3": away.f3, "F4": away.f4, "F5": trouble.f5, "F6": trouble.f6,
    "F7": trouble.f7, "F8": away.f8, "F9": away.f9, "F10": trouble.f10, "F11": trouble.f11,
    "F12": power.f12, "F13": away.f13, "F14": trouble.f14, "F16": f16,
}  # fmt: skip
