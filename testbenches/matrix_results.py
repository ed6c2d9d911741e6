"""What a run of the reset matrix found, for those that write it down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from testbenches.cells import Cell
    from testbenches.memory_side import Memory

RESULTS: Final = "VTD_MATRIX_RESULTS"
"""The environment variable that names the file for what was checked; unset for none."""


@dataclass(frozen=True, slots=True)
class Results:
    """What one simulator found.

    Attributes:
        simulator: Its name and version.
        seed: The seed it ran with.
        memories: What there was between the master and its port.
        checked: Of each cell that was passed, what was checked; see `testbenches.cells.Checked`.
        failed: Of each other cell, why it was not.
    """

    simulator: str
    seed: int
    memories: tuple[Memory, ...]
    checked: dict[Cell, dict[str, Any]]
    failed: dict[Cell, str]

    @property
    def bytes_compared(self) -> int:
        """Bytes of memory compared in all cells."""
        return sum(record["bytes_compared"] for record in self.checked.values())
