"""`vtd spec` prints the tables that the model works with."""

from __future__ import annotations

import csv
import io
import json

import pytest
from typer.testing import CliRunner

from vtd_plugin.cli import app
from vtd_plugin.cli.spec import TableName
from vtd_plugin.encodings.spec import rows

RUNNER = CliRunner()


def _output(*arguments: str) -> str:
    result = RUNNER.invoke(app, ["spec", *arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.parametrize("table", TableName)
def test_csv_has_the_rows_and_the_column_names(table: TableName) -> None:
    assert list(csv.DictReader(io.StringIO(_output(table, "--format", "csv")))) == rows(table.value)


@pytest.mark.parametrize("table", TableName)
def test_json_has_the_rows(table: TableName) -> None:
    assert json.loads(_output(table, "--format", "json")) == rows(table.value)


@pytest.mark.parametrize("table", TableName)
def test_table_cuts_no_text_where_there_is_no_terminal(table: TableName) -> None:
    printed = _output(table)
    for row in rows(table.value):
        for text in row.values():
            assert text in printed


def test_csv_lines_end_as_other_text_does() -> None:
    assert "\r" not in _output("dmar", "--format", "csv")


@pytest.mark.parametrize("arguments", [["colours"], ["faults", "--format", "xml"]])
def test_unknown_words_are_named_with_what_is_allowed(arguments: list[str]) -> None:
    result = RUNNER.invoke(app, ["spec", *arguments])
    assert result.exit_code == 2
    assert f"'{arguments[-1]}'" in result.stderr
    assert ("registers" if len(arguments) == 1 else "csv") in result.stderr
