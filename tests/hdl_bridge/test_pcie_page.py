"""What the page on PCIe shows, and the example it names, do what they say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hdl_bridge.simulation import run
from hdl_bridge.simulators import available

PAGE = Path(__file__).parents[2] / "docs" / "pcie.md"
TOP = Path(__file__).parent / "pcie_top.sv"
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_each_example_passes(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = f"example_pcie_{number}"
    (tmp_path / f"{module}.py").write_text(EXAMPLES[number])
    monkeypatch.syspath_prepend(tmp_path)
    run(available()[0], "pcie_top", [TOP], module)


def test_every_block_of_code_is_run() -> None:
    assert PAGE.read_text().count("```python") == len(EXAMPLES) > 1


def test_a_testbench_passes_before_and_after_attaching() -> None:
    outcomes = run(available()[0], "pcie_top", [TOP], "examples.pcie_endpoint.cocotb_endpoint")
    assert [outcome.name.rpartition(".")[2] for outcome in outcomes] == ["before", "after"]
