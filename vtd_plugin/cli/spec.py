"""`vtd spec`: the architecture's tables, as the model has them.

What is printed is made from the classes the model works with, so it cannot differ from what the
model does. The tables themselves are in `vtd_plugin.encodings.spec`.
"""

from __future__ import annotations

import csv
import json
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from vtd_plugin.encodings import spec as tables

if TYPE_CHECKING:
    from collections.abc import Sequence


_WIDEST: Final = 10_000
"""More columns of characters than any table has."""


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
    """Print a table of the architecture."""
    rows = tables.rows(table.value)
    if output_format is Format.CSV:
        _print_csv(rows)
    elif output_format is Format.JSON:
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
    else:
        _print_table(table, rows)


def _print_csv(rows: Sequence[tables.Row]) -> None:
    writer = csv.DictWriter(sys.stdout, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)


def _print_table(name: TableName, rows: Sequence[tables.Row]) -> None:
    table = Table(title=f"{name.value}, {len(rows)} rows", title_justify="left")
    for column in rows[0]:
        table.add_column(column, overflow="fold")
    for row in rows:
        # Text, not markup: notes have bit ranges in brackets.
        table.add_row(*map(Text, row.values()))
    console = Console()
    if not console.is_terminal:
        # Whoever reads a pipe or a file wants whole lines, however long.
        console.width = _WIDEST
        console.width = console.measure(table).maximum
    console.print(table)
