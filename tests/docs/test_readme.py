"""The examples of the readme are run as they stand there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from textwrap import indent

import pytest

from benchmarks import cosim
from benchmarks.translate import contests
from hdl_bridge.simulation import run
from hdl_bridge.simulators import Simulator, available
from testbenches.designs import SG_DMA

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"


BENCH = """

import cocotb
from examples.axi_testbench.testbench import DONE, ERROR, TB


@cocotb.test
async def copies(dut):
    tb = TB(dut)
{lines}
    domain.map(0x1000, 0x1000, 0x1000)
    await tb.reset()
    tb.axi_ram.write(0x10_0000, b"through the tables")
    assert await tb.copy(0x1000, 0x8000_0000, 0x8000_2000, 18) & DONE
    assert tb.axi_ram.read(0x10_2000, 18) == b"through the tables"
    assert await tb.copy(0x1000, 0x8000_0000, 0x9000_0000, 18) & ERROR
    assert [str(fault) for fault in driver.handle_faults()] == {faults}
"""


def _section(heading: str) -> str:
    return README.read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def _blocks(heading: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", _section(heading), re.DOTALL)


def _block(heading: str, language: str) -> str:
    (block,) = _blocks(heading, language)
    return block


def _python(*arguments: str | Path) -> str:
    done = subprocess.run(  # noqa: S603  what the readme says
        [sys.executable, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_platform_simulator_prints_what_is_shown() -> None:
    printed = _python("-W", "error", "-c", _block("For a platform simulator", "python"))
    assert printed == _block("For a platform simulator", "text")


def test_the_test_of_a_driver_passes(tmp_path: Path) -> None:
    path = tmp_path / "test_readme_driver.py"
    path.write_text(_block("For tests of a driver", "python"))
    assert "1 passed" in _python("-m", "pytest", "-q", "-p", "no:cacheprovider", path)


@pytest.mark.parametrize("simulator", available(), ids=lambda each: str(each.kind))
def test_the_testbench_passes(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    function, lines = _blocks("For an HDL testbench", "python")
    faults = _block("For an HDL testbench", "text").splitlines()
    bench = BENCH.format(lines=indent(lines, "    "), faults=faults)
    (tmp_path / "readme_testbench.py").write_text(function + bench)
    monkeypatch.syspath_prepend(tmp_path)
    run(simulator, SG_DMA.top, SG_DMA.sources, "readme_testbench", timeout=120)


def _rows(table: str) -> list[list[str]]:
    """The cells of a table's rows, without its heading."""
    rows = [line for line in table.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows[2:]]


def test_figures_are_named_as_the_benchmarks_name_them() -> None:
    translation, simulation = _section("Figures").split("In co-simulation an RTL master")
    measured = {(contest.subject, contest.rival) for contest in contests(walks=1, transfers=1)}
    assert {(row[0], row[2]) for row in _rows(translation)} <= measured
    assert {row[0] for row in _rows(simulation)} <= set(cosim.SUBJECTS)
