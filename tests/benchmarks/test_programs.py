"""The benchmark programs run and report; how fast anything is, no test says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hdl_bridge.simulation import BUILD_TIMEOUT
from hdl_bridge.simulators import Simulator, SimulatorKind, available

ROOT = Path(__file__).parents[2]


def _run(module: str, *arguments: str) -> str:
    run = subprocess.run(  # noqa: S603  our own program
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=BUILD_TIMEOUT,
        check=True,
    )
    return run.stdout


def _results(output: str) -> list[dict[str, Any]]:
    document = json.loads(output)
    assert document["machine"]["python"]
    results: list[dict[str, Any]] = document["results"]
    return results


def _require_figures(row: dict[str, Any]) -> None:
    for figure in (row["subject"]["ns"], row["rival"]["ns"], row["times_as_fast"]):
        assert 0 < figure["lower"] <= figure["median"] <= figure["upper"]


def test_translate_names_a_rival_for_each_figure() -> None:
    small = ("--repeats", "2", "--walks", "3", "--transfers", "1")
    results = _results(_run("benchmarks.translate", *small, "--json"))
    assert {row["rival"]["name"] for row in results} == {
        "dictionary look-up",
        "reference walker",
        "the same, untranslated",
        "copy of the bytes",
    }
    for row in results:
        _require_figures(row)


def test_translate_prints_a_table() -> None:
    printed = _run("benchmarks.translate", "--repeats", "1", "--walks", "1", "--transfers", "1")
    assert "IOTLB hit" in printed
    assert "reference walker" in printed


@pytest.mark.parametrize("simulator", available(), ids=lambda each: str(each.kind))
def test_cosim_compares_with_the_same_rtl_on_a_plain_ram(simulator: Simulator) -> None:
    small = ("--repeats", "1", "--length", "256", "--simulator", simulator.kind)
    results = _results(_run("benchmarks.cosim", *small, "--json"))
    assert {row["rival"]["name"] for row in results} == {"plain AxiRam"}
    subjects = [row["subject"]["name"].removeprefix(f"{simulator.kind}: ") for row in results]
    native = ["NativeMemory, translated"] if simulator.kind is SimulatorKind.VERILATOR else []
    assert subjects == [
        "AxiRam and attach, untranslated",
        "AxiRam and attach, translated",
        "AxiMemory, translated",
        *native,
        "no Python, memory in RTL",
    ]
    for row in results:
        _require_figures(row)


def test_cosim_refuses_a_copy_of_half_a_beat() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "benchmarks.cosim", "--length", "66"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 2
    assert "66 bytes are not a multiple of 4" in run.stderr
