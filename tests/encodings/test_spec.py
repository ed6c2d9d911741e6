from __future__ import annotations

import csv
from pathlib import Path
from typing import get_args

import pytest

from vtd_plugin.encodings.spec import Table, rows

DATA = Path(__file__).parent / "data"

TRANSCRIPTIONS: dict[Table, str] = {
    "registers": "registers.csv",
    "structures": "structures.csv",
    "faults": "fault_codes.csv",
    "queue-errors": "iqercd_codes.csv",
    "dmar": "dmar_acpi.csv",
}


def transcribed(table: Table) -> list[dict[str, str]]:
    """The architecture's table, transcribed by hand."""
    with (DATA / TRANSCRIPTIONS[table]).open(newline="") as lines:
        return list(csv.DictReader(lines))


@pytest.mark.parametrize("table", get_args(Table))
def test_the_classes_say_what_the_architecture_says(table: Table) -> None:
    assert rows(table) == transcribed(table)


@pytest.mark.parametrize("table", get_args(Table))
def test_columns_come_in_the_order_of_the_transcription(table: Table) -> None:
    orders = {tuple(row) for row in rows(table)}
    assert orders == {tuple(transcribed(table)[0])}


def test_unknown_tables_are_refused() -> None:
    with pytest.raises(ValueError, match="'fields' is none of the tables registers, structures"):
        rows("fields")  # type: ignore[arg-type]
