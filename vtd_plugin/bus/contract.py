"""What the parts of a platform expect of each other.

Whoever has these methods takes part; nothing needs to be subclassed. An IOMMU is a `Unit`, the
address spaces it hands to ports are `AddressSpace`s, whatever sits behind MMIO is an `MmioTarget`,
and a `Device` is anything that takes part in resets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

from vtd_plugin.bus.words import Word

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vtd_plugin.bus.interrupts import InterruptMessage
    from vtd_plugin.bus.mappings import Mapping
    from vtd_plugin.bus.port import RequesterPort
    from vtd_plugin.bus.requests import Attributes, Fault, Resolution, Translation
    from vtd_plugin.bus.transfer import Transfer
    from vtd_plugin.bus.unit_host import UnitHost


class ResetKind(Word):
    """How much a reset resets."""

    COLD = "cold"
    """Power good: everything."""
    WARM = "warm"
    """Platform reset: sticky status survives."""
    FUNCTION = "function"
    """One device's own reset."""


class ResetOrder(Word):
    """Which half of a platform is reset first."""

    MASTERS_FIRST = "masters-first"
    UNITS_FIRST = "units-first"


def require_part(part: object, protocol: type) -> None:
    """Refuse an object that lacks what a protocol of this module asks for.

    Raises:
        TypeError: It does, or it is a class.
    """
    if isinstance(part, type):
        raise TypeError(f"{part.__name__} is a class; give an instance of it: {part.__name__}(...)")
    wanted = [name for name in vars(protocol) if not name.startswith("_")]
    missing = [name for name in wanted if not hasattr(part, name)]
    if missing:
        raise TypeError(
            f"{part!r} is no {protocol.__name__}: it lacks {', '.join(missing)} "
            f"(see vtd_plugin.bus.{protocol.__name__})"
        )


class AddressSpace(Protocol):
    """What a requester sees when it puts an address on the bus."""

    @property
    def name(self) -> str:
        """What reports call it."""

    @property
    def remapped(self) -> bool:
        """Whether addresses are looked up; False for memory as it is."""

    def resolve(
        self, source_id: int, address: int, size: int, attributes: Attributes
    ) -> Resolution:
        """Answer one request; it never crosses a 4 KiB border.

        Args:
            source_id: Who asks (16 bits).
            address: First byte (64 bits).
            size: Bytes; 0 is a zero-length read.
            attributes: What is asked for.

        Returns:
            Where the page lies, why it is blocked, or that it is an interrupt. The rights of a
            translation have been checked; its rest (`mask`) may serve the requester's next pages.
        """


class Unit(Protocol):
    """An IOMMU. The platform calls, the unit answers; its own wishes go to its `UnitHost`."""

    @property
    def name(self) -> str:
        """What events and reports call it; unique on its platform."""

    @property
    def register_bytes(self) -> int:
        """Size of its register set in bytes."""

    def attach(self, host: UnitHost) -> None:
        """Take the platform's side; called once, before anything else."""

    def port_added(self, port: RequesterPort) -> None:
        """A requester is now in the unit's scope: answer with `port.switch`."""

    def mappings(self, port: RequesterPort) -> Iterable[Mapping]:
        """All that the space of a port maps now, if it is no `DirectSpace`; for late listeners."""

    def interrupt(self, source_id: int, address: int, data: int) -> InterruptMessage | Fault | None:
        """A requester wrote a dword to the interrupt window: what leaves for the processors?

        None: the unit took it, and nothing leaves.
        """

    def transfer_ended(self, transfer: Transfer) -> None:
        """A transfer of a port in scope is no longer in flight."""

    def read_register(self, offset: int, size: int) -> int:
        """Read `size` bytes (1, 2, 4 or 8, aligned) of the register set."""

    def write_register(self, offset: int, value: int, size: int) -> None:
        """Write `size` bytes (1, 2, 4 or 8, aligned) of the register set."""

    def reset(self, kind: ResetKind) -> None:
        """Reset, and switch every port accordingly."""


@runtime_checkable
class LeasingUnit(Protocol):
    """A unit whose translations may be leased; it recalls those that it forgets.

    A switch of the port recalls all its leases; for anything less the unit calls
    `UnitHost.recall`. Of a unit without `keeps` nothing is leased while it remaps.
    """

    def keeps(self, translation: Translation) -> bool:
        """Whether the next request would be answered with this very translation, until recalled."""


@runtime_checkable
class MmioTarget(Protocol):
    """Registers behind an address range."""

    def read(self, offset: int, size: int) -> int:
        """Read `size` bytes (1, 2, 4 or 8, aligned); less than 2 ** (8 * size)."""

    def write(self, offset: int, value: int, size: int) -> None:
        """Write `size` bytes (1, 2, 4 or 8, aligned)."""


class Device(Protocol):
    """A bus master, or anything else that a platform reset reaches."""

    @property
    def name(self) -> str:
        """What reports call it; unique on its platform."""

    def reset(self, kind: ResetKind) -> None:
        """Reset; what it had in flight has been aborted already."""


class Listener(Protocol):
    """The host of an assigned device: told, in order, what a requester's address space maps.

    A shadow kept from these calls alone equals that address space at every moment. An unmap names
    a mapping exactly as it was mapped; a switch comes when nothing is mapped.
    """

    def switch(self, port: RequesterPort, *, remapped: bool) -> None:
        """The port sees another address space now, or the same one with another content."""

    def map(self, port: RequesterPort, mapping: Mapping) -> None:
        """These addresses are mapped now."""

    def unmap(self, port: RequesterPort, iova: int, size: int) -> None:
        """What was mapped there no longer is."""
