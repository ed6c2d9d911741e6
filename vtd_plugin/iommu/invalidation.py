"""What each invalidation drops, drains, and lets listeners see (§6.5.2 to §6.5.4).

The queue and the registers ask for the same things; what an invalidation covers is decided here,
once. An invalidation covers exactly what its granularity names: the model never drops more, so that
a missing or too narrow invalidation shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vtd_plugin.bus import ALL_ADDRESSES, Transfer, Translation, UnitHost
from vtd_plugin.encodings.codes import (
    ContextGranularity,
    HptGranularity,
    PageTableType,
    PasidCacheGranularity,
    TableMode,
)
from vtd_plugin.iommu.caches import IotlbEntry
from vtd_plugin.iommu.events import CachesDropped, Invalidated

if TYPE_CHECKING:
    from collections.abc import Callable

    from vtd_plugin.iommu.caches import StructureEntry
    from vtd_plugin.iommu.interrupts import Interrupts
    from vtd_plugin.iommu.state import TranslationState
    from vtd_plugin.iommu.switch import StateSwitch

_FUNCTION_MASKS: Final = (0xFFFF, 0xFFFB, 0xFFF9, 0xFFF8)
"""Source-id bits that count, by function mask FM (§11.4.6.1)."""

_PASID_CACHE: Final = {
    PasidCacheGranularity.GLOBAL: "global",
    PasidCacheGranularity.DOMAIN: "domain",
    PasidCacheGranularity.PASID: "PASID",
}

_FIRST_STAGE: Final = (PageTableType.FIRST_STAGE, PageTableType.NESTED)


def _is_old(translation: Translation, covered: Callable[[IotlbEntry], bool]) -> bool:
    return not isinstance(translation, IotlbEntry) or covered(translation)


def page_range(address: int, address_mask: int) -> tuple[int, int]:
    """First and last byte of 2**address_mask pages, naturally aligned."""
    size = 1 << 12 + address_mask
    first = address & -size
    return first, min(first + size - 1, ALL_ADDRESSES)


class Invalidator:
    """Drops what an invalidation covers, tells listeners, and knows what it must drain.

    Args:
        name: Name of the unit.
        host: The platform side.
        state: What the unit translates with.
        switch: The state switch.
        interrupts: The interrupt side, which has a cache of its own.
    """

    __slots__ = (
        "_address_mask",
        "_domain_mask",
        "_host",
        "_interrupts",
        "_name",
        "_state",
        "_switch",
    )

    def __init__(
        self,
        name: str,
        host: UnitHost,
        state: TranslationState,
        switch: StateSwitch,
        interrupts: Interrupts,
    ) -> None:
        self._name = name
        self._host = host
        self._state = state
        self._switch = switch
        self._interrupts = interrupts
        self._domain_mask = (1 << state.caps.domain_id_width) - 1
        self._address_mask = (1 << state.caps.mgaw_bits) - 1

    # --- context cache (§6.5.2.1)

    def context(self, granularity: int, domain_id: int, source_id: int, function_mask: int) -> None:
        """Invalidate context-cache entries and let every requester be looked at afresh.

        In scalable mode entries carry no domain, so that domain-selective acts as global (§6.4).

        Args:
            granularity: One of `ContextGranularity`.
            domain_id: Domain; counts for domain- and device-selective in legacy mode.
            source_id: Device; counts for device-selective.
            function_mask: Which low function bits do not count (FM).
        """
        compared = _FUNCTION_MASKS[function_mask]
        domain_id &= self._domain_mask
        caches = self._state.caches
        legacy = self._state.root.TTM == TableMode.LEGACY
        every_device = granularity != ContextGranularity.DEVICE
        every_domain = granularity == ContextGranularity.GLOBAL or not legacy

        def drop() -> int:
            if every_device and every_domain:
                return caches.context.clear() + caches.scalable_context.clear()
            if not legacy:
                return caches.scalable_context.drop(
                    lambda source, _: not (source ^ source_id) & compared
                )
            return caches.context.drop(
                lambda source, entry: (
                    entry.domain_id == domain_id
                    and (every_device or not (source ^ source_id) & compared)
                )
            )

        self._tell("context cache", ContextGranularity(granularity).name.lower(), domain_id)
        self._switch.perform("context-cache invalidation", drop)

    # --- PASID cache (§6.5.2.2)

    def pasid_cache(self, granularity: int, domain_id: int, pasid: int) -> None:
        """Invalidate PASID-cache entries and let every requester be looked at afresh.

        Args:
            granularity: One of `PasidCacheGranularity`.
            domain_id: Domain; counts unless global.
            pasid: PASID; counts for PASID-selective.
        """
        cache = self._state.caches.pasid
        domain_id &= self._domain_mask
        self._tell(
            "PASID cache", _PASID_CACHE[PasidCacheGranularity(granularity)], domain_id, pasid
        )

        def drop() -> int:
            if granularity == PasidCacheGranularity.GLOBAL:
                return cache.clear()
            one = granularity == PasidCacheGranularity.PASID
            return cache.drop(
                lambda _, entry: entry.domain_id == domain_id and (not one or entry.pasid == pasid)
            )

        self._switch.perform("PASID-cache invalidation", drop)

    # --- IOTLB by domain (§6.5.2.3)

    def iotlb_global(self) -> set[Transfer]:
        """Invalidate the IOTLB and the paging-structure caches; returns what is to be drained."""
        self._tell("IOTLB", "global", covered=lambda _: True)
        caches = self._state.caches
        entries = caches.iotlb.clear() + caches.first_stage.clear() + caches.second_stage.clear()
        self._dropped("global IOTLB invalidation", entries)
        self._switch.update(None)
        return self._transfers(lambda _: True)

    def iotlb_domain(self, domain_id: int) -> set[Transfer]:
        """Invalidate all that belongs to a domain; returns what is to be drained."""
        domain_id &= self._domain_mask
        caches = self._state.caches

        def in_domain(entry: IotlbEntry | StructureEntry) -> bool:
            return entry.domain_id == domain_id

        self._tell("IOTLB", "domain", domain_id, covered=in_domain)
        entries = caches.iotlb.drop(in_domain)
        entries += caches.first_stage.drop(in_domain) + caches.second_stage.drop(in_domain)
        self._dropped("domain IOTLB invalidation", entries)
        self._switch.update(domain_id)
        return self._transfers(in_domain)

    def iotlb_pages(
        self, domain_id: int, address: int, address_mask: int, *, leaf_only: bool
    ) -> set[Transfer]:
        """Invalidate second-stage pages of a domain; returns what is to be drained.

        First-stage and nested entries of the domain go as a whole: they are not tagged by the
        addresses that the second stage takes (§6.5.1.2).

        Args:
            domain_id: The domain.
            address: An input address of the second stage; bits above MGAW are ignored.
            address_mask: Low page-number bits that do not count (AM).
            leaf_only: The invalidation hint: no table pointer changed, so the second-stage
                paging-structure cache may stay (IH).
        """
        domain_id &= self._domain_mask
        first, last = page_range(address & self._address_mask, address_mask)
        caches = self._state.caches

        def covered(entry: IotlbEntry) -> bool:
            return entry.domain_id == domain_id and (
                entry.page_tables in _FIRST_STAGE or entry.overlaps(first, last)
            )

        self._tell("IOTLB", "page", domain_id, None, first, last, covered=covered)
        entries = caches.iotlb.drop(covered)
        entries += caches.first_stage.drop(lambda entry: entry.domain_id == domain_id)
        if not leaf_only:
            entries += caches.second_stage.drop(
                lambda entry: entry.domain_id == domain_id and entry.overlaps(first, last)
            )
        self._dropped("page IOTLB invalidation", entries)
        self._update_pages(domain_id, first, last)
        return self._transfers(covered)

    # --- IOTLB by PASID (§6.5.2.4)

    def iotlb_pasid(self, domain_id: int, pasid: int) -> set[Transfer]:
        """Invalidate all of a PASID in a domain; returns what is to be drained."""
        domain_id &= self._domain_mask
        caches = self._state.caches

        def covered(entry: IotlbEntry | StructureEntry) -> bool:
            return entry.domain_id == domain_id and entry.pasid == pasid

        self._tell("IOTLB", "PASID", domain_id, pasid, covered=covered)
        entries = caches.iotlb.drop(covered) + caches.first_stage.drop(covered)
        self._dropped("PASID IOTLB invalidation", entries)
        self._switch.update(domain_id)
        return self._transfers(covered)

    def iotlb_pasid_pages(
        self, domain_id: int, pasid: int, address: int, address_mask: int, *, leaf_only: bool
    ) -> set[Transfer]:
        """Invalidate first-stage pages of a PASID; returns what is to be drained.

        Args:
            domain_id: The domain.
            pasid: The PASID.
            address: An input address of the first stage.
            address_mask: Low page-number bits that do not count (AM).
            leaf_only: The invalidation hint: no table pointer changed, so the first-stage
                paging-structure cache may stay (IH).
        """
        domain_id &= self._domain_mask
        first, last = page_range(address, address_mask)

        def named(entry: IotlbEntry | StructureEntry) -> bool:
            return (
                entry.domain_id == domain_id
                and entry.pasid == pasid
                and entry.overlaps(first, last)
            )

        def covered(entry: IotlbEntry) -> bool:
            return entry.page_tables in _FIRST_STAGE and named(entry)

        self._tell("IOTLB", "PASID page", domain_id, pasid, first, last, covered=covered)
        caches = self._state.caches
        entries = caches.iotlb.drop(covered)
        if not leaf_only:
            entries += caches.first_stage.drop(named)
        self._dropped("PASID page IOTLB invalidation", entries)
        self._switch.update(domain_id, first, last)
        return self._transfers(covered)

    def _update_pages(self, domain_id: int, first: int, last: int) -> None:
        """Listeners of nested requesters see input addresses that the range does not name."""
        if self._state.root.TTM == TableMode.LEGACY:
            self._switch.update(domain_id, first, last)
        else:
            self._switch.update(domain_id)

    # --- interrupt entry cache (§6.5.2.8)

    def interrupt_entries(self, index: int | None, index_mask: int) -> None:
        """Invalidate cached interrupt remapping entries.

        Args:
            index: First of the entries; None for all.
            index_mask: Low index bits that do not count (IM).
        """
        if index is None:
            self._tell("interrupt entry cache", "global")
        else:
            first = index >> index_mask << index_mask
            last = first + (1 << index_mask) - 1
            self._tell("interrupt entry cache", "index", None, None, first, last)
        self._interrupts.invalidate(index, index_mask)

    # --- host permission tables (§6.5.2.7)

    def host_permissions(
        self, granularity: int, domain_id: int, address: int, address_mask: int
    ) -> None:
        """Invalidate cached host permissions, of which there are none: only observers see it.

        Args:
            granularity: One of `HptGranularity`.
            domain_id: Domain of the tables (HPTDID).
            address: A host address; counts for page-selective.
            address_mask: Low page-number bits that do not count (AM).
        """
        paged = granularity == HptGranularity.PAGE
        pages = page_range(address, address_mask) if paged else (0, ALL_ADDRESSES)
        name = HptGranularity(granularity).name.lower()
        self._tell("HPT cache", name, domain_id & self._domain_mask, None, *pages)

    # --- draining (§6.5.4)

    def in_flight(self) -> set[Transfer]:
        """Every transfer of the unit's requesters that has begun and not ended."""
        return self._transfers(lambda _: True)

    def _transfers(self, covered: Callable[[IotlbEntry], bool]) -> set[Transfer]:
        """The transfers in flight that use a covered translation, or one that is not the unit's.

        Leases are among them, unless they end as soon as they are recalled.
        """
        self._host.recall(lambda translation: _is_old(translation, covered))
        return self._using(covered)

    def _using(self, covered: Callable[[IotlbEntry], bool]) -> set[Transfer]:
        return {
            transfer
            for port in self._host.ports
            for transfer in port.in_flight
            if any(_is_old(translation, covered) for _, _, translation in transfer.translations)
        }

    def _tell(
        self,
        cache: str,
        granularity: str,
        domain_id: int | None = None,
        pasid: int | None = None,
        first: int = 0,
        last: int = ALL_ADDRESSES,
        *,
        covered: Callable[[IotlbEntry], bool] | None = None,
    ) -> None:
        if self._host.observed:
            transfers = len(self._using(covered)) if covered is not None else 0
            self._host.emit(
                Invalidated(
                    self._name, cache, granularity, domain_id, pasid, first, last, transfers
                )
            )

    def _dropped(self, reason: str, entries: int) -> None:
        if entries and self._host.observed:
            self._host.emit(CachesDropped(self._name, reason, entries))
