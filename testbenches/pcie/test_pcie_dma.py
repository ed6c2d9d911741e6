"""Runs the PCIe DMA engines."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pywellen import Waveform

from hdl_bridge.simulation import run
from hdl_bridge.simulators import Simulator, available
from testbenches import soak_seeds
from testbenches.designs import Design
from testbenches.pcie.cocotb_pcie_dma import DESTINATION, PAGE, SOURCE
from vtd_plugin.cosim import SOURCES

_RTL: Final = Path(__file__).parent.parent / "rtl"

PCIE_DMA: Final = Design(
    "tb_pcie_dma",
    (
        _RTL / "pcie_dma_receiver.sv",
        _RTL / "pcie_dma_sender.sv",
        _RTL / "pcie_dma.sv",
        *SOURCES,
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


def test_waveforms_show_what_each_engine_asks_for(tmp_path: Path) -> None:
    """Both use the same addresses, and lead elsewhere; only the first runs into a missing page."""
    simulator = available()[0]
    path = tmp_path / f"waves{simulator.waves_suffix}"
    testcase = "test_a_page_that_is_not_mapped_ends_a_copy_with_ur_and_is_reported"
    run(
        simulator,
        PCIE_DMA.top,
        PCIE_DMA.sources,
        "testbenches.pcie.cocotb_pcie_dma",
        testcase=testcase,
        seed=1,
        waves=path,
    )
    variables = {variable.full_name: variable for variable in Waveform(str(path)).all_vars()}

    def values(name: str) -> list[int]:
        return [value for _, value in variables[f"{PCIE_DMA.top}.{name}"].signal]

    first, second = ({*values(f"{name}_probe.request_iova")} for name in "ab")
    assert {SOURCE + PAGE - 64, SOURCE + PAGE, DESTINATION} < first & second
    first, second = ({*values(f"{name}_probe.request_address")} - {0} for name in "ab")
    assert first
    assert second
    assert not first & second
    assert values("a_probe.fault_iova")[:2] == [0, SOURCE + PAGE]
    assert values("b_probe.faults") == [0]
    for name in "ab":
        assert values(f"{name}_probe.remapped") == [0, 1]


def test_soak(simulator: Simulator, seeds: range) -> None:
    """All seeds in one simulation: a new root complex for each costs less than a simulation."""
    run(
        simulator,
        PCIE_DMA.top,
        PCIE_DMA.sources,
        "testbenches.pcie.cocotb_pcie_soak",
        seed=seeds.start,
        env=soak_seeds.environment(seeds),
        timeout=600 + 10 * len(seeds),
    )
