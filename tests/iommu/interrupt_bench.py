"""A machine whose unit remaps interrupts: a table, and devices that send messages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tests.iommu.bench import PAGE, SOURCE, Bench
from vtd_plugin import VtdConfig
from vtd_plugin.encodings.registers import IRTA
from vtd_plugin.encodings.structures import (
    FaultRecord,
    IrtePosted,
    IrteRemapped,
    PostedInterruptDescriptor,
    RemapMsiAddress,
    RemapMsiData,
)
from vtd_plugin.software.commands import Command

if TYPE_CHECKING:
    from vtd_plugin.bus import Fault, InterruptMessage
    from vtd_plugin.encodings._layout import Layout

CAPABILITIES: Final = {"IR": 1, "EIM": 1, "PI": 1, "MHMV": 15}

INDEX: Final = 5
"""The entry that most tests use."""

COMPATIBLE: Final = 0xFEE0_3000
"""Address of a message in compatibility format, to the processor with APIC id 3."""

TABLE_ORDER: Final = 7
"""S of the standing table: 256 entries, one page."""


def remappable(index: int, *, sub: int | None = None) -> int:
    """Address of a message in remappable format; with a subhandle its data counts (SHV)."""
    return RemapMsiAddress.pack(HANDLE=index, SHV=int(sub is not None))


class Interrupting(Bench):
    """The standing case: an interrupt-remapping table of 256 entries, all absent.

    Args:
        eime: Destinations have 32 bits (IRTA.EIME).
        on: Latch the table and turn interrupt remapping on.
        compatible: Let messages in compatibility format pass (CFI).
        **changes: What the unit has that is not usual.

    Attributes:
        table: Address of the table.
        descriptor: Address of a posted-interrupt descriptor, all zero.
    """

    def __init__(
        self, *, eime: bool = False, on: bool = True, compatible: bool = False, **changes: Any
    ) -> None:
        super().__init__(VtdConfig(**CAPABILITIES | changes))
        self.table, self.descriptor = self.frames.allocate(), self.frames.allocate()
        self.put(self.table, bytes(2 * PAGE))
        self.set_table(EIME=int(eime))
        if compatible:
            self.commands.run(Command.COMPATIBILITY_INTERRUPTS)
        if on:
            self.commands.run(Command.INTERRUPT_REMAPPING)

    def set_table(self, address: int | None = None, **fields: int) -> None:
        """Program IRTA and latch it."""
        where = self.table if address is None else address
        value = IRTA.pack(**{"IRTA_address": where, "S": TABLE_ORDER} | fields)
        self.registers.write(IRTA, value)
        self.commands.run(Command.SET_INTERRUPT_TABLE)

    def write(self, index: int = INDEX, **fields: int) -> None:
        """Write an entry that remaps; nothing is invalidated."""
        self._put(index, IrteRemapped(IrteRemapped.pack(**{"P": 1} | fields)))

    def write_posted(self, index: int = INDEX, **fields: int) -> None:
        """Write an entry that posts to the descriptor; nothing is invalidated."""
        usual = {"P": 1, "PDA_address": self.descriptor, "VV": 0x61}
        self._put(index, IrtePosted(IrtePosted.pack(**usual | fields)))

    def _put(self, index: int, entry: Layout) -> None:
        self.put(self.table + 16 * index, entry.to_bytes())

    def write_descriptor(self, **fields: int) -> None:
        """Write the posted-interrupt descriptor."""
        self.put_layout(self.descriptor, PostedInterruptDescriptor, **fields)

    def put_layout(self, address: int, layout: type[Layout], **fields: int) -> None:
        """Write a structure anywhere in memory."""
        self.put(address, layout(layout.pack(**fields)).to_bytes())

    def read_descriptor(self) -> PostedInterruptDescriptor:
        """The posted-interrupt descriptor as it is now."""
        return PostedInterruptDescriptor.from_bytes(self.platform.read(self.descriptor, 64))

    def send(
        self, index: int = INDEX, *, sub: int | None = None, data: int = 0, source: int = SOURCE
    ) -> Fault | None:
        """Let a device send a message in remappable format."""
        dword = RemapMsiData.pack(SUBHANDLE=sub) if sub is not None else data
        return self.send_to(remappable(index, sub=sub), dword, source)

    def send_to(self, address: int, data: int = 0x41, source: int = SOURCE) -> Fault | None:
        """Let a device write a dword to the interrupt range; the fault that blocked it, if any."""
        result = self.port(source).write(address, data.to_bytes(4, "little"))
        assert result.ok is (result.fault is None)
        return result.fault

    def taken(self) -> list[InterruptMessage]:
        """The messages that reached the processors since the last time."""
        messages = list(self.interrupts.messages)
        self.interrupts.messages.clear()
        return messages

    @property
    def fault_record(self) -> FaultRecord:
        """The first fault record, as the structure whose fault information is an index."""
        return FaultRecord(self.record().value)
