"""The host side of an assigned device: a shadow of what the guest's unit maps.

A hypervisor that hands a disk to a guest cannot walk the guest's tables for each DMA; it keeps the
mappings it was told of, and the device reaches those and nothing else. PASIDs have no mappings
here: a request with one is blocked wherever addresses are remapped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vtd_plugin.bus.mappings import Mapping, MappingSet
from vtd_plugin.bus.requester import Requester
from vtd_plugin.bus.requests import (
    PAGE_SIZE,
    AddressType,
    Answer,
    Attributes,
    Fault,
    Resolution,
    Translation,
)
from vtd_plugin.bus.space import (
    INTERRUPT_WINDOW_BASE,
    INTERRUPT_WINDOW_LAST,
    resolve_in_window,
)

if TYPE_CHECKING:
    from vtd_plugin.bus.fabric import Fabric
    from vtd_plugin.bus.port import RequesterPort

_PAGE_OFFSET = PAGE_SIZE - 1


class Shadow:
    """A listener that holds what it is told, and the address space made of just that.

    Attributes:
        name: What reports call it.
        remapped: What the last switch said.
    """

    __slots__ = ("_mappings", "name", "remapped")

    def __init__(self) -> None:
        self.name = "shadow"
        self.remapped = False
        self._mappings = MappingSet()

    @property
    def mappings(self) -> tuple[Mapping, ...]:
        """What is mapped, by rising address."""
        return tuple(self._mappings)

    def switch(self, port: RequesterPort, *, remapped: bool) -> None:
        """Note what kind of address space comes; everything has been unmapped before."""
        if self._mappings:
            raise ValueError(f"{port!r} switched while {len(self._mappings)} mappings were held")
        self.remapped = remapped

    def map(self, port: RequesterPort, mapping: Mapping) -> None:  # noqa: ARG002 - one port only
        """Hold one more; ValueError if it overlaps what is held."""
        self._mappings.add(mapping)

    def unmap(self, port: RequesterPort, iova: int, size: int) -> None:  # noqa: ARG002 - as above
        """Let one go; ValueError if it is not held exactly so."""
        self._mappings.remove(iova, size)

    def resolve(
        self, source_id: int, address: int, size: int, attributes: Attributes
    ) -> Resolution:
        """Look a request up in what is held; see `AddressSpace.resolve`."""
        with_pasid = attributes.pasid is not None and self.remapped
        if INTERRUPT_WINDOW_BASE <= address <= INTERRUPT_WINDOW_LAST and not with_pasid:
            return resolve_in_window(source_id, address, size, attributes)
        mapping = None if with_pasid else self._mappings.find(address)
        if mapping is None:
            return _host_fault("the host has no mapping", source_id, address, attributes)
        translated = attributes.address_type is not AddressType.UNTRANSLATED
        if translated or (size > 0 and not mapping.allows(attributes.kind)):
            return _host_fault("the mapping does not allow it", source_id, address, attributes)
        return _translation(mapping, address)


class AssignedDevice(Requester):
    """The device end of a requester whose host keeps a shadow.

    What it has in flight counts for the guest's port, so that the unit waits for it as well.

    Attributes:
        shadow: What the host holds.
    """

    __slots__ = ("shadow",)

    def __init__(self, fabric: Fabric, port: RequesterPort) -> None:
        self.shadow = Shadow()
        super().__init__(fabric, port.source_id, self.shadow)
        self.port = port
        port.add_listener(self.shadow)


def _host_fault(text: str, source_id: int, address: int, attributes: Attributes) -> Fault:
    return Fault(0, "HOST.1", text, Answer.UR, source_id, address, attributes, recorded=False)


def _translation(mapping: Mapping, address: int) -> Translation:
    """As much of a mapping as one translation can say: all of it if it is aligned to its size."""
    mask = mapping.size - 1
    if mapping.size & mask or (mapping.iova | mapping.address) & mask:
        mask = _PAGE_OFFSET
    base = mapping.address + (address & ~mask) - mapping.iova
    return Translation(base, mask, mapping.rights)
