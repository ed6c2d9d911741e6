"""`vtd spec`: the architecture's tables, as the model has them.

What is printed is made from the classes the model works with, so it cannot differ from what the
model does. The tables themselves are in `vtd_plugin.encodings.spec`.
"""

from __future__ import annotations

import csv
import json
from enum import StrEnum
from io import StringIO
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console

from vtd_plugin.cli.spec_page import page
from vtd_plugin.encodings import spec as tables

if TYPE_CHECKING:
    from collections.abc import Sequence

_WIDEST: Final = 10_000
"""More characters than any line has."""


class TableName(StrEnum):
    """The tables that can be printed."""

    REGISTERS = "registers"
    STRUCTURES = "structures"
    FAULTS = "faults"
    QUEUE_ERRORS = "queue-errors"
    DMAR = "dmar"


class Format(StrEnum):
    """The forms they can be printed in."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


def spec(
    table: Annotated[TableName, typer.Argument(help="Which table.", show_default=False)],
    output_format: Annotated[
        Format, typer.Option("--format", help="For people, spreadsheets or programs.")
    ] = Format.TABLE,
) -> None:
    """Print a table of the architecture.

    Registers, structures in memory, fault conditions, errors of the invalidation queue, or the
    ACPI DMAR table. Lines are as wide as the terminal; in a pipe they are whole, unless COLUMNS
    says how long they may be.
    """
    rows = tables.rows(table.value)
    if output_format is Format.CSV:
        _print_csv(rows)
    elif output_format is Format.JSON:
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    else:
        _print_page(table, rows)


def _print_csv(rows: Sequence[tables.Row]) -> None:
    lines = StringIO()
    writer = csv.DictWriter(lines, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    typer.echo(lines.getvalue(), nl=False)


def _print_page(table: TableName, rows: Sequence[tables.Row]) -> None:
    # Whoever reads a pipe or a file wants whole lines, unless COLUMNS says how long.
    width = get_terminal_size((_WIDEST, 0)).columns
    console = Console(highlight=False)
    for line in page(table.value, rows, width):
        console.print(line, soft_wrap=True)
