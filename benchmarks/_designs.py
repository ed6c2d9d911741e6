"""The designs of the co-simulation benchmark beyond those of the testbenches."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from hdl_bridge.native import SOURCES
from testbenches.designs import SG_DMA, Design

_RTL: Final = Path(__file__).parent / "rtl"

ENGINE: Final = tuple(
    path for path in SG_DMA.sources if path.stem.startswith(("axil_target", "sg_dma"))
)
"""The files of sg_dma without its testbench."""

NATIVE: Final = Design("tb_sg_dma_native", (*SOURCES, *ENGINE, _RTL / "tb_sg_dma_native.sv"))
"""sg_dma on the native memory; for Verilator."""
