"""Legacy mode: root, context, second-stage tables or pass-through (§3.4.2, §3.7, §3.9)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vtd_plugin.bus import READ, Mapping
from vtd_plugin.encodings.codes import TranslationType, levels, width_bits
from vtd_plugin.encodings.faults import Condition
from vtd_plugin.encodings.structures import ContextEntry, RootEntry
from vtd_plugin.iommu.cached_entries import CachedContext
from vtd_plugin.iommu.caches import IotlbEntry
from vtd_plugin.iommu.interrupt_range import in_interrupt_range, translation_request_into_range
from vtd_plugin.iommu.request import Request, denied
from vtd_plugin.iommu.second_stage import LEGACY_CONDITIONS, SecondStageTables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vtd_plugin.iommu.state import TranslationState

_ROOT_BYTES: Final = RootEntry.BITS // 8
_CONTEXT_BYTES: Final = ContextEntry.BITS // 8
_POINTER: Final = ContextEntry.mask("SSPTPTR")


class LegacyMode:
    """Requests while the root table pointer says legacy mode.

    Args:
        state: What all look-ups of the unit share.
    """

    __slots__ = (
        "_caps",
        "_context_reserved",
        "_no_write_flag",
        "_root_reserved",
        "_state",
        "_zero_length_reads",
    )

    def __init__(self, state: TranslationState) -> None:
        self._state = state
        self._caps = state.caps
        self._root_reserved = RootEntry.reserved(state.caps)
        self._context_reserved = ContextEntry.reserved(state.caps)
        self._zero_length_reads = bool(state.caps.CAP.ZLR)
        self._no_write_flag = bool(state.caps.ECAP.NWFS)

    def resolve(self, request: Request) -> IotlbEntry | Condition:
        """Answer a request; the steps are those of the fault table (§7.1.3)."""
        if request.attributes.pasid is not None:
            return Condition.RTA_2
        if self._state.root.SSIRWE:
            return Condition.RTA_1_4
        context = self._find_context(request)
        if isinstance(context, Condition):
            return context
        return self._translate(request, context)

    # --- root and context (§9.1, §9.3)

    def _find_context(self, request: Request) -> CachedContext | Condition:
        cache = self._state.caches.context
        cached = cache.get(request.source_id)
        if cached is None:
            context = self.read_context(request)
            if isinstance(context, Condition):
                if context.qualified and self._caps.CAP.CM:
                    cache.put(request.source_id, self._failure(context, request))
                return context
            cache.put(request.source_id, context)
            cached = context
        request.suppressed = cached.suppressed
        request.domain_id = cached.domain_id
        return cached.condition or cached

    @staticmethod
    def _failure(condition: Condition, request: Request) -> CachedContext:
        return CachedContext(0, 0, SecondStageTables(0, 0, 0), 0, request.suppressed, condition)

    def read_context(self, request: Request) -> CachedContext | Condition:
        """Read the context entry of the requester from memory, without any cache."""
        pointer = self._read_root(request)
        if isinstance(pointer, Condition):
            return pointer
        raw = self._state.memory.read_int(
            pointer + (request.source_id & 0xFF) * _CONTEXT_BYTES, _CONTEXT_BYTES
        )
        if raw is None:
            return Condition.LCT_1
        entry = ContextEntry(raw)
        request.suppressed = bool(entry.FPD)
        if not entry.P:
            return Condition.LCT_2
        if raw & self._reserved_in(entry):
            return Condition.LCT_3
        return self._check_context(entry)

    def _reserved_in(self, entry: ContextEntry) -> int:
        """Bits that must be 0; pass-through ignores all of the pointer, the bits above HAW too."""
        ignored = _POINTER if entry.TT == TranslationType.PASS_THROUGH else 0
        return self._context_reserved & ~ignored

    def _read_root(self, request: Request) -> int | Condition:
        address = self._state.root.RTA_address + (request.source_id >> 8) * _ROOT_BYTES
        raw = self._state.memory.read_int(address, _ROOT_BYTES)
        if raw is None:
            return Condition.LRT_1
        entry = RootEntry(raw)
        if not entry.P:
            return Condition.LRT_2
        if raw & self._root_reserved:
            return Condition.LRT_3
        return entry.CTP_address

    def _check_context(self, entry: ContextEntry) -> CachedContext | Condition:
        if entry.AW not in self._state.address_widths:
            return Condition.LCT_4_1
        kind = entry.TT
        if (
            kind == TranslationType.RESERVED
            or (kind == TranslationType.DEVICE_TLB and not self._caps.ECAP.DT)
            or (kind == TranslationType.PASS_THROUGH and not self._caps.ECAP.PT)
        ):
            return Condition.LCT_4_2
        return CachedContext(
            entry.DID,
            kind,
            SecondStageTables(entry.SSPTPTR_address, levels(entry.AW), entry.DID),
            min(self._caps.mgaw_bits, width_bits(entry.AW)),
            bool(entry.FPD),
        )

    # --- what the context entry asks for

    def _translate(self, request: Request, context: CachedContext) -> IotlbEntry | Condition:
        kind = request.tables = TranslationType(context.translation_type)
        if not request.untranslated and kind != TranslationType.DEVICE_TLB:
            return Condition.LCT_5
        if kind == TranslationType.PASS_THROUGH:
            return self._as_it_is(request, context, Condition.LGN_1_3)
        if not request.untranslated and not request.asks_translation:
            return self._as_it_is(request, context, Condition.LGN_1_2)
        if request.asks_translation and in_interrupt_range(request.address):
            return translation_request_into_range(request, no_write_flag=self._no_write_flag)
        if request.address >> context.input_bits:
            return Condition.LGN_1_1
        return self._walk(request, context)

    def _as_it_is(
        self, request: Request, context: CachedContext, too_high: Condition
    ) -> IotlbEntry | Condition:
        if request.address >> self._caps.haw:
            return too_high
        if in_interrupt_range(request.address):
            return Condition.LGN_4
        return self._state.untranslated_page(request, context.domain_id)

    def _walk(self, request: Request, context: CachedContext) -> IotlbEntry | Condition:
        needed = request.rights_needed(zero_length_reads=self._zero_length_reads)
        absent = denied(request.attributes.kind, Condition.LGN_2, Condition.LGN_3)
        stage = self._state.second_stage
        request.cacheable = True
        leaf = stage.walk(context.tables, request.address, LEGACY_CONDITIONS, absent)
        if isinstance(leaf, Condition):
            return leaf
        missing = needed & ~leaf.rights
        request.cacheable = False
        if missing:
            return denied(missing, Condition.LGN_2, Condition.LGN_3)
        if in_interrupt_range(leaf.base | request.address & leaf.mask):
            return Condition.LGN_4
        return IotlbEntry(
            leaf.base,
            leaf.mask,
            leaf.rights,
            tag=request.source_id,
            iova=request.address,
            domain_id=context.domain_id,
            suppressed=context.suppressed,
            snoop=bool(leaf.entry & stage.format.snoop),
        )

    # --- what listeners are told

    def mappings(self, source_id: int, first: int, last: int) -> Iterator[Mapping] | None:
        """The pages of a requester within [first, last]; None where it sees memory as it is."""
        context = self.read_context(Request(source_id, first, 0, READ))
        if isinstance(context, Condition):
            return iter(())
        if context.translation_type == TranslationType.PASS_THROUGH:
            return None
        last = min(last, (1 << context.input_bits) - 1)
        return self._state.second_stage.mappings(context.tables, first, last)

    def domain_of(self, source_id: int) -> int | None:
        """The domain of a requester as its context entry in memory has it; None without one."""
        context = self.read_context(Request(source_id, 0, 0, READ))
        return None if isinstance(context, Condition) else context.domain_id
