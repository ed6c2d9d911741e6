"""Runs the DMA masters against memory models alone, before any IOMMU is blamed for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from hdl_bridge.simulation import run
from testbenches.designs import NVME_LITE, SG_DMA

if TYPE_CHECKING:
    from hdl_bridge.simulators import Simulator


@pytest.mark.parametrize("width", [32, 64])
def test_nvme_lite_alone(simulator: Simulator, width: int, seed: int) -> None:
    run(
        simulator,
        NVME_LITE.top,
        NVME_LITE.sources,
        "testbenches.cocotb_nvme_lite_alone",
        parameters={"DATA_WIDTH": width},
        seed=seed,
    )


@pytest.mark.parametrize(("width", "slots"), [(32, 4), (64, 7), (128, 1)])
def test_sg_dma_alone(simulator: Simulator, width: int, slots: int, seed: int) -> None:
    run(
        simulator,
        SG_DMA.top,
        SG_DMA.sources,
        "testbenches.cocotb_sg_dma_alone",
        parameters={"DATA_WIDTH": width, "SLOTS": slots},
        seed=seed,
    )
