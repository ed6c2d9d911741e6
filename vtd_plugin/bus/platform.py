"""A platform: memory, registers, requesters and the units between them.

It decodes addresses, hands requesters to units, and resets masters and units in either order. It
has no processors and no clock; whoever drives it is the processor, and time passes elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar, cast

from vtd_plugin.bus.contract import Device, MmioTarget, ResetKind, ResetOrder, Unit, require_part
from vtd_plugin.bus.events import ResetDone
from vtd_plugin.bus.fabric import Fabric
from vtd_plugin.bus.listeners import AssignedDevice
from vtd_plugin.bus.memory import anonymous_ram
from vtd_plugin.bus.mmio import MmioRegion
from vtd_plugin.bus.plugins import load_plugins, observers, offered_kinds
from vtd_plugin.bus.port import RequesterPort
from vtd_plugin.bus.registry import find_kind
from vtd_plugin.bus.scopes import Place, Scopes
from vtd_plugin.bus.source_id import parse_source_id
from vtd_plugin.bus.unit_host import UnitHost, UnitRegisters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from typing_extensions import Buffer

    from vtd_plugin.bus.events import Event
    from vtd_plugin.bus.interrupts import InterruptMessage
    from vtd_plugin.bus.memory import Memory

AnyUnit = TypeVar("AnyUnit", bound=Unit)
AnyDevice = TypeVar("AnyDevice", bound=Device)

UNIT_BASE: Final = 0xFED9_0000
"""Where a unit's registers are unless another address is given."""

_PLATFORM_RESETS: Final = (ResetKind.WARM, ResetKind.COLD)

DEFAULT_RAM: Final = 64 << 20
"""Bytes of RAM of a platform that is told nothing else."""


class Platform:
    """A bus with memory, and whatever is added to it.

    Attributes:
        plugins: The plug-in manager; a plug-in registered here later hears of the units added.
        registry: The kinds of units and devices that plug-ins offer.
    """

    def __init__(
        self,
        ram_size: int = DEFAULT_RAM,
        *,
        ram: Buffer | None = None,
        plugins: Iterable[object] = (),
        load_entry_points: bool = True,
    ) -> None:
        """Put a platform together.

        Args:
            ram_size: Bytes of zeroed RAM at address 0; the host spends memory only on what is
                written. 0 for none.
            ram: RAM at address 0 to use instead, a buffer as `add_ram` takes.
            plugins: Plug-ins at hand, objects with hook implementations.
            load_entry_points: Whether plug-ins of installed packages take part as well.

        Raises:
            TypeError: `ram` is no buffer, or `ram_size` no number.
            ValueError: The RAM cannot be used.
            pluggy.PluginValidationError: A plug-in implements a hook that does not exist, or one
                without the marker.
        """
        self._fabric = Fabric()
        self._scopes = Scopes()
        self._ports: dict[int, RequesterPort] = {}
        self._assigned: dict[int, AssignedDevice] = {}
        self._devices: dict[str, Device] = {}
        if ram is not None or ram_size:
            self.add_ram(0, anonymous_ram(ram_size) if ram is None else ram)
        self.plugins = load_plugins(plugins, installed=load_entry_points)
        self.registry = offered_kinds(self.plugins)
        for observer in observers(self.plugins, self):
            self.add_observer(observer)

    @property
    def memory(self) -> Memory:
        """The RAM."""
        return self._fabric.memory

    @property
    def units(self) -> tuple[Unit, ...]:
        """The units, in the order they were added."""
        return tuple(place.unit for place in self._scopes)

    @property
    def devices(self) -> tuple[Device, ...]:
        """The devices, in the order they were added."""
        return tuple(self._devices.values())

    @property
    def ports(self) -> tuple[RequesterPort, ...]:
        """The requester ports, in the order they were asked for."""
        return tuple(self._ports.values())

    def add_ram(self, base: int, buffer: Buffer) -> None:
        """Put RAM at an address.

        Args:
            base: Physical address of its first byte.
            buffer: A writable, contiguous buffer: a bytearray, an mmap, the `buf` of a
                `SharedMemory`, a NumPy array. It is used, not copied, and cannot be resized or
                closed until `memory.close`.

        Raises:
            TypeError: It is no buffer.
            ValueError: The buffer cannot be used, or something is there already.
        """
        self._fabric.add_ram(base, buffer)
        self._memory_changed()

    def add_mmio(self, base: int, size: int, target: MmioTarget, *, dma: bool = False) -> None:
        """Put registers at an address.

        Args:
            base: Physical address of the first byte.
            size: Bytes.
            target: Who answers.
            dma: Whether requesters reach it too, as a peer, or only CPUs.

        Raises:
            TypeError: The target lacks a method of an `MmioTarget`.
            ValueError: Something is there already, or the range is not within 64 bits.
        """
        require_part(target, MmioTarget)
        self._fabric.add_mmio(MmioRegion(base, size, target, dma))
        self._memory_changed()

    def add_unit(
        self,
        unit: AnyUnit,
        base: int = UNIT_BASE,
        scope: Iterable[int | str] | None = None,
    ) -> AnyUnit:
        """Add an IOMMU and give it the requesters it takes.

        Args:
            unit: The unit.
            base: Physical address of its registers; by default 0xFED9_0000.
            scope: The source-ids it takes; None for every requester that no other unit does.

        Returns:
            The unit.

        Raises:
            TypeError: It lacks a method of a `Unit`, or the scope is a string.
            ValueError: It or another of its name was added before, its registers or its scope
                overlap another's, or a requester in its scope belongs to another unit already.
        """
        require_part(unit, Unit)
        if isinstance(scope, str):
            raise TypeError(
                f"scope {scope!r} is one string: give a list of source-ids, [{scope!r}]"
            )
        named = None if scope is None else frozenset(map(parse_source_id, scope))
        place = Place(unit, base, UnitHost(self._fabric), named)
        self._scopes.require_new(place, self.ports)
        self.add_mmio(base, unit.register_bytes, UnitRegisters(unit))
        self._scopes.add(place)
        unit.attach(place.host)
        for port in self.ports:
            self._settle(port)
        self.plugins.hook.vtd_plugin_unit_added.call_historic(
            kwargs={"platform": self, "unit": unit}
        )
        return unit

    def requester(self, source_id: int | str) -> RequesterPort:
        """The port of a requester, always the same one.

        Args:
            source_id: 16 bits, or text such as ``"00:04.0"``.

        Raises:
            ValueError: It is no source-id.
        """
        number = parse_source_id(source_id)
        port = self._ports.get(number)
        if port is None:
            port = self._ports[number] = RequesterPort(self._fabric, number)
            self._settle(port)
        return port

    def assign(self, source_id: int | str) -> AssignedDevice:
        """The device behind a requester as a hypervisor passes it through, always the same one.

        Args:
            source_id: 16 bits, or text such as ``"00:04.0"``.

        Raises:
            ValueError: It is no source-id.
        """
        port = self.requester(source_id)
        device = self._assigned.get(port.source_id)
        if device is None:
            device = self._assigned[port.source_id] = AssignedDevice(self._fabric, port)
        return device

    def add_device(self, device: AnyDevice) -> AnyDevice:
        """Let a device take part in resets.

        Raises:
            TypeError: It lacks a method of a `Device`.
            ValueError: There is one of that name.
        """
        require_part(device, Device)
        if device.name in self._devices:
            raise ValueError(
                f"there is a device {device.name!r} already; each needs a name of its own"
            )
        self._devices[device.name] = device
        return device

    def create_unit(
        self,
        kind: str,
        *,
        base: int = UNIT_BASE,
        scope: Iterable[int | str] | None = None,
        **options: object,
    ) -> Unit:
        """Build a unit that a plug-in offers, and add it.

        Args:
            kind: Its name in `registry`.
            base: See `add_unit`.
            scope: See `add_unit`.
            **options: What the kind can be told.

        Raises:
            ValueError: There is no such kind or option, or the unit cannot be added.
        """
        found = find_kind(self.registry.units, kind)
        return self.add_unit(cast("Unit", found.build(options)), base, scope)

    def create_device(self, kind: str, source_id: int | str, **options: object) -> Device:
        """Build a device that a plug-in offers, and add it.

        Args:
            kind: Its name in `registry`.
            source_id: Its requester's.
            **options: What the kind can be told.

        Raises:
            ValueError: There is no such kind or option, or the device cannot be added.
        """
        found = find_kind(self.registry.devices, kind)
        port = self.requester(source_id)
        return self.add_device(cast("Device", found.build(options, port)))

    def add_interrupt_sink(self, sink: Callable[[InterruptMessage], object]) -> None:
        """Hand every interrupt message to a callable, as processors would take them.

        Raises:
            TypeError: It cannot be called.
        """
        self._fabric.add_sink(sink)

    def add_observer(self, observer: Callable[[Event], object]) -> Callable[[], None]:
        """Call somebody with every event.

        Args:
            observer: Called with an `Event`; what it returns does not matter.

        Returns:
            What to call to stop that.

        Raises:
            TypeError: It cannot be called.
        """
        return self._fabric.add_observer(observer)

    def read(self, address: int, size: int) -> bytes:
        """Read as a CPU; where nothing answers, 0xFF.

        Args:
            address: Physical address of the first byte.
            size: Bytes.

        Raises:
            ValueError: The access is not within 64 bits of address.
        """
        _check_access(address, size)
        return self._fabric.cpu_read(address, size)

    def write(self, address: int, data: Buffer) -> None:
        """Write as a CPU; bytes for where nothing answers are dropped.

        Args:
            address: Physical address of the first byte.
            data: The bytes.

        Raises:
            ValueError: The access is not within 64 bits of address.
        """
        source = memoryview(data).cast("B")
        _check_access(address, len(source))
        self._fabric.cpu_write(address, source)

    def reset(
        self,
        kind: ResetKind | str = ResetKind.WARM,
        order: ResetOrder | str = ResetOrder.MASTERS_FIRST,
    ) -> None:
        """Reset the platform; RAM keeps its content.

        Args:
            kind: ``"warm"`` or ``"cold"``.
            order: ``"masters-first"`` or ``"units-first"``; hardware may do either.

        Raises:
            ValueError: The kind or the order is no such word.
        """
        kind, order = _platform_reset(kind), ResetOrder(order)
        halves = [self._reset_masters, self._reset_units]
        if order is ResetOrder.UNITS_FIRST:
            halves.reverse()
        for half in halves:
            half(kind, order)

    def reset_masters(self, kind: ResetKind | str = ResetKind.WARM) -> None:
        """Abort all that is in flight and reset every device.

        Raises:
            ValueError: The kind is neither warm nor cold.
        """
        self._reset_masters(_platform_reset(kind))

    def reset_units(self, kind: ResetKind | str = ResetKind.WARM) -> None:
        """Reset every unit; what is in flight keeps the translations it began with.

        Raises:
            ValueError: The kind is neither warm nor cold.
        """
        self._reset_units(_platform_reset(kind))

    def _reset_masters(self, kind: ResetKind, order: ResetOrder | None = None) -> None:
        for port in self.ports:
            port.abort_all()
        for device in self.devices:
            device.reset(kind)
        self._reset_done(kind, "masters", order)

    def _reset_units(self, kind: ResetKind, order: ResetOrder | None = None) -> None:
        for unit in self.units:
            unit.reset(kind)
        self._reset_done(kind, "units", order)

    def _settle(self, port: RequesterPort) -> None:
        """Hand a requester to the unit that takes it, if it has none."""
        if port.unit is not None:
            return

        def claim() -> Unit | None:
            claimed: Unit | None = self.plugins.hook.vtd_plugin_claim(
                platform=self, source_id=port.source_id
            )
            return claimed

        place = self._scopes.place_for(port.source_id, claim)
        if place is not None:
            port.unit = place.unit
            place.host.ports.append(port)
            place.unit.port_added(port)

    def _memory_changed(self) -> None:
        for port in self._ports.values():
            port.memory_changed()

    def _reset_done(self, kind: ResetKind, part: str, order: ResetOrder | None) -> None:
        if self._fabric.observed:
            self._fabric.emit(ResetDone(kind, part, order))


def _platform_reset(kind: ResetKind | str) -> ResetKind:
    if kind not in _PLATFORM_RESETS:
        raise ValueError(
            f"a platform reset is 'warm' or 'cold', not {kind!r}; a function is reset at its port"
        )
    return ResetKind(kind)


def _check_access(address: int, size: int) -> None:
    if address < 0 or size < 0 or address + size > 1 << 64:
        raise ValueError(f"{size:#x} bytes at {address:#x} are not within 64 bits of address")
