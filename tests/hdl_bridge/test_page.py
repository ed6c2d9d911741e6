"""The examples of the page on the HDL bridge do what it says."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

from hdl_bridge.probe import SOURCE
from hdl_bridge.simulation import run
from hdl_bridge.simulators import available
from testbenches.designs import SG_DMA, SG_DMA_NATIVE, WB_MASTER, Design

PAGE = Path(__file__).parents[2] / "docs" / "hdl-bridge.md"
HERE = Path(__file__).parent
DESIGNS = {
    design.top: design
    for design in (
        SG_DMA,
        SG_DMA_NATIVE,
        WB_MASTER,
        Design("axi_wires", (SOURCE, HERE / "axi_wires.sv")),
        Design("wb_slave", (HERE / "wb_slave.sv",)),
    )
}
EXAMPLES = re.findall(r"<!-- runs on (\w+) -->\n```python\n(.*?)```", PAGE.read_text(), re.DOTALL)


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_each_example_passes(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    top, code = EXAMPLES[number]
    design = DESIGNS[top]
    simulators = [each for each in available() if design.builds_with(each)]
    if not simulators:
        pytest.skip(f"no simulator here builds {top}")
    module = f"example_{number}"
    (tmp_path / f"{module}.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    run(simulators[0], top, design.sources, module)


def test_every_block_of_code_is_run() -> None:
    assert PAGE.read_text().count("```python") == len(EXAMPLES) > 4


def test_what_the_page_shows_of_axuser_is_true() -> None:
    results = doctest.testfile(str(PAGE), module_relative=False)
    assert (results.attempted, results.failed) == (3, 0)
