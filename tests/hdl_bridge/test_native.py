from __future__ import annotations

from pathlib import Path

import pytest

from hdl_bridge.native import SOURCES
from hdl_bridge.simulation import SimulationFailed, build, run
from hdl_bridge.simulators import Simulator, SimulatorKind, available

WIRES = Path(__file__).parent / "native_wires.sv"
NATIVE = [each for each in available() if each.kind is SimulatorKind.VERILATOR]


@pytest.mark.parametrize("width", [32, 128])
@pytest.mark.parametrize("simulator", NATIVE, ids=lambda each: str(each.kind))
def test_over_bare_wires(simulator: Simulator, width: int) -> None:
    run(
        simulator,
        "native_wires",
        [*SOURCES, WIRES],
        "tests.hdl_bridge.cocotb_native",
        parameters={"DATA_WIDTH": width},
        seed=1,
    )


@pytest.mark.parametrize(
    ("parameter", "value", "allowed"),
    [
        ("PORT", 16, "0 to 15"),
        ("PORT", -1, "0 to 15"),
        ("DATA_WIDTH", 24, "a power of two, 8 to 1024"),
        ("DATA_WIDTH", 2048, "a power of two, 8 to 1024"),
        ("USER_WIDTH", 65, "1 to 64"),
        ("LINES", 1, "a power of two from 2 on"),
        ("LINES", 48, "a power of two from 2 on"),
        ("ADDR_WIDTH", 17, r"12 \+ log2\(LINES\) to 64"),
    ],
)
@pytest.mark.parametrize("simulator", NATIVE, ids=lambda each: str(each.kind))
def test_a_parameter_out_of_its_range_is_told_when_it_is_built(
    simulator: Simulator, parameter: str, value: int, allowed: str, tmp_path: Path
) -> None:
    with pytest.raises(SimulationFailed, match=f"{parameter}={value} of .*: {allowed}"):
        build(
            simulator,
            "axi_native_memory",
            SOURCES,
            parameters={parameter: value},
            build_root=tmp_path,
        )


@pytest.mark.parametrize("simulator", NATIVE, ids=lambda each: str(each.kind))
def test_two_instances_with_one_number_are_told_when_it_starts(simulator: Simulator) -> None:
    with pytest.raises(SimulationFailed, match="ended prematurely") as failure:
        run(
            simulator,
            "native_wires",
            [*SOURCES, WIRES],
            "tests.hdl_bridge.cocotb_native",
            parameters={"TWINS": 1},
            seed=1,
        )
    assert "two axi_native_memory have PORT=3" in failure.value.log.read_text()


def test_only_verilator_builds_it(tmp_path: Path) -> None:
    icarus = Simulator(SimulatorKind.ICARUS, "11.0")
    with pytest.raises(ValueError, match=r"icarus cannot build axi_native\.cpp"):
        build(icarus, "native_wires", [*SOURCES, WIRES], build_root=tmp_path)


@pytest.mark.parametrize("simulator", NATIVE, ids=lambda each: str(each.kind))
def test_an_instance_that_nobody_answers_for_says_so(simulator: Simulator) -> None:
    with pytest.raises(SimulationFailed, match="nobody answers") as failure:
        run(
            simulator,
            "native_wires",
            [*SOURCES, WIRES],
            "tests.hdl_bridge.cocotb_native_alone",
            parameters={"DATA_WIDTH": 32},
        )
    log = failure.value.log.read_text()
    assert log.count("PORT=3: no hdl_bridge.native.NativeMemory answers") == 1
