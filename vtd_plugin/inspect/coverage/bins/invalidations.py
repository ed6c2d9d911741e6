"""Invalidations: of which cache, how much of it, and what is in flight that uses it."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from vtd_plugin.inspect.coverage.model import Axis, Covergroup, Exclusion, needs, never


class Cache(StrEnum):
    """What is invalidated."""

    CONTEXT = "context cache"
    PASID = "PASID cache"
    IOTLB = "IOTLB"
    INTERRUPT_ENTRY = "interrupt entry cache"
    HPT = "HPT cache"
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


class UseInFlight(StrEnum):
    """What is in flight meanwhile, and whether it uses what is invalidated (§6.5.4)."""

    NOTHING = "nothing in flight"
    OTHERS = "others in flight"
    COVERED = "covered in flight"


def _only(cache: Cache, *granularities: Granularity) -> Exclusion:
    """A cache has no other granularities (§6.5.2)."""
    return never(
        f"no command invalidates the {cache} so",
        cache=(cache,),
        granularity=set(Granularity) - set(granularities),
    )


INVALIDATIONS: Final = Covergroup(
    "invalidations",
    (
        Axis.of("cache", Cache),
        Axis.of("granularity", Granularity),
        Axis.of("in_flight", UseInFlight),
    ),
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
        _only(Cache.HPT, Granularity.GLOBAL, Granularity.DOMAIN, Granularity.PAGE),
        _only(
            Cache.DEVICE_TLB,
            Granularity.GLOBAL,
            Granularity.PAGE,
            Granularity.PASID,
            Granularity.PASID_PAGE,
        ),
        never(
            "only what the IOTLB holds is used in flight (§6.5.4)",
            cache=set(Cache) - {Cache.IOTLB},
            in_flight=(UseInFlight.COVERED,),
        ),
        never(
            "a global invalidation covers everything",
            cache=(Cache.IOTLB,),
            granularity=(Granularity.GLOBAL,),
            in_flight=(UseInFlight.OTHERS,),
        ),
    ),
    (
        needs("ECAP.SMTS", cache=(Cache.PASID,)),
        needs("ECAP.SMTS", granularity=(Granularity.PASID, Granularity.PASID_PAGE)),
        needs("CAP.PSI", cache=(Cache.IOTLB,), granularity=(Granularity.PAGE,)),
        needs("ECAP.HPTS", cache=(Cache.HPT,)),
        needs("ECAP.DT", cache=(Cache.DEVICE_TLB,)),
    ),
)
