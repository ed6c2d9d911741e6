"""The examples of the page on the HDL bridge do what it says."""

from __future__ import annotations

import doctest
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from pywellen import Waveform

from hdl_bridge.probe import SOURCE
from hdl_bridge.simulation import run
from hdl_bridge.simulators import SimulatorKind, available
from testbenches.designs import SG_DMA, SG_DMA_NATIVE, WB_MASTER, Design
from vtd_plugin.cosim import SOURCES

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
FILES = dict(
    re.findall(
        r"<!-- file (\w+(?:\.py)?) -->\n(?:<!-- runs on \w+ -->\n)?```\w+\n(.*?)```",
        PAGE.read_text(),
        re.DOTALL,
    )
)
"""Files of a project of one's own, by their names."""
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
    programs = {code for _, code in EXAMPLES} | {FILES[name] for name in FILES if ".py" in name}
    assert PAGE.read_text().count("```python") == len(programs) > 4


def test_what_the_page_shows_of_axuser_is_true() -> None:
    results = doctest.testfile(str(PAGE), module_relative=False)
    assert (results.attempted, results.failed) == (3, 0)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of one's own, with all files that the page shows."""
    (tmp_path / "rtl").mkdir()
    for source in SG_DMA.sources:
        if source not in SOURCES:
            shutil.copy(source, tmp_path / "rtl")
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def _run(project: Path, *command: str, **variables: str) -> str:
    """Run a command in a project, as if outside of any test, and return its output."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("COCOTB", "PYTEST", "HDL_BRIDGE", "VTD", "MAKE"))
    }
    environment |= variables
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    ended = subprocess.run(  # noqa: S603
        command, cwd=project, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def _values(waves: Path, signal: str) -> list[int]:
    (found,) = [each for each in Waveform(str(waves)).all_vars() if each.full_name == signal]
    return [value for _, value in found.signal]


ICARUS = pytest.mark.skipif(
    SimulatorKind.ICARUS not in [each.kind for each in available()], reason="no Icarus here"
)


@ICARUS
def test_the_makefile_and_the_runner_of_the_page_run_its_test(project: Path) -> None:
    _run(project, "make", "SIM=icarus", "WAVES=1", VTD_COVERAGE_FOLDER="coverage")
    _require_recorded(project / "sim_build" / "tb_sg_dma.fst", project)
    assert (project / "coverage" / "test_copy.json").exists()
    assert "Functional coverage" in _run(project, "vtd", "coverage", "coverage")
    _run(project, "pytest", "-q", "-p", "no:cacheprovider", "test_with_runner.py")
    _require_recorded(project / "runner_build" / "tb_sg_dma.fst", project / "runner_build")


def test_the_page_runs_its_test_without_a_runner(project: Path) -> None:
    _run(project, "pytest", "-q", "-p", "no:cacheprovider", "test_with_run.py")
    for simulator in available():
        _require_recorded(project / f"copy{simulator.waves_suffix}", project / "copy")


def _require_recorded(waves: Path, folder: Path) -> None:
    """Unit and port are in the waveforms, and the timeline of the test is in a folder."""
    for signal in ("unit.translation", "unit.root_table", "unit.queue", "probe.remapped"):
        assert _values(waves, f"tb_sg_dma.{signal}") == [0, 1]
    events = json.loads((folder / "a_copy_is_recorded.trace.json").read_text())
    drawn = Counter(event["name"] for event in events if event["ph"] == "X")
    assert {"page walk", "read", "write"} <= set(drawn)
    assert _values(waves, "tb_sg_dma.unit.walks")[-1] == drawn["page walk"]
