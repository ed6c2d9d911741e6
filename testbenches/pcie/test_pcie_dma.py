"""Runs the PCIe DMA engines."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from hdl_bridge.simulation import run
from hdl_bridge.simulators import available
from testbenches.designs import Design
from testbenches.pcie.cocotb_pcie_soak import SEEDS

if TYPE_CHECKING:
    import pytest

_RTL: Final = Path(__file__).parent.parent / "rtl"

PCIE_DMA: Final = Design(
    "tb_pcie_dma",
    (
        _RTL / "pcie_dma_receiver.sv",
        _RTL / "pcie_dma_sender.sv",
        _RTL / "pcie_dma.sv",
        _RTL / "tb_pcie_dma.sv",
    ),
)


def test_engines_behind_a_unit(seed: int) -> None:
    """Time goes into the models in Python, so one simulator is enough."""
    run(
        available()[0],
        PCIE_DMA.top,
        PCIE_DMA.sources,
        "testbenches.pcie.cocotb_pcie_dma",
        seed=seed,
    )


def test_soak(request: pytest.FixtureRequest) -> None:
    """All seeds in one simulation: a new root complex for each costs less than a simulation."""
    first, number = (request.config.getoption(name) for name in ("--first-seed", "--seeds"))
    run(
        available()[0],
        PCIE_DMA.top,
        PCIE_DMA.sources,
        "testbenches.pcie.cocotb_pcie_soak",
        seed=first,
        env={SEEDS: f"{first}:{number}"},
        timeout=600 + 10 * number,
    )
