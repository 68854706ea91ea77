"""When a pair is one person without anybody looking: sure, agreed on twice, and unopposed. Pure.

The name alone is never enough, however rare: two colleagues may have it. Hospital with department,
or the phone, has to agree as well; and names of hospitals that contradict each other forbid it.
"""

from __future__ import annotations

from app.hospitals import veto
from app.linkage.compare import COLUMNS, Levels

SURE = 0.999
_NAME, _HOSPITAL, _DEPARTMENT, _PHONE = (
    list(COLUMNS).index(column) for column in ("name", "hospital", "department", "phone")
)
_SAME, _LAST_4 = 0, 1


def may_join(levels: Levels, probability: float, hospitals: tuple[str, str]) -> bool:
    """True when nobody has to look. `hospitals`: as written, "" where unknown.

    Whether identifiers or judgements keep the two apart is for the caller to ask.
    """
    if probability < SURE or levels[_NAME] != _SAME:
        return False
    place = levels[_HOSPITAL] == _SAME and levels[_DEPARTMENT] == _SAME
    if not (place or levels[_PHONE] in (_SAME, _LAST_4)):
        return False
    return not all(hospitals) or not veto.differ(*hospitals)
