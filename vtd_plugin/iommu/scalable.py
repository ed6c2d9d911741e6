"""Scalable mode: which PASID a request is translated with, and whether it may be (§3.4.3).

Requests without PASID take the one that the context entry gives them (RID_PASID). Translated
requests keep their address; the tables are consulted for them only where the host permission
table is in use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vtd_plugin.bus import READ, Mapping
from vtd_plugin.encodings.faults import Condition
from vtd_plugin.iommu.first_stage import FirstStageTables
from vtd_plugin.iommu.interrupt_range import in_interrupt_range, translation_request_into_range
from vtd_plugin.iommu.pasid import PasidTables
from vtd_plugin.iommu.request import Request
from vtd_plugin.iommu.scalable_context import ScalableContexts
from vtd_plugin.iommu.stages import Stages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vtd_plugin.iommu.cached_entries import CachedPasid, ScalableContext
    from vtd_plugin.iommu.caches import IotlbEntry
    from vtd_plugin.iommu.memory_type import MemoryTypes
    from vtd_plugin.iommu.state import TranslationState

_EXECUTE_NEVER_VERSION: Final = 8
"""Major version from which an execute request is refused before any table is read."""


class ScalableMode:
    """Requests while the root table pointer says scalable mode.

    Args:
        state: What all look-ups of the unit share.
        memory_types: Types of final pages.
    """

    __slots__ = ("_caps", "_contexts", "_no_write_flag", "_pasids", "_stages", "_state")

    def __init__(self, state: TranslationState, memory_types: MemoryTypes) -> None:
        self._state = state
        self._caps = state.caps
        self._contexts = ScalableContexts(state)
        self._pasids = PasidTables(state)
        self._stages = Stages(state, memory_types)
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
        context = self._contexts.find(request)
        if isinstance(context, Condition):
            return context
        blocked = self._check_request(request, context)
        if blocked is not None:
            return blocked
        if not request.untranslated and not request.asks_translation:
            return self._translated(request, context)
        return self._by_pasid(request, context)

    # --- what the context entry allows (§9.4)

    def _check_request(self, request: Request, context: ScalableContext) -> Condition | None:
        """What the context entry allows the request to be (SCT.4.3 to SCT.10, SGN.10)."""
        entry, pasid = context.entry, request.attributes.pasid
        translated = not request.untranslated and not request.asks_translation
        if context.contradicts_itself and (pasid is None or translated):
            return Condition.SCT_4_3
        if not request.untranslated and not entry.DTE:
            return Condition.SCT_5
        if pasid is None:
            return None
        if translated and not entry.EPTR:
            return Condition.SCT_10
        if not translated and not entry.PASIDE:
            return Condition.SCT_6
        if pasid >> self._caps.ECAP.PSS + 1:
            return Condition.SGN_10
        return self._check_pasid(pasid, context)

    def judge_page_request(self, request: Request) -> CachedPasid | Condition:
        """The PASID entry of a page request, or why it is refused (§7.4).

        The fault table has SGN.10 for none: what the directory covers is looked up (§7.1.3).
        """
        context = self._contexts.find(request)
        if isinstance(context, Condition):
            return context
        pasid = request.attributes.pasid
        if context.contradicts_itself and pasid is None:
            return Condition.SCT_4_3
        if not context.entry.PRE:
            return Condition.SCT_8
        if pasid is not None:
            if not context.entry.PASIDE:
                return Condition.SCT_6
            blocked = self._check_pasid(pasid, context)
            if blocked is not None:
                return blocked
        return self._find_pasid(request, context)

    @staticmethod
    def _check_pasid(pasid: int, context: ScalableContext) -> Condition | None:
        """Whether a PASID can be looked up (SCT.7, SCT.9)."""
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
        return self._stages.translate(request, found, privileged=privileged)

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

    # --- what listeners are told

    def _peek(self, source_id: int) -> tuple[CachedPasid, bool] | None:
        """How requests without PASID translate, read from memory."""
        request = Request(source_id, 0, 0, READ)
        context = self._contexts.read(request)
        if isinstance(context, Condition) or context.contradicts_itself:
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
