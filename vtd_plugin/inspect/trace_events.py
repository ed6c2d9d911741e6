"""The trace event format, which Perfetto and Chrome's tracing page read.

Rows are named by what they belong to and what they show; on a row stand slices of time, and arrows
lead from one slice to another. Times are microseconds, of any clock.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

_SHORTEST: Final = 0.001
"""What something without a length is drawn with; arrows need something to point at."""


class Row(NamedTuple):
    """Where something is drawn.

    Attributes:
        group: What it belongs to (a process of the format).
        name: What it shows (a thread of the format).
    """

    group: str
    name: str


class TraceEvents:
    """Rows, slices and arrows, in the order in which they were drawn."""

    def __init__(self) -> None:
        self._drawn: list[dict[str, Any]] = []
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

    def arrow(self, name: str, origin: Row, target: Row, now: float) -> None:
        """Draw an arrow between the slices that stand on two rows at one time."""
        self._arrows += 1
        self._draw(origin, "s", name, now, id=self._arrows, cat="flow")
        self._draw(target, "f", name, now, id=self._arrows, cat="flow", bp="e")

    def as_list(self) -> list[dict[str, Any]]:
        """Everything, as the format has it; the names of the rows come first."""
        groups = [
            {"ph": "M", "name": "process_name", "pid": number, "args": {"name": group}}
            for group, number in self._groups.items()
        ]
        rows = [
            {"ph": "M", "name": "thread_name", **self._place(row), "args": {"name": row.name}}
            for row in self._rows
        ]
        return groups + rows + self._drawn

    def save(self, path: Path) -> None:
        """Write the JSON file."""
        document = {"displayTimeUnit": "ns", "traceEvents": self.as_list()}
        path.write_text(json.dumps(document, separators=(",", ":")))

    def _draw(self, row: Row, phase: str, name: str, when: float, **fields: object) -> None:
        self._drawn.append({"ph": phase, "name": name, **self._place(row), "ts": when, **fields})

    def _place(self, row: Row) -> dict[str, int]:
        group = self._groups.setdefault(row.group, len(self._groups) + 1)
        return {"pid": group, "tid": self._rows.setdefault(row, len(self._rows) + 1)}
