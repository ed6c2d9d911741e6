"""What a run of the demo tells: one `Phase` after the other.

The simulation is a process of its own; it appends each phase to a file, as a line of JSON, as soon
as the phase is over.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class BlockedRequest:
    """A DMA request of the disk that was blocked.

    Attributes:
        at_ns: When, in simulated nanoseconds.
        kind: ``"read"`` or ``"write"``.
        address: The address asked for.
        condition: The name of the condition, such as ``LCT.2``.
        text: The condition in words.
    """

    at_ns: float
    kind: str
    address: int
    condition: str
    text: str


@dataclass(frozen=True, slots=True)
class Phase:
    """How one phase went.

    Attributes:
        title: What it is about.
        began_ns: When it began, in simulated nanoseconds.
        ended_ns: When it was over.
        translation: Whether the unit says that translation is on, at the end (GSTS.TES).
        remapped: Whether the disk's address space is remapped, at the end.
        switches: How often that address space was switched.
        mappings: Mapped ranges that the host holds for the disk, at the end.
        blocked: The requests that were blocked.
        verified: Bytes compared with what they must be, and found equal.
        passed: Whether it went as it must.
        outcome: What came of it, in words.
    """

    title: str
    began_ns: float
    ended_ns: float
    translation: bool
    remapped: bool
    switches: int
    mappings: int
    blocked: tuple[BlockedRequest, ...]
    verified: int
    passed: bool
    outcome: str


def append(path: Path, phase: Phase) -> None:
    """Add a phase to a file."""
    with path.open("a") as file:
        file.write(json.dumps(asdict(phase)) + "\n")


def load(path: Path) -> list[Phase]:
    """All phases of a file."""
    return [_phase(json.loads(line)) for line in path.read_text().splitlines()]


def _phase(fields: dict[str, Any]) -> Phase:
    blocked = tuple(BlockedRequest(**request) for request in fields.pop("blocked"))
    return Phase(**fields, blocked=blocked)
