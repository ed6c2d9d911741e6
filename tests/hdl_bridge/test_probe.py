"""Who can be shown, and a port that leases; others are in the tests of their bridges."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hdl_bridge.pcie import PcieBridge
from hdl_bridge.probe import show
from hdl_bridge.simulation import run
from hdl_bridge.simulators import SimulatorKind, available
from testbenches.designs import SG_DMA_NATIVE

if TYPE_CHECKING:
    from vtd_plugin.bus import Platform

VERILATOR = [each for each in available() if each.kind is SimulatorKind.VERILATOR]


@pytest.mark.skipif(not VERILATOR, reason="no Verilator here")
def test_a_native_memory_is_shown() -> None:
    run(VERILATOR[0], SG_DMA_NATIVE.top, SG_DMA_NATIVE.sources, "tests.hdl_bridge.cocotb_probe")


def test_a_bridge_of_many_requesters_is_refused_and_so_is_no_source_id(platform: Platform) -> None:
    bridge = object.__new__(PcieBridge)
    with pytest.raises(
        TypeError, match=r"PcieBridge object at .* is neither a number nor a string"
    ):
        show(None, platform, bridge)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"source-id 0x10000 is not within"):
        show(None, platform, 1 << 16)
