"""What all look-ups of a unit share: the latched root pointer, the caches, and the walkers.

Registers hold what software asks for; this holds what the unit works with. The two differ between
the write of a pointer and the command that latches it (§11.4.5).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vtd_plugin.bus import Memory, Translation
from vtd_plugin.encodings.registers import RTADDR
from vtd_plugin.iommu.caches import BoundedCache, Iotlb, IotlbEntry, StructureCache
from vtd_plugin.iommu.first_stage import FirstStage
from vtd_plugin.iommu.host_permission import HostPermissions
from vtd_plugin.iommu.second_stage import SecondStage

if TYPE_CHECKING:
    from vtd_plugin.encodings.capabilities import Capabilities
    from vtd_plugin.iommu.cached_entries import CachedContext, CachedPasid, ScalableContext
    from vtd_plugin.iommu.config import VtdConfig
    from vtd_plugin.iommu.request import Request


_PASS_THROUGH_MASK: Final = (1 << 30) - 1
"""Pass-through has no pages; it is answered in pieces of the largest IOTLB size (§3.9)."""


class TranslationCaches:
    """All caches of DMA translation (§6.2).

    Attributes:
        context: Context cache in legacy mode, by source-id.
        scalable_context: Context cache in scalable mode, by source-id. A unit has one cache; the
            two never answer for each other.
        pasid: PASID cache, by source-id and PASID.
        first_stage: First-stage paging-structure cache.
        second_stage: Second-stage paging-structure cache.
        iotlb: The IOTLB.
    """

    __slots__ = ("context", "first_stage", "iotlb", "pasid", "scalable_context", "second_stage")

    def __init__(self, config: VtdConfig) -> None:
        sizes = config.cache_sizes
        self.context: BoundedCache[int, CachedContext] = BoundedCache(
            sizes.context, config.replacement, config.seed
        )
        self.scalable_context: BoundedCache[int, ScalableContext] = BoundedCache(
            sizes.context, config.replacement, config.seed
        )
        self.pasid: BoundedCache[tuple[int, int], CachedPasid] = BoundedCache(
            sizes.pasid, config.replacement, config.seed
        )
        self.first_stage = StructureCache(config)
        self.second_stage = StructureCache(config)
        self.iotlb = Iotlb(config)

    def clear(self) -> int:
        """Drop everything; returns how many entries that was."""
        return (
            self.context.clear()
            + self.scalable_context.clear()
            + self.pasid.clear()
            + self.first_stage.clear()
            + self.second_stage.clear()
            + self.iotlb.clear()
        )


class TranslationState:
    """What the unit translates with.

    Args:
        config: What the unit is.
        memory: Host memory with the tables.

    Attributes:
        caps: Capability registers and platform width.
        memory: Host memory with the tables.
        caches: All caches of DMA translation.
        first_stage: The walker of first-stage tables.
        second_stage: The walker of second-stage tables.
        host_permissions: The walker of host permission tables.
        root: The root table pointer as the last SRTP latched it.
        enabled: Requests are translated. GSTS.TES follows when older requests have drained.
        address_widths: The AW codes that SAGAW offers.
    """

    __slots__ = (
        "address_widths",
        "caches",
        "caps",
        "enabled",
        "first_stage",
        "host_permissions",
        "memory",
        "root",
        "second_stage",
    )

    def __init__(self, config: VtdConfig, memory: Memory) -> None:
        self.caps: Capabilities = config.capabilities
        self.memory = memory
        self.caches = TranslationCaches(config)
        self.second_stage = SecondStage(self.caps, memory, self.caches.second_stage)
        self.first_stage = FirstStage(self.caps, memory, self.caches.first_stage, self.second_stage)
        self.host_permissions = HostPermissions(self.caps, memory)
        self.root = RTADDR(0)
        self.enabled = False
        sagaw = self.caps.CAP.SAGAW
        self.address_widths = frozenset(code for code in (1, 2, 3) if sagaw >> code & 1)

    def latch_root(self, root: RTADDR) -> None:
        """Use another root table pointer from now on."""
        self.root = root
        self.second_stage.use_io_rights(bool(root.SSIRWE))

    def reset(self) -> int:
        """Off, without a root table, all caches empty; returns how many entries they had."""
        self.enabled = False
        self.latch_root(RTADDR(0))
        return self.caches.clear()

    def untranslated_page(self, request: Request, domain_id: int) -> IotlbEntry:
        """The answer to a request that keeps its address: pass-through, or translated already."""
        return IotlbEntry(
            request.address & ~_PASS_THROUGH_MASK,
            _PASS_THROUGH_MASK,
            Translation.READABLE | Translation.WRITABLE,
            tag=request.source_id,
            iova=request.address,
            domain_id=domain_id,
            suppressed=request.suppressed,
        )
