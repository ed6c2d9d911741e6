"""The trace event format, which Perfetto and Chrome's tracing page read.

Rows are named by what they belong to and what they show; on a row stand slices of time and
instants, and arrows lead from one slice to another. Times are whole picoseconds of any clock; the
file has microseconds with at most six decimals, so that nothing is rounded. What is drawn is in the
file at once: a run that breaks off leaves one that can be read, as the format wants no closing
bracket.
"""

from __future__ import annotations

import json
from typing import Any, Final, NamedTuple, TextIO, TypeAlias

Argument: TypeAlias = str | int | bool
"""What an argument of an event may be; addresses are text in hexadecimal."""

_SHORTEST: Final = 1000
"""The least length of a slice, a nanosecond: viewers hang arrows on slices that have a length."""

_MICROSECOND: Final = 10**6


def last_moment(began: int, ended: int) -> int:
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
    """Rows, slices, instants and arrows, written to a file in the order in which they are drawn.

    Args:
        file: Where to.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._separator = "["
        self._groups: dict[str, int] = {}
        self._rows: dict[Row, int] = {}
        self._arrows = 0

    def slice(self, row: Row, name: str, began: int, ended: int, **arguments: Argument) -> None:
        """Draw what took from one time to another.

        Args:
            row: Where.
            name: What is written on it.
            began: Picoseconds.
            ended: Picoseconds; at least a nanosecond is drawn.
            **arguments: What is shown when it is selected.
        """
        length = _microseconds(max(ended - began, _SHORTEST))
        self._draw(row, "X", name, began, dur=length, args=arguments)

    def instant(self, row: Row, name: str, when: int, **arguments: Argument) -> None:
        """Draw what happened at a time, in picoseconds; the arguments are those of `slice`."""
        self._draw(row, "i", name, when, s="t", args=arguments)

    def arrow(self, name: str, origin: tuple[Row, int], target: tuple[Row, int]) -> None:
        """Draw an arrow from the slice on one row at one time to that on another.

        Args:
            name: What it means.
            origin: Row, and picoseconds.
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

    def _draw(self, row: Row, phase: str, name: str, when: int, **fields: object) -> None:
        place = self._place(row)
        self._write({"ph": phase, "name": name, **place, "ts": _microseconds(when), **fields})

    def _place(self, row: Row) -> dict[str, int]:
        """The numbers of a row; it is named when they are first asked for.

        No row has the number of a group: viewers would call it the main thread.
        """
        if row.group not in self._groups:
            number = self._groups[row.group] = self._next_number()
            name = {"name": row.group}
            self._write({"ph": "M", "name": "process_name", "pid": number, "args": name})
        named = row in self._rows
        if not named:
            self._rows[row] = self._next_number()
        place = {"pid": self._groups[row.group], "tid": self._rows[row]}
        if not named:
            self._write({"ph": "M", "name": "thread_name", **place, "args": {"name": row.name}})
        return place

    def _next_number(self) -> int:
        return len(self._groups) + len(self._rows) + 1

    def _write(self, event: dict[str, Any]) -> None:
        line = json.dumps(event, separators=(",", ":"))
        self._file.write(f"{self._separator}\n{line}")
        self._separator = ","


def _microseconds(picoseconds: int) -> int | float:
    """Whole where it can be; a fraction has no more decimals than it needs."""
    whole, rest = divmod(picoseconds, _MICROSECOND)
    return picoseconds / _MICROSECOND if rest else whole
