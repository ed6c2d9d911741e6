"""The state switch: what every requester sees after remapping has changed as a whole.

System reset, translation on, translation off, a new root table pointer, and context-cache
invalidation all end here, in one function and one order: drop the caches that the event must drop,
then for every requester unmap what its listeners hold, choose its address space afresh, and replay
what that space maps. After a reset with translation on, firmware that knows nothing of IOMMUs must
reach memory untranslated at once; that is what this module is for.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

from vtd_plugin.bus import (
    ALL_ADDRESSES,
    AddressSpace,
    AddressType,
    Attributes,
    DirectSpace,
    Fault,
    Mapping,
    RequesterPort,
    Resolution,
    Translation,
    UnitHost,
)
from vtd_plugin.encodings.faults import Condition
from vtd_plugin.encodings.registers import GSTS
from vtd_plugin.iommu.events import CachesDropped, ShadowTruncated
from vtd_plugin.iommu.remapping import PAGE_MASK, Remapper

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from vtd_plugin.iommu.faults import FaultLog
    from vtd_plugin.iommu.protected import ProtectedMemory
    from vtd_plugin.iommu.registers import RegisterFile
    from vtd_plugin.iommu.state import TranslationState

MAPPING_LIMIT: Final = 1 << 18
"""Mappings replayed to one listener at once: tables that refer to themselves map without end."""


class Untranslated(DirectSpace):
    """Memory as it is, while translation is off.

    While interrupts are remapped, what may not be written to the interrupt range is a fault of
    interrupt remapping (IR.29, §5.1.4.1).
    """

    __slots__ = ("_faults", "_registers")

    def __init__(self, registers: RegisterFile, faults: FaultLog) -> None:
        self._registers = registers
        self._faults = faults

    def resolve(
        self, source_id: int, address: int, size: int, attributes: Attributes
    ) -> Resolution:
        """Answer one request inside one page (`AddressSpace.resolve`)."""
        found = super().resolve(source_id, address, size, attributes)
        if (
            isinstance(found, Fault)
            and attributes.address_type is AddressType.UNTRANSLATED
            and self._registers.load(GSTS).IRES
        ):
            plain = Attributes(attributes.kind, no_snoop=attributes.no_snoop)  # no PASID (§4.2.1)
            return self._faults.block(Condition.IR_29, source_id, address, plain)
        return found


class UntranslatedWithRegions:
    """The same, but for the protected regions."""

    __slots__ = ("_protected", "_untranslated")

    name: Final = "direct"
    remapped: Final = False

    def __init__(self, untranslated: Untranslated, protected: ProtectedMemory) -> None:
        self._untranslated = untranslated
        self._protected = protected

    def resolve(
        self, source_id: int, address: int, size: int, attributes: Attributes
    ) -> Resolution:
        """Answer one request inside one page (`AddressSpace.resolve`)."""
        found = self._untranslated.resolve(source_id, address, size, attributes)
        if not isinstance(found, Translation):
            return found
        if self._protected.covers(address, address + max(size, 1) - 1):
            return self._protected.block(source_id, address, attributes)
        return Translation(address & ~PAGE_MASK, PAGE_MASK)


class PassThrough:
    """The remapped space of a requester whose context entry says pass-through.

    Its requests take the way of all others, with the checks and the draining that belong to it;
    only what it is called, and so what listeners make of it, is different.
    """

    __slots__ = ("resolve",)

    name: Final = "pass-through"
    remapped: Final = False

    def __init__(self, remapper: Remapper) -> None:
        self.resolve = remapper.resolve


class StateSwitch:
    """Chooses and announces the address space of every requester of the unit.

    Args:
        name: Name of the unit.
        host: The platform side.
        state: What the unit translates with.
        remapper: The address space while translation is on.
        protected: The protected memory regions.
        untranslated: The address space while translation is off.
    """

    __slots__ = (
        "_host",
        "_name",
        "_pass_through",
        "_protected",
        "_remapper",
        "_state",
        "_untranslated",
        "_with_regions",
    )

    def __init__(
        self,
        name: str,
        host: UnitHost,
        state: TranslationState,
        remapper: Remapper,
        protected: ProtectedMemory,
        untranslated: Untranslated,
    ) -> None:
        self._name = name
        self._host = host
        self._state = state
        self._remapper = remapper
        self._protected = protected
        self._untranslated = untranslated
        self._with_regions = UntranslatedWithRegions(untranslated, protected)
        self._pass_through = PassThrough(remapper)

    def perform(self, reason: str, drop: Callable[[], int] | None = None) -> None:
        """Drop caches, then give every requester its address space afresh.

        Args:
            reason: What happened; events carry it.
            drop: Drops the caches that the event must drop and returns how many entries that was.
        """
        entries = drop() if drop is not None else 0
        if entries and self._host.observed:
            self._host.emit(CachesDropped(self._name, reason, entries))
        self._remapper.refresh()
        for port in self._host.ports:
            self.choose(port, reason)

    def choose(self, port: RequesterPort, reason: str) -> None:
        """Give one requester its address space afresh."""
        space = self.space_of(port.source_id)
        mappings = self.mappings(port) if port.has_listeners else ()
        port.switch(space, mappings, reason)

    def space_of(self, source_id: int) -> AddressSpace:
        """The address space that a requester has now."""
        if not self._state.enabled:
            return self._with_regions if self._protected.ranges else self._untranslated
        if self._remapper.mappings(source_id, 0, 0) is None:
            return self._pass_through
        return self._remapper

    def mappings(
        self, port: RequesterPort, first: int = 0, last: int = ALL_ADDRESSES
    ) -> Iterable[Mapping]:
        """What a requester's address space maps within [first, last], as the tables have it now."""
        pages = None
        if self._state.enabled:
            pages = self._remapper.mappings(port.source_id, first, last)
        if pages is None:
            return self._protected.without(self._memory_as_it_is(first, last))
        return self._protected.without(self._bounded(port.source_id, pages))

    def _memory_as_it_is(self, first: int, last: int) -> Iterator[Mapping]:
        for region in self._host.memory.regions:
            end = region.base + region.size - 1
            if region.base <= last and first <= end:
                yield Mapping(region.base, region.base, region.size).part(first, last)

    def _bounded(self, source_id: int, pages: Iterator[Mapping]) -> Iterator[Mapping]:
        yield from islice(pages, MAPPING_LIMIT)
        if next(pages, None) is not None and self._host.observed:
            self._host.emit(ShadowTruncated(self._name, source_id, MAPPING_LIMIT))

    def update(self, domain_id: int | None, first: int = 0, last: int = ALL_ADDRESSES) -> None:
        """Tell listeners what an IOTLB invalidation lets them see.

        Args:
            domain_id: The domain that was invalidated; None for all.
            first: First address that may have changed.
            last: Last address that may have changed.
        """
        if not self._state.enabled:
            return
        for port in self._host.ports:
            if port.has_listeners and (
                domain_id is None or self._remapper.domain_of(port.source_id) == domain_id
            ):
                port.update(first, last, self.mappings(port, first, last))
