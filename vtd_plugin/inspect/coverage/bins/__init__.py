"""What is counted: covergroups, the bins of their axes, and what cannot be.

A covergroup is the cross of its axes less the crosses that the architecture, the bus or the model
rules out; each rule says why. These modules are data; who counts is in `sorters`.
"""

from __future__ import annotations

from typing import Final

from vtd_plugin.inspect.coverage.bins.faults import FAULTS
from vtd_plugin.inspect.coverage.bins.interrupts import INTERRUPTS
from vtd_plugin.inspect.coverage.bins.invalidations import INVALIDATIONS
from vtd_plugin.inspect.coverage.bins.page_requests import PAGE_REQUESTS, PAGE_RESPONSES
from vtd_plugin.inspect.coverage.bins.queue import QUEUE_ERRORS, WAITS
from vtd_plugin.inspect.coverage.bins.requests import REQUESTS
from vtd_plugin.inspect.coverage.bins.resets import RESETS
from vtd_plugin.inspect.coverage.bins.switches import STATE_SWITCHES

__all__ = [
    "COVERGROUPS",
    "FAULTS",
    "INTERRUPTS",
    "INVALIDATIONS",
    "PAGE_REQUESTS",
    "PAGE_RESPONSES",
    "QUEUE_ERRORS",
    "REQUESTS",
    "RESETS",
    "STATE_SWITCHES",
    "WAITS",
]

COVERGROUPS: Final = (
    REQUESTS,
    FAULTS,
    INTERRUPTS,
    PAGE_REQUESTS,
    PAGE_RESPONSES,
    INVALIDATIONS,
    WAITS,
    QUEUE_ERRORS,
    STATE_SWITCHES,
    RESETS,
)
