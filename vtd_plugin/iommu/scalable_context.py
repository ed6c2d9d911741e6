"""Root and context entries of scalable mode, and the context cache (§9.2, §9.4).

A context entry says where the PASIDs of a requester are and which kinds of requests it may send.
Whether one request may is asked of it elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vtd_plugin.encodings.faults import Condition
from vtd_plugin.encodings.structures import ScalableContextEntry, ScalableRootEntry
from vtd_plugin.iommu.cached_entries import ScalableContext

if TYPE_CHECKING:
    from vtd_plugin.iommu.request import Request
    from vtd_plugin.iommu.state import TranslationState

_ROOT_BYTES: Final = ScalableRootEntry.BITS // 8
_CONTEXT_BYTES: Final = ScalableContextEntry.BITS // 8
_DEVICES_PER_HALF: Final = 0x80


class ScalableContexts:
    """The context entries of all requesters, cached.

    Args:
        state: What all look-ups of the unit share.
    """

    __slots__ = ("_caps", "_context_reserved", "_lower_reserved", "_state", "_upper_reserved")

    def __init__(self, state: TranslationState) -> None:
        self._state = state
        self._caps = state.caps
        reserved = ScalableRootEntry.reserved(state.caps)
        half = (1 << ScalableRootEntry.BITS // 2) - 1
        self._lower_reserved = reserved & half
        self._upper_reserved = reserved & ~half
        self._context_reserved = ScalableContextEntry.reserved(state.caps)

    def find(self, request: Request) -> ScalableContext | Condition:
        """The context entry of the requester, or why its request is blocked by it."""
        cache = self._state.caches.scalable_context
        cached = cache.get(request.source_id)
        if cached is None:
            found = self.read(request)
            if isinstance(found, Condition):
                if found.qualified and self._caps.CAP.CM:
                    failure = ScalableContext(
                        ScalableContextEntry(0), request.suppressed, condition=found
                    )
                    cache.put(request.source_id, failure)
                return found
            cache.put(request.source_id, found)
            cached = found
        request.suppressed = cached.suppressed
        return cached.condition or cached

    def read(self, request: Request) -> ScalableContext | Condition:
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
