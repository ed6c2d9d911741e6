from __future__ import annotations

from pathlib import Path

import pytest

from hdl_bridge.native import SOURCES
from hdl_bridge.simulation import build, run
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


def test_only_verilator_builds_it(tmp_path: Path) -> None:
    icarus = Simulator(SimulatorKind.ICARUS, "11.0")
    with pytest.raises(ValueError, match=r"icarus cannot build axi_native\.cpp"):
        build(icarus, "native_wires", [*SOURCES, WIRES], build_root=tmp_path)
