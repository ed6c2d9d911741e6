"""Scalable mode: root and context, PASIDs, and the four ways a PASID may translate (§3.4.3).

Requests without PASID take the one that the context entry gives them (RID_PASID). Translated
requests keep their address; the tables are consulted for them only where the host permission
table is in use.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vtd_plugin.bus import READ, Mapping, Translation
from vtd_plugin.encodings.faults import Condition
from vtd_plugin.encodings.structures import ScalableContextEntry, ScalableRootEntry
from vtd_plugin.iommu.caches import IotlbEntry, request_tag
from vtd_plugin.iommu.first_stage import (
    FirstStageLeaf,
    FirstStageTables,
    is_canonical,
    rights_of,
)
from vtd_plugin.iommu.interrupt_range import (
    in_interrupt_range,
    overlaps_interrupt_range,
    translation_request_into_range,
)
from vtd_plugin.iommu.pasid import CachedPasid, PasidTables
from vtd_plugin.iommu.request import Request, denied
from vtd_plugin.iommu.second_stage import SCALABLE_CONDITIONS, SecondStageLeaf, SecondStageTables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vtd_plugin.iommu.memory_type import MemoryTypes
    from vtd_plugin.iommu.state import TranslationState

_ROOT_BYTES: Final = ScalableRootEntry.BITS // 8
_CONTEXT_BYTES: Final = ScalableContextEntry.BITS // 8
_DEVICES_PER_HALF: Final = 0x80
_DIRECTORY_INDEX_BITS: Final = 6
_SMALLEST_DIRECTORY_BITS: Final = 7
_EXECUTE_NEVER_VERSION: Final = 8
"""Major version from which an execute request is refused before any table is read."""


@dataclass(frozen=True, slots=True)
class ScalableContext:
    """A scalable-mode context entry as the context cache holds it.

    Attributes:
        entry: The entry.
        suppressed: Fault processing is disabled (FPD).
        condition: Set where the entry is a failure that caching mode keeps.
    """

    entry: ScalableContextEntry
    suppressed: bool
    condition: Condition | None = None

    @property
    def pasid_bits(self) -> int:
        """Bits of a PASID that the directory can look up (PDTS)."""
        return self.entry.PDTS + _SMALLEST_DIRECTORY_BITS + _DIRECTORY_INDEX_BITS


class ScalableMode:
    """Requests while the root table pointer says scalable mode.

    Args:
        state: What all look-ups of the unit share.
        memory_types: Types of final pages.
    """

    __slots__ = (
        "_caps",
        "_context_reserved",
        "_lower_reserved",
        "_no_write_flag",
        "_pasids",
        "_state",
        "_types",
        "_upper_reserved",
        "_zero_length_reads",
    )

    def __init__(self, state: TranslationState, memory_types: MemoryTypes) -> None:
        self._state = state
        self._caps = state.caps
        self._types = memory_types
        self._pasids = PasidTables(state)
        reserved = ScalableRootEntry.reserved(state.caps)
        half = (1 << ScalableRootEntry.BITS // 2) - 1
        self._lower_reserved = reserved & half
        self._upper_reserved = reserved & ~half
        self._context_reserved = ScalableContextEntry.reserved(state.caps)
        self._zero_length_reads = bool(state.caps.CAP.ZLR)
        self._no_write_flag = bool(state.caps.ECAP.NWFS)

    def resolve(self, request: Request) -> IotlbEntry | Condition:
        """Answer a request; the steps are those of the fault table (§7.1.3)."""
        attributes = request.attributes
        if (
            self._caps.version_major >= _EXECUTE_NEVER_VERSION
            and attributes.pasid is not None
            and attributes.execute
        ):
            return Condition.RTA_5
        context = self._find_context(request)
        if isinstance(context, Condition):
            return context
        blocked = self._check_request(request, context)
        if blocked is not None:
            return blocked
        if not request.untranslated and not request.asks_translation:
            return self._translated(request, context)
        return self._by_pasid(request, context)

    # --- root and context (§9.2, §9.4)

    def _find_context(self, request: Request) -> ScalableContext | Condition:
        cache = self._state.caches.scalable_context
        cached = cache.get(request.source_id)
        if cached is None:
            found = self.read_context(request)
            if isinstance(found, Condition):
                if found.qualified and self._caps.CAP.CM:
                    failure = ScalableContext(
                        ScalableContextEntry(0), request.suppressed, condition=found
                    )
                    cache.put(request.source_id, failure)
                return _as_met_by(request, found)
            cache.put(request.source_id, found)
            cached = found
        request.suppressed = cached.suppressed
        if cached.condition is not None:
            return _as_met_by(request, cached.condition)
        return cached

    def read_context(self, request: Request) -> ScalableContext | Condition:
        """Read the context entry of the requester from memory, without any cache."""
        pointer = self._read_root(request)
        if isinstance(pointer, Condition):
            return pointer
        index = request.source_id & (_DEVICES_PER_HALF - 1)
        raw = self._state.memory.read_int(pointer + index * _CONTEXT_BYTES, _CONTEXT_BYTES)
        if raw is None:
            return Condition.SCT_1
        entry = ScalableContextEntry(raw)
        request.suppressed = bool(entry.FPD)
        if not entry.P:
            return Condition.SCT_2
        if raw & self._context_reserved:
            return Condition.SCT_3
        context = ScalableContext(entry, bool(entry.FPD))
        if entry.PRE and not entry.DTE:
            return Condition.SCT_4_1
        if entry.RID_PASID >> context.pasid_bits:
            return Condition.SCT_4_2
        if entry.EPTR and not entry.PASIDE:
            return Condition.SCT_4_3
        return context

    def _read_root(self, request: Request) -> int | Condition:
        address = self._state.root.RTA_address + (request.source_id >> 8) * _ROOT_BYTES
        raw = self._state.memory.read_int(address, _ROOT_BYTES)
        if raw is None:
            return Condition.SRT_1
        entry = ScalableRootEntry(raw)
        upper = request.source_id & 0xFF >= _DEVICES_PER_HALF
        if not (entry.UP if upper else entry.LP):
            return Condition.SRT_2
        if raw & (self._upper_reserved if upper else self._lower_reserved):
            return Condition.SRT_3
        return entry.UCTP_address if upper else entry.LCTP_address

    def _check_request(self, request: Request, context: ScalableContext) -> Condition | None:
        """What the context entry allows the request to be (SCT.5 to SCT.10)."""
        entry, pasid = context.entry, request.attributes.pasid
        translated = not request.untranslated and not request.asks_translation
        if not request.untranslated and not entry.DTE:
            return Condition.SCT_5
        if pasid is None:
            return None
        if translated and not entry.EPTR:
            return Condition.SCT_10
        if not translated and not entry.PASIDE:
            return Condition.SCT_6
        return self._check_pasid(pasid, context)

    def judge_page_request(self, request: Request) -> CachedPasid | Condition:
        """The PASID entry of a page request, or why it is refused (§7.4)."""
        context = self._find_context(request)
        if isinstance(context, Condition):
            return context
        pasid = request.attributes.pasid
        if not context.entry.PRE:
            return Condition.SCT_8
        if pasid is not None:
            if not context.entry.PASIDE:
                return Condition.SCT_6
            blocked = self._check_pasid(pasid, context)
            if blocked is not None:
                return blocked
        return self._find_pasid(request, context)

    def _check_pasid(self, pasid: int, context: ScalableContext) -> Condition | None:
        """Whether a PASID can be looked up (SGN.10, SCT.7, SCT.9)."""
        if pasid >> self._caps.ECAP.PSS + 1:
            return Condition.SGN_10
        if pasid >> context.pasid_bits:
            return Condition.SCT_7
        if pasid == context.entry.RID_PASID:
            return Condition.SCT_9
        return None

    def _translated(self, request: Request, context: ScalableContext) -> IotlbEntry | Condition:
        """A request whose address the device translated itself (§4.2.5)."""
        if request.address >> self._caps.haw:
            return Condition.SGN_4_1
        if in_interrupt_range(request.address):
            return Condition.SGN_8_3
        if context.entry.HPTE:
            found = self._find_pasid(request, context)
            if isinstance(found, Condition):
                return found
            blocked = self._state.host_permissions.check(request, found.entry)
            if blocked is not None:
                return blocked
        return self._state.untranslated_page(request, request.domain_id)

    # --- the PASID entry (§9.6)

    def _by_pasid(self, request: Request, context: ScalableContext) -> IotlbEntry | Condition:
        attributes = request.attributes
        found = self._find_pasid(request, context)
        if isinstance(found, Condition):
            return found
        _, privileged = self._identity(request, context)
        if attributes.pasid is not None and attributes.execute and not self._caps.ECAP.ERS:
            return Condition.SPT_5
        if privileged and not found.entry.SRE:
            return Condition.SPT_6
        if (
            request.asks_translation
            and attributes.pasid is None
            and in_interrupt_range(request.address)
        ):
            return translation_request_into_range(request, no_write_flag=self._no_write_flag)
        if found.tables is None:
            return self._pass_through(request, found)
        if isinstance(found.tables, FirstStageTables):
            return self._first_stage(request, found, found.tables, privileged=privileged)
        return self._second_stage(request, found, found.tables)

    def _find_pasid(self, request: Request, context: ScalableContext) -> CachedPasid | Condition:
        pasid, _ = self._identity(request, context)
        found = self._pasids.find(
            request,
            context.entry.PASIDDIRPTR_address,
            pasid,
            host_permissions=bool(context.entry.HPTE),
        )
        if not isinstance(found, Condition):
            request.tables = found.page_tables
        return found

    @staticmethod
    def _identity(request: Request, context: ScalableContext) -> tuple[int, bool]:
        """The PASID a request is looked up with, and whether it has supervisor privilege."""
        attributes = request.attributes
        if attributes.pasid is None:
            return context.entry.RID_PASID, bool(context.entry.RID_PRIV)
        return attributes.pasid, attributes.privileged

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
        attributes = request.attributes
        return IotlbEntry(
            base,
            mask,
            rights,
            tag=request_tag(
                request.source_id,
                attributes.pasid,
                privileged=attributes.pasid is not None and attributes.privileged,
            ),
            iova=request.address,
            domain_id=found.domain_id,
            pasid=found.pasid,
            page_tables=found.page_tables,
            suppressed=request.suppressed,
            snoop=snoop or bool(found.entry.PGSNP),
            memory_type=memory_type,
            dirty=dirty,
        )

    # --- what listeners are told

    def _peek(self, source_id: int) -> tuple[CachedPasid, bool] | None:
        """How requests without PASID translate, read from memory."""
        request = Request(source_id, 0, 0, READ)
        context = self.read_context(request)
        if isinstance(context, Condition):
            return None
        pasid, privileged = self._identity(request, context)
        found = self._pasids.read(
            request,
            context.entry.PASIDDIRPTR_address,
            pasid,
            host_permissions=bool(context.entry.HPTE),
        )
        if isinstance(found, Condition) or (privileged and not found.entry.SRE):
            return None
        return found, privileged

    def mappings(self, source_id: int, first: int, last: int) -> Iterator[Mapping] | None:
        """The pages of a requester within [first, last]; None where it sees memory as it is."""
        peeked = self._peek(source_id)
        if peeked is None:
            return iter(())
        found, privileged = peeked
        if found.tables is None:
            return None
        if isinstance(found.tables, FirstStageTables):
            return self._state.first_stage.mappings(
                found.tables,
                first,
                last,
                privileged=privileged,
                write_protect=bool(found.entry.WPE),
            )
        last = min(last, (1 << found.input_bits) - 1)
        return self._state.second_stage.mappings(found.tables, first, last)

    def domain_of(self, source_id: int) -> int | None:
        """The domain of requests without PASID as the tables in memory have it."""
        peeked = self._peek(source_id)
        return None if peeked is None else peeked[0].domain_id


def _as_met_by(request: Request, condition: Condition) -> Condition:
    """Why a request is blocked by an entry that cannot be used.

    The fault table has SCT.4.3 for no request whose PASID would be translated: that PASIDs are not
    enabled is SCT.6 to them, a fault of the request and not of the entry (§7.1.3).
    """
    translated = not request.untranslated and not request.asks_translation
    if condition is Condition.SCT_4_3 and request.attributes.pasid is not None and not translated:
        return Condition.SCT_6
    return condition
