"""Wishbone B4, both ways: what answers a master of a core, and a master that drives a core.

A bus that has STALL is in pipelined mode, one without it does classic cycles. Masters that announce
bursts (CTI, BTE) are served one access at a time. An access is one request of the bus, in flight
from the clock edge at which it is taken to the one at which the master takes its answer.
"""

from __future__ import annotations

from hdl_bridge.wishbone.bus import WishboneBus
from hdl_bridge.wishbone.initiator import WishboneResponse
from hdl_bridge.wishbone.master import WishboneMaster, WishboneRead, WishboneWrite
from hdl_bridge.wishbone.memory import WishboneMemory
from hdl_bridge.wishbone.registers import WishboneRegisters
from hdl_bridge.wishbone.side import WishboneError

__all__ = [
    "WishboneBus",
    "WishboneError",
    "WishboneMaster",
    "WishboneMemory",
    "WishboneRead",
    "WishboneRegisters",
    "WishboneResponse",
    "WishboneWrite",
]
