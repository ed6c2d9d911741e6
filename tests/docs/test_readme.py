"""The examples of the readme are run as they stand there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from hdl_bridge.simulation import run
from hdl_bridge.simulators import Simulator, available
from testbenches.designs import SG_DMA

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"


def _block(heading: str, language: str) -> str:
    section = README.read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    found = re.search(rf"```{language}\n(.*?)```", section, re.DOTALL)
    assert found is not None, f"no {language} under {heading!r}"
    return found[1]


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
    (tmp_path / "readme_testbench.py").write_text(_block("For an HDL testbench", "python"))
    monkeypatch.syspath_prepend(tmp_path)
    outcomes = run(simulator, SG_DMA.top, SG_DMA.sources, "readme_testbench", timeout=120)
    assert [outcome.name for outcome in outcomes] == ["readme_testbench.copies_behind_an_iommu"]
