from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hdl_bridge.simulation import run
from hdl_bridge.simulators import available
from testbenches.designs import SG_DMA

if TYPE_CHECKING:
    from hdl_bridge.simulators import Simulator


@pytest.mark.parametrize("simulator", available(), ids=lambda each: str(each.kind))
def test_software_waits_for_rtl(simulator: Simulator) -> None:
    run(simulator, SG_DMA.top, SG_DMA.sources, "tests.hdl_bridge.cocotb_waiting")
