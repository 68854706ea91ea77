"""For whom a content is: a rep's products, a physician's licence, place and specialty. Pure.

What is not known counts against: a content for some provinces goes to nobody whose province we do
not know. Provinces are compared by their first two characters, which tell them apart however they
are written (浙江, 浙江省).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from app.consent import Reason

SCOPE = Reason("scope", "内容的品牌不在代表负责的产品范围内")
LICENCE = Reason("licence", "这份内容只发给已核实执业证号的医生")
PLACE = Reason("place", "这份内容不面向医生所在的地区")
SPECIALTY = Reason("specialty", "这份内容不面向医生的专科")
UNKNOWN = Reason("terms_unknown", "无法确认这份内容面向哪些医生")
CODES = tuple(r.code for r in (SCOPE, LICENCE, PLACE, SPECIALTY, UNKNOWN))
MOST_VERDICTS = 16  # kept at a time
TELLING = 2  # characters of a province's name


@dataclass(frozen=True, slots=True)
class Terms:
    """For whom one content is; empty sets: for everybody."""

    brand_id: int | None = None
    verified_only: bool = False
    provinces: frozenset[str] = frozenset()
    specialties: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Whom:
    """What decides about a physician; physicians alike in this are asked about once."""

    verified: bool = False
    province: str = ""
    specialty: str = ""


@dataclass(slots=True)
class Compiled:
    """The terms of contents for one rep. Few terms are different, and physicians to whom the same
    of them speak are asked about once.

    `brands`: those the rep speaks for, empty: all; None: no rep carries it.
    """

    terms: Mapping[int, Terms]  # by content
    brands: frozenset[int] | None
    _alike: dict[Terms, list[int]] = field(init=False)  # the contents of each
    _known: dict[tuple[tuple[Reason, ...], ...], Mapping[int, tuple[Reason, ...]]] = field(
        default_factory=dict
    )

    def __post_init__(self) -> None:
        self._alike = {}
        for content_id, terms in self.terms.items():
            self._alike.setdefault(terms, []).append(content_id)

    def out_of_scope(self) -> frozenset[int]:
        """The contents that the rep brings to nobody."""
        some = (one for terms, one in self._alike.items() if _is_out(terms, self.brands))
        return frozenset(content_id for one in some for content_id in one)

    def barred(self, whom: Whom) -> Mapping[int, tuple[Reason, ...]]:
        """The contents that are not for this kind of physician, each with every reason."""
        verdict = tuple(against(terms, whom, self.brands) for terms in self._alike)
        known = self._known.get(verdict)
        if known is None:
            pairs = zip(self._alike.values(), verdict, strict=True)
            known = MappingProxyType({one: why for some, why in pairs if why for one in some})
            if len(self._known) >= MOST_VERDICTS:
                self._known.clear()
            self._known[verdict] = known
        return known


def against(terms: Terms, whom: Whom, brands: frozenset[int] | None) -> tuple[Reason, ...]:
    """Every rule that keeps a content from this physician through this rep."""
    found = []
    if _is_out(terms, brands):
        found.append(SCOPE)
    if terms.verified_only and not whom.verified:
        found.append(LICENCE)
    if terms.provinces and whom.province[:TELLING] not in {p[:TELLING] for p in terms.provinces}:
        found.append(PLACE)
    if terms.specialties and whom.specialty not in terms.specialties:
        found.append(SPECIALTY)
    return tuple(found)


def _is_out(terms: Terms, brands: frozenset[int] | None) -> bool:
    return bool(brands and terms.brand_id is not None and terms.brand_id not in brands)
