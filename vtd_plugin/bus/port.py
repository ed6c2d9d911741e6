"""A requester port: the address space that one source-id sees, and who listens to it.

The unit decides which space that is and calls `switch` and `update`; the port does the half that
is the same for every unit: it undoes what listeners hold, in order, before anything new is told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vtd_plugin.bus.contract import LeasingUnit, Listener, ResetKind, require_part
from vtd_plugin.bus.events import AddressSpaceSwitched, Mapped, ResetDone, Unmapped
from vtd_plugin.bus.interrupts import InterruptMessage
from vtd_plugin.bus.lease import Lease
from vtd_plugin.bus.mappings import MappingSet
from vtd_plugin.bus.requester import Requester
from vtd_plugin.bus.requests import ALL_ADDRESSES, PAGE_SIZE, Fault
from vtd_plugin.bus.source_id import format_source_id
from vtd_plugin.bus.space import DIRECT, DirectSpace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from vtd_plugin.bus.contract import AddressSpace, Unit
    from vtd_plugin.bus.fabric import Fabric
    from vtd_plugin.bus.mappings import Mapping
    from vtd_plugin.bus.requests import Translation
    from vtd_plugin.bus.transfer import Transfer


class RequesterPort(Requester):
    """Where one requester meets the bus; a platform has one for each source-id.

    Attributes:
        unit: The unit in whose scope the requester is, or None.
        resets: How often it has been reset, alone or with the platform's masters.
    """

    __slots__ = ("_held", "_in_flight", "_leases", "_listeners", "resets", "unit")

    def __init__(self, fabric: Fabric, source_id: int) -> None:
        super().__init__(fabric, source_id, DIRECT)
        self.port = self
        self.unit: Unit | None = None
        self.resets = 0
        self._listeners: list[Listener] = []
        self._held = MappingSet()
        self._in_flight: dict[Transfer, None] = {}
        self._leases: dict[Transfer, Lease] = {}

    @property
    def in_flight(self) -> tuple[Transfer, ...]:
        """The transfers that have begun and not ended, oldest first."""
        return tuple(self._in_flight)

    @property
    def has_listeners(self) -> bool:
        """Whether anybody listens; if not, a unit need not enumerate what its tables map."""
        return bool(self._listeners)

    @property
    def mappings(self) -> tuple[Mapping, ...]:
        """What the listeners hold, by rising address; empty while nobody listens."""
        return tuple(self._held)

    def switch(self, space: AddressSpace, mappings: Iterable[Mapping], reason: str) -> None:
        """See another address space from now on, or the same one with another content.

        Listeners are told to unmap all they hold, then of the switch, then of every mapping.
        Transfers in flight keep the translations they began with.

        Args:
            space: What the requester sees.
            mappings: All that the space maps; not looked at while nobody listens, nor for a
                `DirectSpace`, of which the port knows what it maps.
            reason: Why, in words.

        Raises:
            ValueError: The mappings overlap each other.
        """
        if isinstance(space, DirectSpace):
            mappings = self._fabric.direct_mappings()
        held = MappingSet(mappings if self._listeners else ())
        self._unmap(self._held.clear())
        before, self.space, self._held = self.space, space, held
        self.recall()
        for listener in self._listeners:
            listener.switch(self, remapped=space.remapped)
        if self._fabric.observed:
            self._fabric.emit(AddressSpaceSwitched(self.source_id, before, space, reason))
        self._map(held)

    def update(self, first: int, last: int, mappings: Iterable[Mapping]) -> None:
        """Tell listeners what an invalidation of [first, last] may have changed.

        Only differences are told: unmaps first, then maps. A new mapping that reaches over the
        border counts whole; of a held one that does, the part outside stays mapped. A `DirectSpace`
        has nothing that an invalidation could change.

        Args:
            first: First address.
            last: Last address.
            mappings: All that the tables map there now, in any cut.

        Raises:
            ValueError: The mappings overlap each other.
        """
        if self._listeners and not isinstance(self.space, DirectSpace):
            self._replace(first, last, mappings)

    def add_listener(self, listener: Listener) -> None:
        """Tell one more, and bring it up to date: a switch, then every mapping there is.

        Raises:
            TypeError: It lacks a method of a `Listener`.
            ValueError: It listens already.
        """
        require_part(listener, Listener)
        if listener in self._listeners:
            raise ValueError(f"{listener!r} listens to {self!r} already")
        if not self._listeners:
            self._held = MappingSet(self._current_mappings())
        self._listeners.append(listener)
        listener.switch(self, remapped=self.space.remapped)
        for mapping in self._held:
            listener.map(self, mapping)

    def remove_listener(self, listener: Listener) -> None:
        """Tell one no longer, after it has unmapped all it holds.

        Raises:
            ValueError: It does not listen.
        """
        if listener not in self._listeners:
            raise ValueError(f"{listener!r} does not listen to {self!r}")
        self._listeners.remove(listener)
        for mapping in self._held:
            listener.unmap(self, mapping.iova, mapping.size)
        if not self._listeners:
            self._held.clear()

    def memory_changed(self) -> None:
        """Tell listeners of memory that was added, if that is what the requester sees."""
        if self._listeners and not self.space.remapped:
            self._replace(0, ALL_ADDRESSES, self._current_mappings())

    def send_interrupt(self, address: int, data: int) -> Fault | None:
        """Send an interrupt message of this requester on its way.

        Args:
            address: In the interrupt window.
            data: The 32-bit data.

        Returns:
            Why the unit blocked it, or None.
        """
        if self.unit is None:
            message: InterruptMessage | Fault | None
            message = InterruptMessage(address, data, self.source_id)
        else:
            message = self.unit.interrupt(self.source_id, address, data)
        if isinstance(message, Fault):
            return message
        if message is not None:
            self._fabric.deliver(message)
        return None

    def lease(self, transfer: Transfer, on_recall: Callable[[Lease], object]) -> Lease | None:
        """Keep the 4 KiB page of a transfer at hand, to be used without asking again.

        Nothing is leased where the transfer is blocked or leaves its page, where not the whole page
        is RAM, and where no unit could call it back (`LeasingUnit`); the transfer stays as it is.

        Args:
            transfer: A read or a write of this port that is in flight. What it reads or writes
                itself counts as a use of the page; the lease ends it.
            on_recall: Told when the lease is called back, and when a reset aborts it, before that
                or after.

        Returns:
            The lease, for reading or for writing as the transfer is; None if there is none.

        Raises:
            ValueError: The transfer is not in flight at this port, or leased already.
        """
        if transfer not in self._in_flight or transfer in self._leases:
            raise ValueError(f"{transfer!r} is not in flight at {self!r}, or leased already")
        memory = self._leasable(transfer)
        if memory is None:
            return None
        lease = self._leases[transfer] = Lease(transfer, memory, on_recall)
        transfer.when_aborted(lease.tell_of_abort)
        return lease

    def recall(self, covered: Callable[[Translation], bool] | None = None) -> None:
        """Call leases back: those of a translation that `covered` names, or all."""
        for transfer, lease in tuple(self._leases.items()):
            if covered is None or covered(transfer.translations[0][2]):
                lease.recall()

    def _leasable(self, transfer: Transfer) -> memoryview | None:
        """The page's bytes, if they may be used until the lease on them is recalled."""
        page = transfer.iova & -PAGE_SIZE
        inside = transfer.iova + transfer.size <= page + PAGE_SIZE
        if not transfer.ok or not inside or len(transfer.translations) != 1:
            return None
        translation = transfer.translations[0][2]
        keeps = self.unit.keeps(translation) if isinstance(self.unit, LeasingUnit) else False
        if not keeps and not isinstance(self.space, DirectSpace):
            return None
        memory = self._fabric.memory.view(translation.address(page), PAGE_SIZE)
        return memory if memory is None or transfer.is_write else memory.toreadonly()

    def transfer_began(self, transfer: Transfer) -> None:
        """Count a transfer as in flight."""
        self._in_flight[transfer] = None

    def transfer_ended(self, transfer: Transfer) -> None:
        """Forget a transfer that was in flight, and tell the unit, which may be draining."""
        del self._in_flight[transfer]
        self._leases.pop(transfer, None)
        if self.unit is not None:
            self.unit.transfer_ended(transfer)

    def abort_all(self) -> None:
        """Abort whatever is in flight, as every reset does."""
        self.resets += 1
        for transfer in self.in_flight:
            transfer.abort()

    def reset(self) -> None:
        """Reset the function: whatever it has in flight is aborted."""
        self.abort_all()
        if self._fabric.observed:
            self._fabric.emit(ResetDone(ResetKind.FUNCTION, format_source_id(self.source_id)))

    def _current_mappings(self) -> Iterable[Mapping]:
        """What the space maps now, for listeners that come late."""
        if isinstance(self.space, DirectSpace) or self.unit is None:
            return self._fabric.direct_mappings()
        return self.unit.mappings(self)

    def _replace(self, first: int, last: int, mappings: Iterable[Mapping]) -> None:
        gone, come = self._held.replace(first, last, mappings)
        self._unmap(gone)
        self._map(come)

    def _map(self, mappings: Iterable[Mapping]) -> None:
        for mapping in mappings:
            for listener in self._listeners:
                listener.map(self, mapping)
            if self._fabric.observed:
                self._fabric.emit(Mapped(self.source_id, mapping))

    def _unmap(self, mappings: Iterable[Mapping]) -> None:
        for mapping in mappings:
            for listener in self._listeners:
                listener.unmap(self, mapping.iova, mapping.size)
            if self._fabric.observed:
                self._fabric.emit(Unmapped(self.source_id, mapping))

    def __repr__(self) -> str:
        return f"RequesterPort({format_source_id(self.source_id)}, {self.space.name})"
