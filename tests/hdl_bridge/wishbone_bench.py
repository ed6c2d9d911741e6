"""A platform with a fake unit behind the Wishbone master in RTL."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from hdl_bridge.wishbone import WishboneMemory
from testbenches.wishbone.master import Master, bus_of
from vtd_plugin.bus import Mapping, Platform
from vtd_plugin.bus.testing import FakeUnit

if TYPE_CHECKING:
    from hdl_bridge.wishbone import WishboneBus

SOURCE_ID = "00:04.0"
IOVA = 0x1000_0000
HOST = 0x10_0000
MAPPED = 0x4000


class Bench:
    def __init__(
        self,
        dut: Any,
        *,
        bus: WishboneBus | None = None,
        **options: Any,
    ) -> None:
        self.platform = Platform(4 << 20, load_entry_points=False)
        self.unit = self.platform.add_unit(FakeUnit([Mapping(IOVA, HOST, MAPPED)]))
        self.port = self.platform.requester(SOURCE_ID)
        self.memory = WishboneMemory(bus or bus_of(dut), dut.clk, dut.rst, self.port, **options)
        self.master = Master(dut)
        self.every = (1 << self.master.size) - 1
        self.rng = random.Random(random.getrandbits(32))
