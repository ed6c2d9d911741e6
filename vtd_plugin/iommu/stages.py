"""The four ways a PASID may translate: first stage, second stage, nested, pass-through (§3.4.3).

Each way walks its tables, judges rights and output of the complete translation, and only then marks
what was used (§3.6.2, §3.7.2). Whose tables they are has been found out before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vtd_plugin.bus import Translation
from vtd_plugin.encodings.faults import Condition
from vtd_plugin.iommu.caches import IotlbEntry
from vtd_plugin.iommu.first_stage import (
    FirstStageLeaf,
    FirstStageTables,
    is_canonical,
    rights_of,
)
from vtd_plugin.iommu.interrupt_range import in_interrupt_range, overlaps_interrupt_range
from vtd_plugin.iommu.request import Request, denied
from vtd_plugin.iommu.second_stage import SCALABLE_CONDITIONS, SecondStageLeaf, SecondStageTables

if TYPE_CHECKING:
    from vtd_plugin.iommu.cached_entries import CachedPasid
    from vtd_plugin.iommu.memory_type import MemoryTypes
    from vtd_plugin.iommu.state import TranslationState


class Stages:
    """Translates requests whose PASID entry is known.

    Args:
        state: What all look-ups of the unit share.
        memory_types: Types of final pages.
    """

    __slots__ = ("_caps", "_no_write_flag", "_state", "_types", "_zero_length_reads")

    def __init__(self, state: TranslationState, memory_types: MemoryTypes) -> None:
        self._state = state
        self._caps = state.caps
        self._types = memory_types
        self._zero_length_reads = bool(state.caps.CAP.ZLR)
        self._no_write_flag = bool(state.caps.ECAP.NWFS)

    def translate(
        self, request: Request, found: CachedPasid, *, privileged: bool
    ) -> IotlbEntry | Condition:
        """The page of a request, or why it is blocked.

        Args:
            request: The request.
            found: The PASID entry it is translated with.
            privileged: Whether it has supervisor privilege.
        """
        if found.tables is None:
            return self._pass_through(request, found)
        if isinstance(found.tables, FirstStageTables):
            return self._first_stage(request, found, found.tables, privileged=privileged)
        return self._second_stage(request, found, found.tables)

    def _pass_through(self, request: Request, found: CachedPasid) -> IotlbEntry | Condition:
        if request.address >> self._caps.haw:
            return Condition.SGN_4_2
        if request.untranslated and in_interrupt_range(request.address):
            return Condition.SGN_8_1
        page = self._state.untranslated_page(request, found.domain_id)
        return self._entry(
            request,
            found,
            page.base,
            page.mask,
            page.rights,
            memory_type=self._types.of_pass_through(found.entry),
        )

    def _second_stage(
        self, request: Request, found: CachedPasid, tables: SecondStageTables
    ) -> IotlbEntry | Condition:
        stage = self._state.second_stage
        if request.address >> found.input_bits:
            return Condition.SGN_5
        request.cacheable = True
        leaf = stage.walk(tables, request.address, SCALABLE_CONDITIONS, Condition.SSS_2)
        if isinstance(leaf, Condition):
            return leaf
        request.cacheable = False
        blocked = self._judge(request, leaf.rights, leaf.base, leaf.mask)
        if blocked is not None:
            return blocked
        written = self._writes(request, leaf.rights)
        failed = stage.mark_used(tables, leaf, written=written)
        if failed is not None:
            return failed
        return self._entry(
            request,
            found,
            leaf.base,
            leaf.mask,
            leaf.rights,
            snoop=bool(leaf.entry & stage.format.snoop),
            memory_type=self._types.of_second_stage(found.entry, leaf.entry),
            dirty=written or not tables.update or bool(leaf.entry & stage.format.dirty),
        )

    def _first_stage(
        self, request: Request, found: CachedPasid, tables: FirstStageTables, *, privileged: bool
    ) -> IotlbEntry | Condition:
        if not is_canonical(request.address, tables.levels):
            return Condition.SGN_1
        leaf = self._state.first_stage.walk(tables, request.address)
        if isinstance(leaf, Condition):
            return leaf
        rights = rights_of(leaf, privileged=privileged, write_protect=bool(found.entry.WPE))
        if not rights:
            return Condition.SGN_2
        if self._needed(request) & ~rights:
            return Condition.SGN_6
        if tables.second is not None:
            return self._nested(request, found, tables, tables.second, leaf, rights)
        return self._first_stage_alone(request, found, tables, leaf, rights)

    def _first_stage_alone(
        self,
        request: Request,
        found: CachedPasid,
        tables: FirstStageTables,
        leaf: FirstStageLeaf,
        rights: int,
    ) -> IotlbEntry | Condition:
        stage = self._state.first_stage
        blocked = self._judge(request, rights, leaf.base, leaf.mask)
        if blocked is not None:
            return blocked
        written = self._writes(request, rights)
        failed = stage.mark_used(tables, leaf, written=written)
        if failed is not None:
            return failed
        return self._entry(
            request,
            found,
            leaf.base,
            leaf.mask,
            rights,
            memory_type=self._types.of_first_stage(found.entry, leaf.entry, leaf.level),
            dirty=written or bool(leaf.entry & stage.format.dirty),
        )

    def _nested(
        self,
        request: Request,
        found: CachedPasid,
        tables: FirstStageTables,
        second: SecondStageTables,
        leaf: FirstStageLeaf,
        rights: int,
    ) -> IotlbEntry | Condition:
        """The result of the first stage through the second (§3.8)."""
        guest = leaf.base | request.address & leaf.mask
        below = self._state.second_stage.walk(second, guest, SCALABLE_CONDITIONS, Condition.SSS_2)
        if isinstance(below, Condition):
            return below
        rights &= below.rights
        mask = min(leaf.mask, below.mask)
        host = (below.base | guest & below.mask) & ~mask
        blocked = self._judge(request, rights, host, mask)
        if blocked is not None:
            return blocked
        written = self._writes(request, rights)
        failed = self._mark_both(tables, leaf, second, below, written=written)
        if failed is not None:
            return failed
        first_format = self._state.first_stage.format
        second_format = self._state.second_stage.format
        clean = not leaf.entry & first_format.dirty or (
            second.update and not below.entry & second_format.dirty
        )
        return self._entry(
            request,
            found,
            host,
            mask,
            rights,
            snoop=bool(below.entry & second_format.snoop),
            memory_type=self._types.of_nested(found.entry, leaf.entry, leaf.level, below.entry),
            dirty=written or not clean,
        )

    def _mark_both(
        self,
        tables: FirstStageTables,
        leaf: FirstStageLeaf,
        second: SecondStageTables,
        below: SecondStageLeaf,
        *,
        written: bool,
    ) -> Condition | None:
        failed = self._state.first_stage.mark_used(tables, leaf, written=written)
        if failed is not None:
            return failed
        return self._state.second_stage.mark_used(second, below, written=written)

    # --- rights and output

    def _needed(self, request: Request) -> int:
        return request.rights_needed(zero_length_reads=self._zero_length_reads)

    def _writes(self, request: Request, rights: int) -> bool:
        """Whether the page is to be marked as written."""
        writes = request.writes(no_write_flag=self._no_write_flag)
        return writes and bool(rights & Translation.WRITABLE)

    def _judge(self, request: Request, rights: int, base: int, mask: int) -> Condition | None:
        """Rights and output of a valid translation, before anything is marked as used."""
        missing = self._needed(request) & ~rights
        if missing:
            return denied(missing, Condition.SGN_6, Condition.SGN_7)
        if not rights:
            # What one stage allows the other does not: not even a read of no bytes passes (§3.14).
            return Condition.SGN_7
        if request.asks_translation:
            return Condition.SGN_8_2 if overlaps_interrupt_range(base, base + mask) else None
        if in_interrupt_range(base | request.address & mask):
            return Condition.SGN_8_1
        return None

    def _entry(
        self,
        request: Request,
        found: CachedPasid,
        base: int,
        mask: int,
        rights: int,
        *,
        memory_type: int,
        snoop: bool = False,
        dirty: bool = True,
    ) -> IotlbEntry:
        return IotlbEntry(
            base,
            mask,
            rights,
            tag=request.tag,
            iova=request.address,
            domain_id=found.domain_id,
            pasid=found.pasid,
            page_tables=found.page_tables,
            suppressed=request.suppressed,
            snoop=snoop or bool(found.entry.PGSNP),
            memory_type=memory_type,
            dirty=dirty,
        )
