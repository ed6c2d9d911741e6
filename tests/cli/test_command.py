"""The `vtd` command as a whole, and as it is installed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import IO, Final

import pytest
from typer.testing import CliRunner

from vtd_plugin.cli import app

RUNNER = CliRunner()

VECTORS: Final = str(Path(__file__).parents[1] / "vectors" / "registers")

FULL: Final = Path("/dev/full")
"""A file with no space left in it."""


def test_version_is_that_of_the_package() -> None:
    result = RUNNER.invoke(app, ["--version"])
    assert result.stdout == f"vtd {version('vtd-plugin')}\n"
    assert result.exit_code == 0


def test_help_names_the_commands() -> None:
    result = RUNNER.invoke(app, ["--help"])
    assert result.exit_code == 0
    assert {"spec", "replay"} <= set(result.stdout.split())


@pytest.mark.parametrize("arguments", [["-h"], ["spec", "-h"], ["coverage", "-h"]])
def test_help_is_short_for_a_terminal_and_cuts_nothing(arguments: list[str]) -> None:
    result = RUNNER.invoke(app, arguments, env={"COLUMNS": "80"})
    assert result.exit_code == 0
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert not any(line.endswith("...") for line in result.stdout.splitlines()[1:])


def test_unknown_command_is_named_without_a_traceback() -> None:
    result = RUNNER.invoke(app, ["explode"])
    assert result.exit_code == 2
    assert "explode" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["spec", "nope"], ["'nope' is not one of 'registers'", "'dmar'"]),
        (["spec", "faults", "--format", "xml"], ["'--format': 'xml' is not one of 'table'"]),
        (["demo", "--seed", "odd"], ["'--seed': ", "a valid integer"]),
    ],
)
def test_a_wrong_value_is_named_with_those_there_are(
    arguments: list[str], words: list[str]
) -> None:
    result = RUNNER.invoke(app, arguments)
    assert result.exit_code == 2
    assert [word for word in words if word not in result.stderr] == []
    assert "Value error" not in result.stderr
    assert "Input should be" not in result.stderr


def test_installed_script_runs() -> None:
    run = _run(["spec", "dmar", "--format", "csv"], stdout=subprocess.PIPE)
    assert run.stdout.startswith("structure,offset_bytes,size_bytes,field,note\nDMAR_header,0,4,")
    assert run.returncode == 0


COMMANDS = [["--help"], ["spec", "faults"], ["spec", "faults", "--format=csv"], ["replay", VECTORS]]


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda each: each[-1].rpartition("/")[2])
def test_output_that_finds_no_space_ends_with_one_line(arguments: list[str]) -> None:
    with FULL.open("w") as full:
        run = _run(arguments, stdout=full)
    assert run.stderr == "error: the output cannot be written: No space left on device\n"
    assert run.returncode == 2


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda each: each[-1].rpartition("/")[2])
def test_output_that_nobody_reads_ends_the_command_as_others_end(arguments: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as unread:
        run = _run(arguments, stdout=unread)
    assert run.stderr == ""
    assert run.returncode == 128 + signal.SIGPIPE


def test_characters_that_the_output_does_not_have_are_escaped(tmp_path: Path) -> None:
    case = next(Path(VECTORS).glob("*.jsonl")).read_text().splitlines()[0]
    step = '{"op": "reg.read", "offset": "0x0", "size": "0x4", "expect": "0x0"}'
    path = tmp_path / "f\u00e4llt.jsonl"
    path.write_text(f"{case}\n{step}\n")
    run = _run(["replay", str(path)], stdout=subprocess.PIPE, PYTHONIOENCODING="ascii")
    assert run.stdout.startswith(f"{tmp_path}/f\\xe4llt.jsonl: line 2: ")
    assert run.returncode == 1


def test_an_error_that_finds_no_space_keeps_its_exit_status() -> None:
    with FULL.open("w") as full:
        run = _run(["replay", "/missing"], stdout=subprocess.DEVNULL, stderr=full)
    assert run.returncode == 2


def _run(
    arguments: list[str],
    *,
    stdout: IO[str] | int,
    stderr: IO[str] | int = subprocess.PIPE,
    **environment: str,
) -> subprocess.CompletedProcess[str]:
    script = Path(sys.executable).with_name("vtd")
    return subprocess.run(  # noqa: S603  our own script
        [script, *arguments],
        stdout=stdout,
        stderr=stderr,
        text=True,
        check=False,
        env=os.environ | environment,
    )
