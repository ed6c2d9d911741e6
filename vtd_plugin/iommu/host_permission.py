"""The host permission table: what a device may do with addresses it translated itself (§4.2.4).

A table of four levels, found through the PASID entry, gives read and write rights to host pages of
1 GiB, 2 MiB and 4 KiB. Nothing of it is cached: its caches may be absent, and an invalidation of
them is then done as soon as it is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vtd_plugin.bus import RequestKind
from vtd_plugin.encodings.faults import Condition
from vtd_plugin.encodings.structures import HptL1e, HptL2e, HptL3e, HptL4e
from vtd_plugin.iommu.request import denied

if TYPE_CHECKING:
    from vtd_plugin.bus import Memory
    from vtd_plugin.encodings.capabilities import Capabilities
    from vtd_plugin.encodings.structures import PasidTableEntry
    from vtd_plugin.iommu.request import Request

_ENTRY_BYTES: Final = HptL4e.BITS // 8
_TABLE_BYTES: Final = 4096
_INDEX_MASK: Final = 0xFF

_COVERED_BITS: Final = 49
"""Address bits that one top table covers; HPTSZ adds up to three (§9.6)."""

_TOP_SHIFT: Final = 41
_L3_SHIFT: Final = 33
_L2_SHIFT: Final = 25
_L1_SHIFT: Final = 17
_L3_PAGE_SHIFT: Final = 30
_L2_PAGE_SHIFT: Final = 21
_L1_PAGE_SHIFT: Final = 12


class HostPermissions:
    """The walker of host permission tables.

    Args:
        caps: What the unit is.
        memory: Where the tables are.
    """

    __slots__ = ("_memory", "_reserved", "_zero_length_reads")

    def __init__(self, caps: Capabilities, memory: Memory) -> None:
        self._memory = memory
        self._zero_length_reads = bool(caps.CAP.ZLR)
        self._reserved = {
            layout: layout.reserved(caps) for layout in (HptL4e, HptL3e, HptL2e, HptL1e)
        }

    def check(self, request: Request, entry: PasidTableEntry) -> Condition | None:
        """Whether a translated request may go where it wants to; None if it may.

        Args:
            request: The request; its address is a host address.
            entry: The PASID entry that names the table.
        """
        if request.address >> _COVERED_BITS + entry.HPTSZ:
            return Condition.SPT_9
        rights = self._rights(entry.HPTPTR_address, request.address)
        if isinstance(rights, Condition):
            return rights
        zero_length = request.size == 0 and request.attributes.kind is RequestKind.READ
        if zero_length and self._zero_length_reads:
            return None if rights else Condition.HPT_4
        missing = request.attributes.kind & ~rights
        return denied(missing, Condition.HPT_5, Condition.HPT_6) if missing else None

    def _rights(self, pointer: int, address: int) -> int | Condition:
        """Rights of the page of a host address; 0 where the walk ends without any."""
        top = pointer + (address >> _COVERED_BITS) * _TABLE_BYTES
        raw = self._read(HptL4e, top, address >> _TOP_SHIFT, Condition.HPT_3)
        if isinstance(raw, Condition):
            return raw
        entry: HptL4e | HptL3e | HptL2e = HptL4e(raw)
        for layout, shift, page_shift, pages in (
            (HptL3e, _L3_SHIFT, _L3_PAGE_SHIFT, 8),
            (HptL2e, _L2_SHIFT, _L2_PAGE_SHIFT, 16),
        ):
            if not entry.AV:
                return 0
            raw = self._read(layout, entry.ADDR_address, address >> shift, Condition.HPT_1)
            if isinstance(raw, Condition):
                return raw
            entry = layout(raw)
            rights = entry.rights(address >> page_shift & pages - 1)
            if rights:
                return rights
        if not entry.AV:
            return 0
        raw = self._read(HptL1e, entry.ADDR_address, address >> _L1_SHIFT, Condition.HPT_1)
        if isinstance(raw, Condition):
            return raw
        return HptL1e(raw).rights(address >> _L1_PAGE_SHIFT & 31)

    def _read(
        self,
        layout: type[HptL4e | HptL3e | HptL2e | HptL1e],
        table: int,
        index: int,
        unreadable: Condition,
    ) -> int | Condition:
        """An entry without reserved bits; its pointer counts only where it points on (AV)."""
        raw = self._memory.read_int(table + (index & _INDEX_MASK) * _ENTRY_BYTES, _ENTRY_BYTES)
        if raw is None:
            return unreadable
        reserved = self._reserved[layout]
        if layout is not HptL1e and not raw & HptL4e.mask("AV"):
            reserved &= ~HptL4e.mask("ADDR")
        return Condition.HPT_2 if raw & reserved else raw
