from __future__ import annotations

import importlib.metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cocotbext.axi import AxiSlaveRead, AxiSlaveWrite

from hdl_bridge.axi import TESTED_VERSION, attach
from hdl_bridge.probe import SOURCE
from hdl_bridge.simulation import run
from hdl_bridge.simulators import available
from testbenches.designs import SG_DMA
from tests.hdl_bridge.axi_bench import SUBORDINATE

if TYPE_CHECKING:
    from hdl_bridge.simulators import Simulator
    from vtd_plugin.bus import Platform

WIRES = Path(__file__).parent / "axi_wires.sv"


on_all_simulators = pytest.mark.parametrize(
    "simulator", available(), ids=lambda each: str(each.kind)
)


def run_over_wires(simulator: Simulator, module: str, width: int, **options: Any) -> None:
    run(
        simulator,
        "axi_wires",
        [SOURCE, WIRES],
        f"tests.hdl_bridge.{module}",
        parameters={"DATA_WIDTH": width},
        **{"seed": 1, **options},
    )


@pytest.mark.parametrize(
    ("subordinate", "width"),
    [("AxiRam", 32), ("AxiRam", 64), ("AxiSlave", 32), ("AxiMemory", 32), ("AxiMemory", 128)],
)
@on_all_simulators
def test_a_port_behind_axi(simulator: Simulator, subordinate: str, width: int) -> None:
    run_over_wires(simulator, "cocotb_axi", width, env={SUBORDINATE: subordinate})


@pytest.mark.parametrize(
    ("subordinate", "width"),
    [("AxiRam", 32), ("AxiRam", 64), ("AxiMemory", 32), ("AxiMemory", 128)],
)
@pytest.mark.parametrize("module", ["cocotb_axi_signals", "cocotb_axi_errors"])
@on_all_simulators
def test_odd_buses_and_errors(
    simulator: Simulator, module: str, subordinate: str, width: int
) -> None:
    run_over_wires(simulator, module, width, env={SUBORDINATE: subordinate})


@pytest.mark.parametrize(("width", "seed"), [(32, 1), (32, 2), (128, 3)])
@on_all_simulators
def test_our_own_memory(simulator: Simulator, width: int, seed: int) -> None:
    env = {SUBORDINATE: "AxiMemory"}
    run_over_wires(simulator, "cocotb_axi_memory", width, seed=seed, env=env)


@pytest.mark.parametrize("width", [32, 64])
@on_all_simulators
def test_our_own_memory_behind_axi4_lite(simulator: Simulator, width: int) -> None:
    run_over_wires(simulator, "cocotb_axi_lite_dma", width)


@pytest.mark.parametrize(("width", "slots", "seed"), [(32, 4, 1), (128, 7, 2)])
@on_all_simulators
def test_our_own_memory_with_a_master_in_rtl(
    simulator: Simulator, width: int, slots: int, seed: int
) -> None:
    run(
        simulator,
        SG_DMA.top,
        SG_DMA.sources,
        "tests.hdl_bridge.cocotb_axi_engine",
        parameters={"DATA_WIDTH": width, "SLOTS": slots},
        seed=seed,
    )


@on_all_simulators
def test_the_memory_of_a_stock_slave(simulator: Simulator) -> None:
    run_over_wires(simulator, "cocotb_axi_stock", 32)


@pytest.mark.parametrize("width", [32, 64])
@on_all_simulators
def test_registers_behind_axi_lite(simulator: Simulator, width: int) -> None:
    run_over_wires(simulator, "cocotb_axi_lite", width)


@pytest.mark.parametrize(("width", "seed"), [(32, 1), (128, 2)])
@on_all_simulators
def test_registers_behind_axi(simulator: Simulator, width: int, seed: int) -> None:
    run_over_wires(simulator, "cocotb_axi_registers", width, seed=seed)


@pytest.mark.parametrize("width", [32, 128])
@on_all_simulators
def test_registers_behind_an_axi_master_in_rtl(simulator: Simulator, width: int) -> None:
    run(
        simulator,
        SG_DMA.top,
        SG_DMA.sources,
        "tests.hdl_bridge.cocotb_axi_registers_engine",
        parameters={"DATA_WIDTH": width, "SLOTS": {32: 4, 128: 7}[width]},
        seed=1,
    )


def test_what_is_no_axi_slave_is_refused(platform: Platform) -> None:
    with pytest.raises(TypeError, match="is no AxiRam or AxiSlave"):
        attach(object(), platform.requester("00:04.0"))


def test_the_release_of_cocotbext_axi_is_the_one_that_is_known() -> None:
    assert importlib.metadata.version("cocotbext-axi") == TESTED_VERSION


@pytest.mark.parametrize("direction", ["write", "read"])
def test_a_cocotbext_axi_of_another_build_is_refused_by_its_version(
    platform: Platform, direction: str
) -> None:
    kind = {"write": AxiSlaveWrite, "read": AxiSlaveRead}[direction]
    with pytest.raises(RuntimeError, match=r"cocotbext-axi 0\.\d+\.\d+ has no .*channel\.recv"):
        attach(kind.__new__(kind), platform, "00:04.0")
