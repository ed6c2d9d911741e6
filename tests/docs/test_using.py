"""What the page on one's own project shows is so."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "using.md"


def _section(heading: str) -> str:
    return PAGE.read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def _block(heading: str, language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", _section(heading), re.DOTALL)
    assert found is not None, f"no {language} under {heading!r}"
    return found[1]


def _python(program: str) -> str:
    done = subprocess.run(  # noqa: S603  what the page says
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_memory_of_ones_own_is_shared() -> None:
    assert _python(_block("Memory of your own", "python")) == _block("Memory of your own", "text")


def test_rtl_is_where_the_page_says() -> None:
    commands = _block("A testbench of your own", "sh").splitlines()
    programs = [shlex.split(command)[2] for command in commands]
    paths = [Path(path) for program in programs for path in _python(program).split()]
    assert {"vtd_probe.sv", "bus_probe.sv", "axi_native_memory.sv"} <= {path.name for path in paths}
    assert [path for path in paths if not path.exists()] == []
