"""What each invalidation drops, and the register-based interface to it (§6.5.1, §6.5.3).

The queue and the registers ask for the same things; what an invalidation covers is decided here,
once. An invalidation covers exactly what its granularity names: the model never drops more, so that
a missing or too narrow invalidation shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vtd_plugin.bus import ALL_ADDRESSES, Transfer, UnitHost
from vtd_plugin.encodings.codes import (
    ContextGranularity,
    IotlbGranularity,
    PageTableType,
    TableMode,
)
from vtd_plugin.encodings.registers import CCMD, IOTLB, IVA
from vtd_plugin.iommu.caches import IotlbEntry
from vtd_plugin.iommu.events import CachesDropped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from vtd_plugin.iommu.drain import Drains
    from vtd_plugin.iommu.registers import RegisterFile
    from vtd_plugin.iommu.state import TranslationState
    from vtd_plugin.iommu.switch import StateSwitch

_FUNCTION_MASKS: Final = (0xFFFF, 0xFFFB, 0xFFF9, 0xFFF8)
"""Source-id bits that count, by function mask FM (§11.4.6.1)."""

_SECOND_STAGE: Final = (None, PageTableType.SECOND_STAGE, PageTableType.PASS_THROUGH)
"""What page-selective invalidation treats by address; first-stage and nested go as a whole."""

REGISTER_INTERFACE_GONE: Final = 6
"""Major version from which there is no register-based invalidation (§6.5.1)."""


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
    """

    __slots__ = ("_address_mask", "_domain_mask", "_host", "_name", "_state", "_switch")

    def __init__(
        self, name: str, host: UnitHost, state: TranslationState, switch: StateSwitch
    ) -> None:
        self._name = name
        self._host = host
        self._state = state
        self._switch = switch
        self._domain_mask = (1 << state.caps.domain_id_width) - 1
        self._address_mask = (1 << state.caps.mgaw_bits) - 1

    # --- context cache (§6.5.2.1)

    def context(self, granularity: int, domain_id: int, source_id: int, function_mask: int) -> None:
        """Invalidate context-cache entries and let every requester be looked at afresh."""
        cache = self._state.caches.context
        domain_id &= self._domain_mask
        compared = _FUNCTION_MASKS[function_mask]
        drop: Callable[[], int] = cache.clear
        if granularity == ContextGranularity.DOMAIN:
            drop = lambda: cache.drop(lambda _, entry: entry.domain_id == domain_id)  # noqa: E731
        elif granularity == ContextGranularity.DEVICE:
            drop = lambda: cache.drop(  # noqa: E731
                lambda source, entry: (
                    entry.domain_id == domain_id and not (source ^ source_id) & compared
                )
            )
        self._switch.perform("context-cache invalidation", drop)

    # --- IOTLB (§6.5.2.3)

    def iotlb_global(self) -> set[Transfer]:
        """Invalidate the IOTLB and the paging-structure caches; returns what is to be drained."""
        caches = self._state.caches
        self._dropped(
            "global IOTLB invalidation", caches.iotlb.clear() + caches.second_stage.clear()
        )
        self._switch.update(None)
        return self._transfers(lambda _: True)

    def iotlb_domain(self, domain_id: int) -> set[Transfer]:
        """Invalidate all that belongs to a domain; returns what is to be drained."""
        domain_id &= self._domain_mask
        caches = self._state.caches
        self._dropped(
            "domain IOTLB invalidation",
            caches.iotlb.drop(lambda entry: entry.domain_id == domain_id)
            + caches.second_stage.drop(lambda entry: entry.domain_id == domain_id),
        )
        self._switch.update(domain_id)
        return self._transfers(lambda entry: entry.domain_id == domain_id)

    def iotlb_pages(
        self, domain_id: int, address: int, address_mask: int, *, leaf_only: bool
    ) -> set[Transfer]:
        """Invalidate pages of a domain; returns what is to be drained.

        Args:
            domain_id: The domain.
            address: An input address of the second stage; bits above MGAW are ignored.
            address_mask: Low page-number bits that do not count (AM).
            leaf_only: The invalidation hint: no table pointer changed, so the paging-structure
                caches may stay (IH).
        """
        domain_id &= self._domain_mask
        first, last = page_range(address & self._address_mask, address_mask)

        def covered(entry: IotlbEntry) -> bool:
            return entry.domain_id == domain_id and (
                entry.page_tables not in _SECOND_STAGE or entry.overlaps(first, last)
            )

        entries = self._state.caches.iotlb.drop(covered)
        if not leaf_only:
            entries += self._state.caches.second_stage.drop(
                lambda entry: entry.domain_id == domain_id and entry.overlaps(first, last)
            )
        self._dropped("page IOTLB invalidation", entries)
        self._switch.update(domain_id, first, last)
        return self._transfers(covered)

    # --- draining (§6.5.4)

    def in_flight(self) -> set[Transfer]:
        """Every transfer of the unit's requesters that has begun and not ended."""
        return self._transfers(lambda _: True)

    def _transfers(self, covered: Callable[[IotlbEntry], bool]) -> set[Transfer]:
        """The transfers in flight that use a covered translation, or one that is not the unit's."""
        return {
            transfer
            for port in self._host.ports
            for transfer in port.in_flight
            if any(
                not isinstance(translation, IotlbEntry) or covered(translation)
                for _, _, translation in transfer.translations
            )
        }

    def _dropped(self, reason: str, entries: int) -> None:
        if entries and self._host.observed:
            self._host.emit(CachesDropped(self._name, reason, entries))


class RegisterInvalidation:
    """CCMD, IOTLB and IVA: invalidation commands written to registers (§6.5.1).

    Args:
        state: What the unit translates with.
        registers: The unit's registers.
        invalidator: Does the work.
        drains: Where a command waits for the requests it drains.
    """

    __slots__ = ("_drains", "_invalidator", "_registers", "_state")

    def __init__(
        self,
        state: TranslationState,
        registers: RegisterFile,
        invalidator: Invalidator,
        drains: Drains,
    ) -> None:
        self._state = state
        self._registers = registers
        self._invalidator = invalidator
        self._drains = drains
        registers.on_write(CCMD, "ICC", self._context_command)
        registers.on_write(IOTLB, "IVT", self._iotlb_command)

    @property
    def _available(self) -> bool:
        major = self._state.caps.version >> 4
        return major < REGISTER_INTERFACE_GONE and self._state.root.TTM == TableMode.LEGACY

    def _context_command(self) -> None:
        command = self._registers.load(CCMD)
        if not command.ICC:
            return
        done = command.CIRG if self._available else 0
        if done:
            self._invalidator.context(done, command.DID, command.SID, command.FM)
        self._registers.update(CCMD, ICC=0, CAIG=done)

    def _iotlb_command(self) -> None:
        command = self._registers.load(IOTLB)
        if not command.IVT:
            return
        done, transfers = self._invalidate_iotlb(command) if self._available else (0, set())
        self._drains.start(
            "IOTLB register invalidation",
            transfers,
            lambda: self._registers.update(IOTLB, IVT=0, IAIG=done),
        )

    def _invalidate_iotlb(self, command: IOTLB) -> tuple[int, Iterable[Transfer]]:
        """Returns the granularity that was done, 0 for none, and what is to be drained."""
        granularity = command.IIRG
        if granularity == IotlbGranularity.GLOBAL:
            return granularity, self._invalidator.iotlb_global()
        if granularity == IotlbGranularity.PAGE:
            target = self._registers.load(IVA)
            if target.AM > self._state.caps.CAP.MAMV:
                return 0, ()
            if self._state.caps.CAP.PSI:
                return granularity, self._invalidator.iotlb_pages(
                    command.DID, target.ADDR_address, target.AM, leaf_only=bool(target.IH)
                )
            granularity = IotlbGranularity.DOMAIN
        if granularity == IotlbGranularity.DOMAIN:
            return granularity, self._invalidator.iotlb_domain(command.DID)
        return 0, ()
