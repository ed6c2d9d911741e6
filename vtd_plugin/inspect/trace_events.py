"""The trace event format, which Perfetto and Chrome's tracing page read.

Rows are named by what they belong to and what they show; on a row stand slices of time, and arrows
lead from one slice to another. Times are microseconds, of any clock. What is drawn is in the file
at once, so that a run that breaks off leaves one that can be read: the format wants no closing
bracket.
"""

from __future__ import annotations

import json
from typing import Any, Final, NamedTuple, TextIO

_SHORTEST: Final = 0.001
"""What something without a length is drawn with; arrows need something to point at."""


def last_moment(began: float, ended: float) -> float:
    """The last time inside a slice: its end is outside of it."""
    return max(began, ended - _SHORTEST)


class Row(NamedTuple):
    """Where something is drawn.

    Attributes:
        group: What it belongs to (a process of the format).
        name: What it shows (a thread of the format).
    """

    group: str
    name: str


class TraceEvents:
    """Rows, slices and arrows, written to a file in the order in which they are drawn.

    Args:
        file: Where to.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._separator = "["
        self._groups: dict[str, int] = {}
        self._rows: dict[Row, int] = {}
        self._arrows = 0

    def slice(self, row: Row, name: str, began: float, ended: float, **facts: object) -> None:
        """Draw what took from one time to another.

        Args:
            row: Where.
            name: What is written on it.
            began: Microseconds.
            ended: Microseconds.
            **facts: What is shown when it is selected.
        """
        length = max(ended - began, _SHORTEST)
        self._draw(row, "X", name, began, dur=length, args=facts)

    def arrow(self, name: str, origin: tuple[Row, float], target: tuple[Row, float]) -> None:
        """Draw an arrow from the slice on one row at one time to that on another.

        Args:
            name: What it means.
            origin: Row, and microseconds.
            target: The same; no earlier.
        """
        self._arrows += 1
        for phase, (row, when), fields in (("s", origin, {}), ("f", target, {"bp": "e"})):
            self._draw(row, phase, name, when, id=self._arrows, cat="flow", **fields)

    def close(self) -> None:
        """Close the file, with the bracket that other readers of JSON want; once is enough."""
        if self._file.closed:
            return
        self._file.write("\n]\n" if self._separator == "," else "[]\n")
        self._file.close()

    def _draw(self, row: Row, phase: str, name: str, when: float, **fields: object) -> None:
        place = self._place(row)
        self._write({"ph": phase, "name": name, **place, "ts": when, **fields})

    def _place(self, row: Row) -> dict[str, int]:
        """The numbers of a row; it is named when they are first asked for."""
        if row.group not in self._groups:
            number = self._groups[row.group] = len(self._groups) + 1
            name = {"name": row.group}
            self._write({"ph": "M", "name": "process_name", "pid": number, "args": name})
        place = {"pid": self._groups[row.group], "tid": self._rows.get(row, len(self._rows) + 1)}
        if row not in self._rows:
            self._rows[row] = place["tid"]
            self._write({"ph": "M", "name": "thread_name", **place, "args": {"name": row.name}})
        return place

    def _write(self, event: dict[str, Any]) -> None:
        line = json.dumps(event, separators=(",", ":"))
        self._file.write(f"{self._separator}\n{line}")
        self._separator = ","
