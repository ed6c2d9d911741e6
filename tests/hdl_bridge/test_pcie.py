"""The bridge to cocotbext-pcie, with endpoints in Python."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cocotbext.pcie.core import MemoryEndpoint, RootComplex

from hdl_bridge.pcie import FunctionReset, attach, route_msi
from hdl_bridge.simulation import run
from hdl_bridge.simulators import available

if TYPE_CHECKING:
    from vtd_plugin.bus import Platform

TOP = Path(__file__).parent / "pcie_top.sv"


@pytest.mark.parametrize("theme", ["", "_functions", "_order", "_topology", "_vtd"])
def test_endpoints_in_python(theme: str) -> None:
    run(available()[0], "pcie_top", [TOP], f"tests.hdl_bridge.cocotb_pcie{theme}", seed=1)


def test_what_is_no_root_complex_is_refused(platform: Platform) -> None:
    with pytest.raises(TypeError, match="is no RootComplex"):
        attach(object(), platform)
    with pytest.raises(TypeError, match="is no RootComplex"):
        route_msi(object(), platform)


def test_what_is_no_function_is_refused() -> None:
    with pytest.raises(TypeError, match="is no Function of cocotbext-pcie"):
        FunctionReset("endpoint", object())
    moved = object.__new__(MemoryEndpoint)
    with pytest.raises(RuntimeError, match=r"has no MemoryEndpoint\.tag_active, which"):
        FunctionReset("endpoint", moved)


def test_a_function_is_reset_by_one() -> None:
    function = MemoryEndpoint()
    FunctionReset("endpoint", function)
    with pytest.raises(ValueError, match="has a FunctionReset already"):
        FunctionReset("again", function)


@pytest.mark.parametrize(("hold", "error"), [(-1, ValueError), (0.5, TypeError), (True, TypeError)])
def test_the_time_of_tags_is_checked(hold: int, error: type[Exception]) -> None:
    with pytest.raises(error, match=f"hold={hold}"):
        FunctionReset("endpoint", MemoryEndpoint(), hold=hold)


def test_a_cocotbext_pcie_of_another_build_is_refused_by_its_version(platform: Platform) -> None:
    moved = object.__new__(RootComplex)
    with pytest.raises(RuntimeError, match=r"cocotbext-pcie 0\.\d+\.\d+ has no .*switch_ports"):
        attach(moved, platform)
    with pytest.raises(RuntimeError, match=r"cocotbext-pcie 0\.\d+\.\d+ has no .*msi_"):
        route_msi(moved, platform)
