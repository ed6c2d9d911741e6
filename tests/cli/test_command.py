"""The `vtd` command as a whole, and as it is installed."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from typer.testing import CliRunner

from vtd_plugin.cli import app

RUNNER = CliRunner()


def test_version_is_that_of_the_package() -> None:
    result = RUNNER.invoke(app, ["--version"])
    assert result.stdout == f"vtd {version('vtd-plugin')}\n"
    assert result.exit_code == 0


def test_help_names_the_commands() -> None:
    result = RUNNER.invoke(app, ["--help"])
    assert result.exit_code == 0
    assert {"spec", "replay"} <= set(result.stdout.split())


def test_unknown_command_is_named_without_a_traceback() -> None:
    result = RUNNER.invoke(app, ["explode"])
    assert result.exit_code == 2
    assert "explode" in result.stderr
    assert "Traceback" not in result.stderr


def test_installed_script_runs() -> None:
    script = Path(sys.executable).with_name("vtd")
    run = subprocess.run(  # noqa: S603  our own script
        [script, "spec", "dmar", "--format", "csv"], capture_output=True, text=True, check=True
    )
    assert run.stdout.startswith("structure,offset_bytes,size_bytes,field,note\nDMAR_header,0,4,")
