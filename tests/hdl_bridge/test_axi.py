from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from hdl_bridge.axi import attach
from hdl_bridge.probe import SOURCE
from hdl_bridge.simulation import run
from hdl_bridge.simulators import available

if TYPE_CHECKING:
    from hdl_bridge.simulators import Simulator
    from vtd_plugin.bus import Platform

WIRES = Path(__file__).parent / "axi_wires.sv"


@pytest.mark.parametrize("width", [32, 64])
@pytest.mark.parametrize("module", ["cocotb_axi", "cocotb_axi_lite"])
@pytest.mark.parametrize("simulator", available(), ids=lambda each: str(each.kind))
def test_over_bare_wires(simulator: Simulator, module: str, width: int) -> None:
    run(
        simulator,
        "axi_wires",
        [SOURCE, WIRES],
        f"tests.hdl_bridge.{module}",
        parameters={"DATA_WIDTH": width},
        seed=1,
    )


def test_what_is_no_axi_slave_is_refused(platform: Platform) -> None:
    with pytest.raises(TypeError, match="is no AxiRam or AxiSlave"):
        attach(object(), platform.requester("00:04.0"))


def test_a_platform_needs_a_source_id_and_a_port_has_one(platform: Platform) -> None:
    with pytest.raises(TypeError, match="needs a source_id"):
        attach(object(), platform)
    with pytest.raises(TypeError, match="one too many"):
        attach(object(), platform.requester("00:04.0"), "00:04.0")


def test_an_unknown_fault_response_is_refused(platform: Platform) -> None:
    with pytest.raises(ValueError, match="EXOKAY"):
        attach(object(), platform, "00:04.0", on_fault="EXOKAY")


@pytest.mark.parametrize("direction", ["write", "read"])
def test_a_cocotbext_axi_of_another_build_is_refused_by_its_version(
    platform: Platform, direction: str
) -> None:
    moved = SimpleNamespace(read_if=None, write_if=None)
    setattr(moved, f"{direction}_if", SimpleNamespace())
    with pytest.raises(RuntimeError, match=r"cocotbext-axi 0\.\d+\.\d+ has no .*channel\.recv"):
        attach(moved, platform, "00:04.0")
