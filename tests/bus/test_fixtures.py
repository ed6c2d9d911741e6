"""The fixtures are there for whoever asks for them, and for nobody else."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

NAMES = ("platform", "memory", "fake_unit", "interrupts")
ASKS = 'pytest_plugins = ["vtd_plugin.bus.fixtures"]\n'
USES = """\
def test_a_blocked_write_and_an_interrupt(platform, memory, fake_unit, interrupts):
    fake_unit.block(0x1000_0000)
    port = platform.requester("00:04.0")
    assert not port.write(0x1000_0000, b"data").ok
    assert memory.read(0x10_0000, 4) == bytes(4)
    assert port.write(0xFEE0_0000, bytes(4)).ok
    assert len(interrupts.messages) == 1
"""


def run_pytest(folder: Path, *arguments: str) -> str:
    """What pytest prints in a project of its own."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    done = subprocess.run(  # noqa: S603
        command, cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    return done.stdout


def test_a_project_that_asks_has_all_fixtures(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(ASKS)
    (tmp_path / "test_project.py").write_text(USES)
    assert "1 passed" in run_pytest(tmp_path)


def test_a_project_that_does_not_ask_has_none(tmp_path: Path) -> None:
    test = "def test_with_its_own_{0}({0}):\n    pass\n"
    (tmp_path / "test_project.py").write_text("".join(map(test.format, NAMES)))
    printed = run_pytest(tmp_path)
    assert [name for name in NAMES if f"fixture '{name}' not found" not in printed] == []
