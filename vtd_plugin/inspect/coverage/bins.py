"""What is counted: covergroups, the bins of their axes, and what cannot be.

A covergroup is the cross of its axes less the crosses that the architecture, the bus or the model
rules out; each rule says why. This module is data; who counts is `collector`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from vtd_plugin.encodings.faults import Condition
from vtd_plugin.inspect.coverage.model import Axis, Covergroup, Exclusion

if TYPE_CHECKING:
    from collections.abc import Iterable


class Kind(StrEnum):
    """What a request asks for."""

    READ = "read"
    WRITE = "write"
    ATOMIC = "atomic"
    ZERO_LENGTH_READ = "zero-length read"
    TRANSLATION_REQUEST = "translation request"
    TRANSLATED_REQUEST = "translated request"


class Tables(StrEnum):
    """What the requester's context or PASID entry asks for; `DIRECT` while translation is off."""

    DIRECT = "direct"
    LEGACY_SECOND_STAGE = "legacy second-stage"
    LEGACY_PASS_THROUGH = "legacy pass-through"  # noqa: S105 - no password
    FIRST_STAGE = "first-stage"
    SECOND_STAGE = "second-stage"
    NESTED = "nested"
    PASS_THROUGH = "pass-through"  # noqa: S105


class PageSize(StrEnum):
    """The page that answered, as the IOTLB holds it; `NONE` where no page table did."""

    SMALL = "4K"
    MEDIUM = "2M"
    LARGE = "1G"
    NONE = "none"


class Outcome(StrEnum):
    """Where the answer came from."""

    NOT_LOOKED_UP = "not looked up"
    HIT = "IOTLB hit"
    WALK = "walk"
    FAULT = "fault"


class Cache(StrEnum):
    """What is invalidated."""

    CONTEXT = "context cache"
    PASID = "PASID cache"
    IOTLB = "IOTLB"
    INTERRUPT_ENTRY = "interrupt entry cache"
    DEVICE_TLB = "device-TLB"


class Granularity(StrEnum):
    """How much of it."""

    GLOBAL = "global"
    DOMAIN = "domain"
    DEVICE = "device"
    PASID = "PASID"
    PAGE = "page"
    PASID_PAGE = "PASID page"
    INDEX = "index"


class Trigger(StrEnum):
    """Why requesters see another address space; the values are the reasons that units give."""

    TRANSLATION_ON = "translation on"
    TRANSLATION_OFF = "translation off"
    ROOT_POINTER = "root table pointer"
    CONTEXT_INVALIDATION = "context-cache invalidation"
    PASID_INVALIDATION = "PASID-cache invalidation"
    PROTECTED_REGIONS = "protected memory regions"
    COLD_RESET = "cold reset"
    WARM_RESET = "warm reset"


class InFlight(StrEnum):
    """How many transfers of a requester had begun and not ended."""

    IDLE = "idle"
    ONE = "one"
    SEVERAL = "several"


class Reset(StrEnum):
    """How much was reset."""

    COLD = "cold"
    WARM = "warm"
    FUNCTION = "function"


class Order(StrEnum):
    """Which half of the platform was reset first, or at all."""

    MASTERS_FIRST = "masters first"
    UNITS_FIRST = "units first"
    MASTERS_ONLY = "masters only"
    UNITS_ONLY = "units only"


def _axis(name: str, bins: type[StrEnum]) -> Axis:
    return Axis(name, tuple(each.value for each in bins))


def _never(why: str, **bins: Iterable[str]) -> Exclusion:
    return Exclusion(why, {name: frozenset(map(str, values)) for name, values in bins.items()})


def _only(cache: Cache, *granularities: Granularity) -> Exclusion:
    """A cache has no other granularities (§6.5.2)."""
    return _never(
        f"no command invalidates the {cache} so",
        cache=(cache,),
        granularity=set(Granularity) - set(granularities),
    )


_PAGES: Final = (PageSize.SMALL, PageSize.MEDIUM, PageSize.LARGE)
_FROM_DEVICE_TLB: Final = (Kind.TRANSLATION_REQUEST, Kind.TRANSLATED_REQUEST)
_AS_IT_IS: Final = (Tables.DIRECT, Tables.LEGACY_PASS_THROUGH, Tables.PASS_THROUGH)

REQUESTS: Final = Covergroup(
    "requests",
    (
        _axis("kind", Kind),
        _axis("tables", Tables),
        _axis("page_size", PageSize),
        _axis("outcome", Outcome),
    ),
    (
        _never(
            "a blocked request is answered by no page", page_size=_PAGES, outcome=(Outcome.FAULT,)
        ),
        _never(
            "addresses that are not translated have no page", tables=_AS_IT_IS, page_size=_PAGES
        ),
        _never(
            "a translated request keeps its address (§4.2.5)",
            kind=(Kind.TRANSLATED_REQUEST,),
            page_size=_PAGES,
        ),
        _never(
            "what page tables translate has a page",
            kind=set(Kind) - {Kind.TRANSLATED_REQUEST},
            tables=set(Tables) - set(_AS_IT_IS),
            page_size=(PageSize.NONE,),
            outcome=(Outcome.HIT, Outcome.WALK),
        ),
        _never(
            "nothing is looked up while translation is off",
            tables=(Tables.DIRECT,),
            outcome=(Outcome.HIT, Outcome.WALK),
        ),
        _never(
            "everything is looked up while translation is on",
            tables=set(Tables) - {Tables.DIRECT},
            outcome=(Outcome.NOT_LOOKED_UP,),
        ),
        _never(
            "while translation is off nobody takes requests of a device-TLB",
            kind=_FROM_DEVICE_TLB,
            tables=(Tables.DIRECT,),
            outcome=(Outcome.NOT_LOOKED_UP,),
        ),
        _never(
            "the model looks up requests of a device-TLB in the tables only",
            kind=_FROM_DEVICE_TLB,
            outcome=(Outcome.HIT,),
        ),
        _never(
            "legacy pass-through blocks requests of a device-TLB (LCT.5)",
            kind=_FROM_DEVICE_TLB,
            tables=(Tables.LEGACY_PASS_THROUGH,),
            outcome=(Outcome.WALK,),
        ),
    ),
)

FAULTS: Final = Covergroup(
    "faults",
    (Axis("condition", tuple(condition.label for condition in Condition)),),
    (
        _never(
            "the current revision of the architecture does not have it",
            condition=[each.label for each in Condition if not each.value.section],
        ),
    ),
)

INVALIDATIONS: Final = Covergroup(
    "invalidations",
    (_axis("cache", Cache), _axis("granularity", Granularity)),
    (
        _only(Cache.CONTEXT, Granularity.GLOBAL, Granularity.DOMAIN, Granularity.DEVICE),
        _only(Cache.PASID, Granularity.GLOBAL, Granularity.DOMAIN, Granularity.PASID),
        _only(
            Cache.IOTLB,
            Granularity.GLOBAL,
            Granularity.DOMAIN,
            Granularity.PAGE,
            Granularity.PASID,
            Granularity.PASID_PAGE,
        ),
        _only(Cache.INTERRUPT_ENTRY, Granularity.GLOBAL, Granularity.INDEX),
        _only(Cache.DEVICE_TLB, Granularity.PAGE, Granularity.PASID_PAGE),
    ),
)

STATE_SWITCHES: Final = Covergroup(
    "state_switches", (_axis("trigger", Trigger), _axis("in_flight", InFlight))
)

RESETS: Final = Covergroup(
    "resets",
    (_axis("kind", Reset), _axis("order", Order)),
    (
        _never(
            "a reset of one function reaches no unit",
            kind=(Reset.FUNCTION,),
            order=set(Order) - {Order.MASTERS_ONLY},
        ),
    ),
)

COVERGROUPS: Final = (REQUESTS, FAULTS, INVALIDATIONS, STATE_SWITCHES, RESETS)
