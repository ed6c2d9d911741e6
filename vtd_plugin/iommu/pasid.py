"""PASID directory and table: from a PASID to the entry that says how it translates (§9.5, §9.6)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vtd_plugin.encodings.codes import PageTableType, levels, width_bits
from vtd_plugin.encodings.faults import Condition
from vtd_plugin.encodings.structures import PasidDirectoryEntry, PasidTableEntry
from vtd_plugin.iommu.cached_entries import CachedPasid
from vtd_plugin.iommu.first_stage import FirstStageTables
from vtd_plugin.iommu.second_stage import SecondStageTables

if TYPE_CHECKING:
    from vtd_plugin.iommu.request import Request
    from vtd_plugin.iommu.state import TranslationState

_DIRECTORY_BYTES: Final = PasidDirectoryEntry.BITS // 8
_TABLE_BYTES: Final = PasidTableEntry.BITS // 8
_TABLE_BITS: Final = 6
"""A PASID table has 2**6 entries; the upper bits of the PASID index the directory."""

_FIRST: Final = (PageTableType.FIRST_STAGE, PageTableType.NESTED)
_SECOND: Final = (PageTableType.SECOND_STAGE, PageTableType.NESTED)

_FIVE_LEVELS: Final = 1
_LEVELS: Final = (4, 5)
"""Levels of first-stage tables by paging mode (FSPM)."""


class PasidTables:
    """Reads PASID entries, through the PASID cache or around it.

    Args:
        state: What all look-ups of the unit share.
    """

    __slots__ = ("_caps", "_directory_reserved", "_entry_reserved", "_state")

    def __init__(self, state: TranslationState) -> None:
        self._state = state
        self._caps = state.caps
        self._directory_reserved = PasidDirectoryEntry.reserved(state.caps)
        self._entry_reserved = _reserved_by_type(state)

    def find(
        self, request: Request, directory: int, pasid: int, *, host_permissions: bool
    ) -> CachedPasid | Condition:
        """The PASID entry of a request, from the cache if it is there.

        Args:
            request: The request.
            directory: Host address of the PASID directory.
            pasid: The PASID, known to lie within the directory.
            host_permissions: The context entry uses the host permission table (HPTE).
        """
        cache = self._state.caches.pasid
        key = request.source_id, pasid
        request.pasid = pasid
        cached = cache.get(key)
        if cached is None:
            found = self.read(request, directory, pasid, host_permissions=host_permissions)
            if isinstance(found, Condition):
                if found.qualified and self._caps.CAP.CM:
                    cache.put(key, self._failure(found, pasid, suppressed=request.suppressed))
                return found
            cache.put(key, found)
            cached = found
        request.suppressed = request.suppressed or cached.suppressed
        request.domain_id = cached.domain_id
        return cached.condition or cached

    @staticmethod
    def _failure(condition: Condition, pasid: int, *, suppressed: bool) -> CachedPasid:
        nothing = PasidTableEntry(0)
        return CachedPasid(
            0, pasid, nothing, PageTableType.PASS_THROUGH, None, 0, suppressed, condition
        )

    def read(
        self, request: Request, directory: int, pasid: int, *, host_permissions: bool
    ) -> CachedPasid | Condition:
        """Read a PASID entry from memory, without any cache."""
        memory = self._state.memory
        raw = memory.read_u64(directory + (pasid >> _TABLE_BITS) * _DIRECTORY_BYTES)
        if raw is None:
            return Condition.SPD_1
        pointer = PasidDirectoryEntry(raw)
        request.suppressed = request.suppressed or bool(pointer.FPD)
        if not pointer.P:
            return Condition.SPD_2
        if raw & self._directory_reserved:
            return Condition.SPD_3
        index = pasid & (1 << _TABLE_BITS) - 1
        found = memory.read_int(pointer.SMPTBLPTR_address + index * _TABLE_BYTES, _TABLE_BYTES)
        if found is None:
            return Condition.SPT_1
        entry = PasidTableEntry(found)
        request.suppressed = request.suppressed or bool(entry.FPD)
        if not entry.P:
            return Condition.SPT_2
        reserved = self._entry_reserved[entry.PGTT, host_permissions]
        if found & reserved:
            return Condition.SPT_3
        return self._check(entry, pasid, suppressed=request.suppressed)

    def _check(
        self, entry: PasidTableEntry, pasid: int, *, suppressed: bool
    ) -> CachedPasid | Condition:
        """The programming of an entry: supported types, widths and modes (SPT.4)."""
        ecap = self._caps.ECAP
        kind = entry.PGTT
        if kind in _SECOND and entry.AW not in self._state.address_widths:
            return Condition.SPT_4_1
        supported = {
            PageTableType.FIRST_STAGE: ecap.FSTS,
            PageTableType.SECOND_STAGE: ecap.SSTS,
            PageTableType.NESTED: ecap.NEST,
            PageTableType.PASS_THROUGH: ecap.PT,
        }
        if not any(kind == known and has for known, has in supported.items()):
            return Condition.SPT_4_2
        if entry.FSPM > _FIVE_LEVELS or (entry.FSPM == _FIVE_LEVELS and not self._caps.CAP.FS5LP):
            return Condition.SPT_4_3
        input_bits = self._caps.mgaw_bits
        if kind in _SECOND:
            input_bits = min(input_bits, width_bits(entry.AW))
        if kind == PageTableType.NESTED and entry.FSPTPTR_address >> input_bits:
            return Condition.SPT_4_4
        return self._cached(entry, pasid, PageTableType(kind), input_bits, suppressed=suppressed)

    def _cached(
        self,
        entry: PasidTableEntry,
        pasid: int,
        kind: PageTableType,
        input_bits: int,
        *,
        suppressed: bool,
    ) -> CachedPasid:
        snooped = bool(self._caps.ECAP.SMPWCS and entry.PWSNP)
        second = None
        if kind in _SECOND:
            second = SecondStageTables(
                entry.SSPTPTR_address,
                levels(entry.AW),
                entry.DID,
                update=bool(entry.SSADE),
                update_allowed=snooped,
            )
        tables: FirstStageTables | SecondStageTables | None = second
        if kind in _FIRST:
            tables = FirstStageTables(
                entry.FSPTPTR_address,
                _LEVELS[entry.FSPM],
                entry.DID,
                pasid,
                second,
                input_bits,
                extended_accessed=bool(entry.EAFE),
                update_allowed=snooped,
            )
        return CachedPasid(entry.DID, pasid, entry, kind, tables, input_bits, suppressed)


def _reserved_by_type(state: TranslationState) -> dict[tuple[int, bool], int]:
    """Reserved bits of a PASID entry by PGTT and use of the host permission table (§9.6).

    A field of a capability that is absent is reserved whatever the type; where the capability is
    there, types that do not use a pointer ignore all of it, the bits above HAW too.
    """
    caps = state.caps
    everything = PasidTableEntry.reserved(caps)
    second = PasidTableEntry.mask("SSPTPTR") if caps.ECAP.SSTS else 0
    first = PasidTableEntry.mask("FSPTPTR") if caps.ECAP.FSTS else 0
    permissions = PasidTableEntry.mask("HPTPTR", "HPTDID") if caps.ECAP.HPTS else 0
    unused = {
        PageTableType.FIRST_STAGE: second,
        PageTableType.SECOND_STAGE: first,
        PageTableType.PASS_THROUGH: first | second,
    }
    return {
        (kind, used): everything
        & ~unused.get(kind, 0)  # type: ignore[call-overload]
        & ~(0 if used else permissions)
        for kind in range(8)
        for used in (False, True)
    }
