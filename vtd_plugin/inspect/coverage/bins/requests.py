"""Requests: what was asked, which tables translate, and where the answer came from."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from vtd_plugin.inspect.coverage.model import Axis, Covergroup, needs, never


class Kind(StrEnum):
    """What a request asks for."""

    READ = "read"
    WRITE = "write"
    ATOMIC = "atomic"
    ZERO_LENGTH_READ = "zero-length read"
    TRANSLATION_REQUEST = "translation request"
    TRANSLATED_REQUEST = "translated request"


class Pasid(StrEnum):
    """Whether a request carries a PASID."""

    WITHOUT = "without PASID"
    WITH = "with PASID"

    @classmethod
    def of(cls, pasid: int | None) -> Pasid:
        """The value for a request with this PASID, or without."""
        return cls.WITHOUT if pasid is None else cls.WITH


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


_PAGES: Final = (PageSize.SMALL, PageSize.MEDIUM, PageSize.LARGE)
_FROM_DEVICE_TLB: Final = (Kind.TRANSLATION_REQUEST, Kind.TRANSLATED_REQUEST)
_BY_FIRST_STAGE: Final = (Tables.FIRST_STAGE, Tables.NESTED)
_BY_SECOND_STAGE: Final = (Tables.LEGACY_SECOND_STAGE, Tables.SECOND_STAGE, Tables.NESTED)
_AS_IT_IS: Final = (Tables.DIRECT, Tables.LEGACY_PASS_THROUGH, Tables.PASS_THROUGH)

REQUESTS: Final = Covergroup(
    "requests",
    (
        Axis.of("kind", Kind),
        Axis.of("tables", Tables),
        Axis.of("page_size", PageSize),
        Axis.of("outcome", Outcome),
    ),
    (
        never(
            "a blocked request is answered by no page", page_size=_PAGES, outcome=(Outcome.FAULT,)
        ),
        never("addresses that are not translated have no page", tables=_AS_IT_IS, page_size=_PAGES),
        never(
            "a translated request keeps its address (§4.2.5)",
            kind=(Kind.TRANSLATED_REQUEST,),
            page_size=_PAGES,
        ),
        never(
            "what page tables translate has a page",
            kind=set(Kind) - {Kind.TRANSLATED_REQUEST},
            tables=set(Tables) - set(_AS_IT_IS),
            page_size=(PageSize.NONE,),
            outcome=(Outcome.HIT, Outcome.WALK),
        ),
        never(
            "nothing is looked up while translation is off",
            tables=(Tables.DIRECT,),
            outcome=(Outcome.HIT, Outcome.WALK),
        ),
        never(
            "everything is looked up while translation is on",
            tables=set(Tables) - {Tables.DIRECT},
            outcome=(Outcome.NOT_LOOKED_UP,),
        ),
        never(
            "while translation is off nobody takes requests of a device-TLB",
            kind=_FROM_DEVICE_TLB,
            tables=(Tables.DIRECT,),
            outcome=(Outcome.NOT_LOOKED_UP,),
        ),
        never(
            "the model looks up requests of a device-TLB in the tables only",
            kind=_FROM_DEVICE_TLB,
            outcome=(Outcome.HIT,),
        ),
        never(
            "legacy pass-through blocks requests of a device-TLB (LCT.5)",
            kind=_FROM_DEVICE_TLB,
            tables=(Tables.LEGACY_PASS_THROUGH,),
            outcome=(Outcome.WALK,),
        ),
    ),
    (
        needs("ECAP.PT", tables=(Tables.LEGACY_PASS_THROUGH,)),
        needs("ECAP.FSTS", tables=(Tables.FIRST_STAGE,)),
        needs("ECAP.SMTS;ECAP.SSTS", tables=(Tables.SECOND_STAGE,)),
        needs("ECAP.NEST", tables=(Tables.NESTED,)),
        needs("ECAP.SMTS;ECAP.PT", tables=(Tables.PASS_THROUGH,)),
        needs("CAP.SSLPS[0]", tables=_BY_SECOND_STAGE, page_size=(PageSize.MEDIUM,)),
        needs("CAP.SSLPS[1]", tables=_BY_SECOND_STAGE, page_size=(PageSize.LARGE,)),
        needs("CAP.FS1GP", tables=_BY_FIRST_STAGE, page_size=(PageSize.LARGE,)),
        needs("ECAP.DT", kind=_FROM_DEVICE_TLB, outcome=(Outcome.WALK,)),
    ),
)
