"""State switches: why requesters see another address space, and what is in flight then."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from vtd_plugin.inspect.coverage.model import Axis, Covergroup, needs


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


STATE_SWITCHES: Final = Covergroup(
    "state_switches",
    (Axis.of("trigger", Trigger), Axis.of("in_flight", InFlight)),
    requirements=(
        needs("ECAP.SMTS", trigger=(Trigger.PASID_INVALIDATION,)),
        needs("CAP.PLMR|CAP.PHMR", trigger=(Trigger.PROTECTED_REGIONS,)),
    ),
)
