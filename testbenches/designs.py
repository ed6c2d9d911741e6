"""The designs of the testbenches: which files make up each top."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hdl_bridge import native
from hdl_bridge.simulators import Simulator, SimulatorKind
from vtd_plugin.cosim import SOURCES

_RTL: Final = Path(__file__).parent / "rtl"


@dataclass(frozen=True, slots=True)
class Design:
    """A top module and all files that it needs."""

    top: str
    sources: tuple[Path, ...]

    def builds_with(self, simulator: Simulator) -> bool:
        """Whether a simulator can build it: only Verilator takes C++."""
        has_c = any(source.suffix == ".cpp" for source in self.sources)
        return simulator.kind is SimulatorKind.VERILATOR or not has_c


NVME_LITE: Final = Design(
    "tb_nvme_lite",
    (
        _RTL / "axil_target.sv",
        _RTL / "axi_burst_port.sv",
        _RTL / "nvme_lite_identify.sv",
        _RTL / "nvme_lite_registers.sv",
        _RTL / "nvme_lite.sv",
        *SOURCES,
        _RTL / "tb_nvme_lite.sv",
    ),
)
"""A small NVMe controller (`rtl/nvme_lite.sv`)."""

NVME_LITE_NATIVE: Final = Design(
    "tb_nvme_lite_native",
    (
        *native.SOURCES,
        *(path for path in NVME_LITE.sources if path.stem != "tb_nvme_lite"),
        _RTL / "tb_nvme_lite_native.sv",
    ),
)
"""The same controller on a native memory, for Verilator."""

SG_DMA: Final = Design(
    "tb_sg_dma",
    (
        _RTL / "axil_target.sv",
        _RTL / "sg_dma_slots.sv",
        _RTL / "sg_dma_registers.sv",
        _RTL / "sg_dma.sv",
        *SOURCES,
        _RTL / "tb_sg_dma.sv",
    ),
)
"""A scatter-gather engine (`rtl/sg_dma.sv`)."""

SG_DMA_NATIVE: Final = Design(
    "tb_sg_dma_native",
    (
        *native.SOURCES,
        *(path for path in SG_DMA.sources if path.stem != "tb_sg_dma"),
        _RTL / "tb_sg_dma_native.sv",
    ),
)
"""The same engine on a native memory, for Verilator."""

WB_MASTER: Final = Design(
    "tb_wb_master", (_RTL / "wb_master.sv", *SOURCES, _RTL / "tb_wb_master.sv")
)
"""A Wishbone master that does what it is told (`rtl/wb_master.sv`)."""
