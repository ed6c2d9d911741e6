"""What the page on PCIe shows, and the example it names, do what they say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from hdl_bridge.simulation import run
from hdl_bridge.simulators import available

if TYPE_CHECKING:
    import pytest

PAGE = Path(__file__).parents[2] / "docs" / "pcie.md"
TOP = Path(__file__).parent / "pcie_top.sv"


def test_the_example_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (tmp_path / "example_pcie.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    run(available()[0], "pcie_top", [TOP], "example_pcie")


def test_a_testbench_passes_before_and_after_attaching() -> None:
    outcomes = run(available()[0], "pcie_top", [TOP], "examples.pcie_endpoint.cocotb_endpoint")
    assert [outcome.name.rpartition(".")[2] for outcome in outcomes] == ["before", "after"]
