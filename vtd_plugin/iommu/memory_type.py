"""The memory type of a final page, for devices inside the processor's coherency domain (§3.11).

Tables, and the final pages of legacy mode, are always write-back; this is about scalable mode with
memory-type support (ECAP.MTS). Of the range registers only the default type is there: MTRRCAP
reports neither fixed nor variable ranges.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vtd_plugin.encodings.codes import MemoryType
from vtd_plugin.encodings.registers import MTRRDEF
from vtd_plugin.encodings.structures import (
    FsPde2M,
    FsPdpe1G,
    FsPte,
    PasidTableEntry,
    SsPte,
)

if TYPE_CHECKING:
    from vtd_plugin.iommu.registers import RegisterFile

_LEAVES: Final = (None, FsPte, FsPde2M, FsPdpe1G)
_PAT_ENTRY_BITS: Final = 4
_PAT_ENTRY_MASK: Final = 0b111
_KNOWN: Final = frozenset(MemoryType)

_UNCACHED: Final = frozenset({MemoryType.UC, MemoryType.WT, MemoryType.WB})


def combine(ranges: int, pat: int) -> int:
    """The type of a page from the type of its memory and the type its tables ask for (§3.11.3).

    Args:
        ranges: Type by range registers, or by a second-stage leaf.
        pat: Type by page attribute table.
    """
    if pat in (MemoryType.UC, MemoryType.WC):
        return pat
    if ranges == MemoryType.UC:
        return MemoryType.UC
    if pat == MemoryType.UC_MINUS:
        return MemoryType.UC if ranges in _UNCACHED else MemoryType.WC
    if pat == MemoryType.WB:
        return ranges
    return MemoryType.UC if ranges == MemoryType.WC else pat


def page_attribute(entry: PasidTableEntry, leaf: int, level: int) -> int:
    """The type a first-stage leaf asks for, by the PASID entry's attribute table (§3.11.1).

    Args:
        entry: The PASID entry.
        leaf: The leaf entry.
        level: Level of the table the leaf stands in.
    """
    layout = _LEAVES[level]
    if layout is None:
        raise ValueError(f"level {level} has no leaves; allowed are 1, 2 and 3")
    view = layout(leaf)
    index = view.PAT << 2 | view.PCD << 1 | view.PWT
    return entry.PAT >> _PAT_ENTRY_BITS * index & _PAT_ENTRY_MASK


class MemoryTypes:
    """Types of final pages in scalable mode.

    Args:
        registers: The unit's registers, for the range registers.
        supported: Whether the unit knows memory types (ECAP.MTS).
    """

    __slots__ = ("_registers", "_supported")

    def __init__(self, registers: RegisterFile, *, supported: bool) -> None:
        self._registers = registers
        self._supported = supported

    def _by_ranges(self) -> int:
        """The type the range registers give to all memory (§3.11.2)."""
        default = self._registers.load(MTRRDEF)
        return default.TYPE if default.E and default.TYPE in _KNOWN else MemoryType.UC

    def of_second_stage(self, entry: PasidTableEntry, leaf: int) -> int:
        """The type of a page that second-stage tables alone map (§3.11.4.2)."""
        if not self._supported:
            return MemoryType.WB
        if entry.CD:
            return MemoryType.UC
        return SsPte(leaf).EMT if entry.EMTE else MemoryType.WB

    def of_first_stage(self, entry: PasidTableEntry, leaf: int, level: int) -> int:
        """The type of a page that first-stage tables alone map (§3.11.4.2)."""
        if not self._supported:
            return MemoryType.WB
        if entry.CD:
            return MemoryType.UC
        return combine(self._by_ranges(), page_attribute(entry, leaf, level))

    def of_nested(self, entry: PasidTableEntry, leaf: int, level: int, second: int) -> int:
        """The type of a page that both stages map (§3.11.4.2)."""
        if not self._supported or entry.CD or not entry.EMTE:
            return self.of_first_stage(entry, leaf, level)
        below = SsPte(second)
        return below.EMT if below.IPAT else combine(below.EMT, page_attribute(entry, leaf, level))

    def of_pass_through(self, entry: PasidTableEntry) -> int:
        """The type of a page that keeps its address (§3.11.4.2)."""
        return MemoryType.UC if self._supported and entry.CD else MemoryType.WB
