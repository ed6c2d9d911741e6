"""Page requests of devices, and the answers of software to them."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from vtd_plugin.encodings.codes import ResponseCode
from vtd_plugin.inspect.coverage.bins.requests import Pasid
from vtd_plugin.inspect.coverage.model import Axis, Covergroup, needs, never


class Place(StrEnum):
    """What a request is to its group."""

    INNER = "not the last"
    LAST = "last of its group"
    STOP_MARKER = "stop marker"


class Became(StrEnum):
    """What becomes of a request; the values are the words that units give."""

    QUEUED = "queued"
    QUEUE_FULL = "queue full"
    BLOCKED = "blocked"
    TRANSLATION_OFF = "translation off"


PAGE_REQUESTS: Final = Covergroup(
    "page_requests",
    (Axis.of("place", Place), Axis.of("pasid", Pasid), Axis.of("became", Became)),
    (
        never(
            "a stop marker is about a PASID (§7.6)",
            place=(Place.STOP_MARKER,),
            pasid=(Pasid.WITHOUT,),
        ),
    ),
    (
        needs("ECAP.PRS", became=(Became.QUEUED, Became.QUEUE_FULL)),
        needs("ECAP.PASID", pasid=(Pasid.WITH,), became=(Became.QUEUED, Became.QUEUE_FULL)),
    ),
)

CODES: Final = {code: code.name.lower().replace("_", " ") for code in ResponseCode}
"""What the codes of responses are called here; the other codes are reserved (§7.6.1)."""

PAGE_RESPONSES: Final = Covergroup(
    "page_responses",
    (Axis("code", tuple(CODES.values())), Axis.of("pasid", Pasid)),
    requirements=(
        needs("ECAP.PRS", code=CODES.values()),
        needs("ECAP.PASID", pasid=(Pasid.WITH,)),
    ),
)
