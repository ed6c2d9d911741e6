"""Fakes for those who test against the bus: units, devices, listeners of their own.

They are complete small implementations of the contract that write down what they are asked; they
know no tables. `vtd_plugin.bus.fixtures` has them as fixtures of pytest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vtd_plugin.bus.interrupts import InterruptMessage
from vtd_plugin.bus.listeners import Shadow
from vtd_plugin.bus.mappings import Mapping, MappingSet
from vtd_plugin.bus.requests import (
    PAGE_SIZE,
    WRITE,
    Answer,
    Attributes,
    Fault,
    Resolution,
    Translation,
)
from vtd_plugin.bus.space import (
    DIRECT,
    INTERRUPT_WINDOW_BASE,
    INTERRUPT_WINDOW_LAST,
    resolve_in_window,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vtd_plugin.bus.contract import ResetKind
    from vtd_plugin.bus.port import RequesterPort
    from vtd_plugin.bus.transfer import Transfer
    from vtd_plugin.bus.unit_host import UnitHost


@dataclass(frozen=True, slots=True)
class Request:
    """What a `FakeUnit` was asked to resolve.

    Attributes:
        source_id: Who asked.
        address: First byte.
        size: Bytes.
        attributes: What was asked for.
    """

    source_id: int
    address: int
    size: int
    attributes: Attributes


class FakeUnit:
    """A unit that looks addresses up in mappings it is given, and blocks what it is told to.

    It is the address space of its ports as well. It starts enabled, its registers are plain
    storage, and interrupts pass unchanged.

    Attributes:
        name: What reports call it.
        host: The platform's side; set when it is added.
        tables: What it maps. After a change call `refresh`, or `RequesterPort.update`.
        granule: Bytes that one translation covers, a power of two.
        enabled: Whether ports see it; see `enable`.
        requests: What it was asked to resolve.
        interrupts: The interrupts it was asked to pass: (source-id, address, data).
        ended: The transfers whose end it was told of.
        resets: The resets it was told of.
    """

    remapped = True
    register_bytes = PAGE_SIZE
    host: UnitHost

    def __init__(self, mappings: Iterable[Mapping] = (), *, name: str = "fake") -> None:
        self.name = name
        self.tables = MappingSet(mappings)
        self.granule = PAGE_SIZE
        self.enabled = True
        self.requests: list[Request] = []
        self.interrupts: list[tuple[int, int, int]] = []
        self.ended: list[Transfer] = []
        self.resets: list[ResetKind] = []
        self._blocked: dict[int, Answer] = {}
        self._registers = bytearray(self.register_bytes)

    def enable(self, enabled: bool = True) -> None:
        """Let every port see the unit, or memory as it is."""
        self.enabled = enabled
        self.refresh("enabled" if enabled else "disabled")

    def refresh(self, reason: str = "tables changed") -> None:
        """Switch every port to what the tables say now."""
        for port in self.host.ports:
            self._switch(port, reason)

    def block(self, address: int, answer: Answer = Answer.UR) -> None:
        """Block requests to the page of an address, and interrupts written there."""
        self._blocked[address // PAGE_SIZE] = answer

    def attach(self, host: UnitHost) -> None:
        """See `Unit.attach`."""
        self.host = host

    def port_added(self, port: RequesterPort) -> None:
        """See `Unit.port_added`."""
        self._switch(port, "port added")

    def mappings(self, port: RequesterPort) -> Iterable[Mapping]:  # noqa: ARG002 - one for all
        """See `Unit.mappings`."""
        return self.tables

    def resolve(
        self, source_id: int, address: int, size: int, attributes: Attributes
    ) -> Resolution:
        """See `AddressSpace.resolve`."""
        self.requests.append(Request(source_id, address, size, attributes))
        if INTERRUPT_WINDOW_BASE <= address <= INTERRUPT_WINDOW_LAST:
            return resolve_in_window(source_id, address, size, attributes)
        answer = self._blocked.get(address // PAGE_SIZE)
        mapping = self.tables.find(address)
        if answer is not None:
            return _fault("FAKE.1", "blocked by the test", answer, source_id, address, attributes)
        if mapping is None:
            return _fault("FAKE.2", "not mapped", Answer.UR, source_id, address, attributes)
        if not mapping.allows(attributes.kind):
            return _fault("FAKE.3", "not allowed", Answer.UR, source_id, address, attributes)
        mask = self.granule - 1
        return Translation(mapping.address - mapping.iova + (address & ~mask), mask)

    def interrupt(self, source_id: int, address: int, data: int) -> InterruptMessage | Fault | None:
        """See `Unit.interrupt`."""
        self.interrupts.append((source_id, address, data))
        answer = self._blocked.get(address // PAGE_SIZE)
        if answer is not None:
            return _fault("FAKE.4", "interrupt blocked", answer, source_id, address, WRITE)
        return InterruptMessage(address, data, source_id)

    def transfer_ended(self, transfer: Transfer) -> None:
        """See `Unit.transfer_ended`."""
        self.ended.append(transfer)

    def read_register(self, offset: int, size: int) -> int:
        """See `Unit.read_register`."""
        return int.from_bytes(self._registers[offset : offset + size], "little")

    def write_register(self, offset: int, value: int, size: int) -> None:
        """See `Unit.write_register`."""
        self._registers[offset : offset + size] = value.to_bytes(size, "little")

    def reset(self, kind: ResetKind) -> None:
        """See `Unit.reset`; ports see memory as it is until the unit is enabled again."""
        self.resets.append(kind)
        self.enable(False)

    def _switch(self, port: RequesterPort, reason: str) -> None:
        if self.enabled:
            port.switch(self, self.tables, reason)
        else:
            port.switch(DIRECT, (), reason)


class FakeDevice:
    """A device that writes down its resets.

    Attributes:
        name: What reports call it.
        resets: The resets it was told of.
    """

    def __init__(self, name: str = "device") -> None:
        self.name = name
        self.resets: list[ResetKind] = []

    def reset(self, kind: ResetKind) -> None:
        """See `Device.reset`."""
        self.resets.append(kind)


class FakeRegisters:
    """An MMIO target that stores bytes and writes down its accesses.

    Attributes:
        content: What it holds.
        accesses: (``"read"`` or ``"write"``, offset, size), in order.
    """

    def __init__(self, size: int = PAGE_SIZE) -> None:
        self.content = bytearray(size)
        self.accesses: list[tuple[str, int, int]] = []

    def read(self, offset: int, size: int) -> int:
        """See `MmioTarget.read`."""
        self.accesses.append(("read", offset, size))
        return int.from_bytes(self.content[offset : offset + size], "little")

    def write(self, offset: int, value: int, size: int) -> None:
        """See `MmioTarget.write`."""
        self.accesses.append(("write", offset, size))
        self.content[offset : offset + size] = value.to_bytes(size, "little")


class RecordingListener(Shadow):
    """A shadow that writes down what it is told.

    Attributes:
        calls: ``("switch", remapped)``, ``("map", iova, size)``, ``("unmap", iova, size)``.
    """

    __slots__ = ("calls",)

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[object, ...]] = []

    def switch(self, port: RequesterPort, *, remapped: bool) -> None:
        """See `Listener.switch`."""
        self.calls.append(("switch", remapped))
        super().switch(port, remapped=remapped)

    def map(self, port: RequesterPort, mapping: Mapping) -> None:
        """See `Listener.map`."""
        self.calls.append(("map", mapping.iova, mapping.size))
        super().map(port, mapping)

    def unmap(self, port: RequesterPort, iova: int, size: int) -> None:
        """See `Listener.unmap`."""
        self.calls.append(("unmap", iova, size))
        super().unmap(port, iova, size)


class RecordingSink:
    """A sink that keeps the interrupt messages it gets.

    Attributes:
        messages: Them, in order.
    """

    def __init__(self) -> None:
        self.messages: list[InterruptMessage] = []

    def __call__(self, message: InterruptMessage) -> None:
        """Take a message."""
        self.messages.append(message)


def joined(mappings: Iterable[Mapping]) -> list[Mapping]:
    """The same mappings with neighbours that continue each other made one."""
    result: list[Mapping] = []
    for mapping in MappingSet(mappings):
        last = result[-1] if result else None
        if last and last.last + 1 == mapping.iova and last.agrees_with(mapping):
            result[-1] = last.grown(mapping.size)
        else:
            result.append(mapping)
    return result


def assert_shadow_equals(shadow: Shadow, mappings: Iterable[Mapping]) -> None:
    """Fail unless a shadow maps every address as `mappings` do, in whatever pieces."""
    held, wanted = joined(shadow.mappings), joined(mappings)
    assert held == wanted, f"the shadow holds {held}, the tables allow {wanted}"  # noqa: S101


def _fault(
    name: str, text: str, answer: Answer, source_id: int, address: int, attributes: Attributes
) -> Fault:
    return Fault(0xFF, name, text, answer, source_id, address, attributes)
