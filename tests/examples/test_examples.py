"""The examples run, and do what they say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from hdl_bridge.simulation import run
from hdl_bridge.simulators import Simulator, available
from testbenches.designs import SG_DMA

ROOT = Path(__file__).parents[2]


def _python(*arguments: str) -> str:
    """Run an example as its first lines say; what it prints."""
    done = subprocess.run(  # noqa: S603  our own programs
        [sys.executable, "-W", "error", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_platform_simulator_boots_before_the_unit_is_on_and_after_it_was() -> None:
    assert _python("examples/platform_simulator.py").splitlines() == [
        "firmware reads b'boot'",
        "the system reads b'data'",
        "a wild read fails b'boot'",
        "fault LGN.2 (0x05): 00:1f.2 write at 0x7000: Write or AtomicOp without write permission",
        "firmware reads b'data' after the reset",
        "interrupts [49, 49, 49, 49]",
    ]


def test_driver_code_is_tested_against_the_unit() -> None:
    printed = _python("-m", "pytest", "-q", "examples/test_dma_buffers.py")
    assert "3 passed" in printed


@pytest.mark.parametrize("simulator", available(), ids=lambda each: str(each.kind))
def test_an_axi_testbench_passes_before_and_after_attaching(simulator: Simulator) -> None:
    outcomes = run(simulator, SG_DMA.top, SG_DMA.sources, "examples.axi_testbench.cocotb_copy")
    assert [outcome.name.rpartition(".")[2] for outcome in outcomes] == [
        "before",
        "after",
        "a_page_that_is_not_mapped_stops_the_engine",
    ]
