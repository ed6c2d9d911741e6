"""The example in the documentation of the hooks does what it says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from vtd_plugin.bus.hooks import HookSpecs

PAGE = Path(__file__).parents[2] / "docs" / "hooks.md"


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found is not None
    return found[1]


def test_the_example_prints_what_the_page_shows() -> None:
    command = [sys.executable, "-W", "error", "-c", block("python")]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603
    assert run.stderr == ""
    assert run.stdout == block("text")


def test_every_hook_is_on_the_page() -> None:
    hooks = [name for name in vars(HookSpecs) if name.startswith("vtd_plugin_")]
    assert [name for name in hooks if f"| `{name}(" not in PAGE.read_text()] == []
    assert len(hooks) == 4
