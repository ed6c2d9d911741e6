"""`vtd spec` prints the tables that the model works with."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from vtd_plugin.cli import app
from vtd_plugin.cli.spec import TableName
from vtd_plugin.encodings.spec import rows

RUNNER = CliRunner()

PROSE = {"condition", "meaning", "note"}
"""The columns that have sentences in them."""


def _output(*arguments: str, columns: int | None = None) -> str:
    env = {"COLUMNS": None if columns is None else str(columns)}
    result = RUNNER.invoke(app, ["spec", *arguments], env=env)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.parametrize("table", TableName)
def test_csv_has_the_rows_and_the_column_names(table: TableName) -> None:
    assert list(csv.DictReader(io.StringIO(_output(table, "--format", "csv")))) == rows(table.value)


@pytest.mark.parametrize("table", TableName)
def test_json_has_the_rows(table: TableName) -> None:
    assert json.loads(_output(table, "--format", "json")) == rows(table.value)


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("table", TableName)
def test_table_keeps_to_the_width_and_breaks_between_words(table: TableName, width: int) -> None:
    printed = _output(table, columns=width)
    assert max(map(len, printed.splitlines())) <= width
    words = " ".join(printed.split())
    for row in rows(table.value):
        assert all(" ".join(row[name].split()) in words for name in row.keys() & PROSE)


@pytest.mark.parametrize("table", TableName)
def test_table_has_whole_lines_in_a_pipe_that_has_no_width(table: TableName) -> None:
    printed = subprocess.run(  # noqa: S603  our own script
        [Path(sys.executable).with_name("vtd"), "spec", table],
        env={name: value for name, value in os.environ.items() if name != "COLUMNS"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    lines = printed.split("\n")
    for row in rows(table.value):
        for name in row.keys() & PROSE:
            assert any(line.endswith(row[name]) for line in lines)


def test_fields_stand_under_their_register_from_the_top_bit_down() -> None:
    lines = _output("registers", columns=80).splitlines()
    start = lines.index("GCMD, at 0x018, 32 bits, section 11.4.4.1")
    assert lines[start + 1 : start + 7] == [
        "  31       TE          WO      0      read value undefined; read-modify-write",
        "                                      GSTS & 0x96FFFFFF",
        "  30       SRTP        WO      0      one-shot",
        "  29       SFL         WO      0      one-shot; rev<=3.x; RsvdZ in rev 5.x",
        "                                      requires CAP.AFL",
        "                                      not in revision 5.10",
    ]


def test_a_fault_says_what_each_kind_of_request_is_answered() -> None:
    lines = [line.strip() for line in _output("faults", columns=80).splitlines()]
    assert _answers(lines, "LRT.2") == "ut UR / -, tr UR / -, td UR / -"
    assert _answers(lines, "SPD.2") == "ut UR, tr S0, td UR, pr IR / drop, qualified"


def _answers(lines: list[str], condition: str) -> str:
    (number,) = [number for number, line in enumerate(lines) if condition in line.split()[1:2]]
    return lines[number + 1]


def test_csv_lines_end_as_other_text_does() -> None:
    assert "\r" not in _output("dmar", "--format", "csv")


@pytest.mark.parametrize("arguments", [["colours"], ["faults", "--format", "xml"]])
def test_unknown_words_are_named_with_what_is_allowed(arguments: list[str]) -> None:
    result = RUNNER.invoke(app, ["spec", *arguments])
    assert result.exit_code == 2
    assert f"'{arguments[-1]}'" in result.stderr
    assert ("registers" if len(arguments) == 1 else "csv") in result.stderr
