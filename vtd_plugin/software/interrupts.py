"""Remapping of interrupts: the table, what devices are told to send, and the caches.

Sections 5.1, 5.2, 6.7, 9.9 and 9.10. Which processor gets which vector is for the caller to
decide; posted-interrupt descriptors are the caller's memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vtd_plugin.bus.source_id import parse_source_id
from vtd_plugin.encodings.codes import SourceValidation
from vtd_plugin.encodings.registers import IRTA
from vtd_plugin.encodings.structures import (
    IrtePosted,
    IrteRemapped,
    RemapMsiAddress,
    RemapMsiData,
)
from vtd_plugin.software import descriptors
from vtd_plugin.software.commands import Command
from vtd_plugin.software.frames import FRAME_BYTES

if TYPE_CHECKING:
    from vtd_plugin.software.channel import UnitChannel
    from vtd_plugin.software.cpu import Cpu
    from vtd_plugin.software.frames import FrameAllocator

_ENTRY_BYTES: Final = IrteRemapped.BITS // 8
_FEWEST_ENTRIES: Final = 2
_MOST_ENTRIES: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Interrupt:
    """An interrupt that a device may send, as software programs it into the device.

    Attributes:
        index: Index of its entry in the interrupt-remapping table; the first of several.
        count: How many entries there are: the device adds 0 to `count` - 1 to the data.
        address: Address of the message, 32 bits.
        data: Data of the message, 32 bits.
    """

    index: int
    count: int
    address: int
    data: int


class InterruptTable:
    """An interrupt-remapping table, all of whose entries are absent at first.

    Telling the unit about a change is not done here.

    Args:
        cpu: The processor to write the table with.
        frames: Where the table comes from.
        entries: How many entries there are: a power of two from 2 to 65536.

    Attributes:
        address: Physical address of the table.
        entries: How many entries there are.

    Raises:
        ValueError: There is no table of that size.
        MemoryError: No frames are left.
    """

    __slots__ = ("_cpu", "address", "entries")

    def __init__(self, cpu: Cpu, frames: FrameAllocator, entries: int) -> None:
        if not _FEWEST_ENTRIES <= entries <= _MOST_ENTRIES or entries & (entries - 1):
            raise ValueError(f"{entries:#x} entries are no power of two within 0x2 to 0x10000")
        self._cpu = cpu
        self.entries = entries
        size = entries * _ENTRY_BYTES
        self.address = frames.allocate(-(-size // FRAME_BYTES))
        cpu.write(self.address, bytes(size))

    def entry_address(self, index: int) -> int:
        """Physical address of an entry.

        Args:
            index: Its index.

        Raises:
            ValueError: The table has no such entry.
        """
        if not 0 <= index < self.entries:
            raise ValueError(f"index {index:#x} is not within 0 to {self.entries - 1:#x}")
        return self.address + index * _ENTRY_BYTES

    def read_entry(self, index: int) -> IrteRemapped | IrtePosted:
        """An entry, as what its IM says that it is.

        Args:
            index: Its index.

        Raises:
            ValueError: The table has no such entry.
        """
        entry = IrteRemapped.from_bytes(self._cpu.read(self.entry_address(index), _ENTRY_BYTES))
        return IrtePosted(entry.value) if entry.IM else entry

    def write_entry(self, index: int, value: int) -> None:
        """Write any bits as an entry, legal or not, in one access (section 5.1.4).

        Args:
            index: Its index.
            value: The bits of the entry.

        Raises:
            ValueError: The table has no such entry, or `value` is wider than 128 bits.
        """
        self._cpu.write(self.entry_address(index), IrteRemapped(value).to_bytes())


class InterruptRemapping:
    """Interrupt remapping of one unit.

    Args:
        cpu: The processor to write the table with.
        frames: Where the table comes from.
        channel: The unit.

    Attributes:
        table: The table; None until remapping is enabled for the first time.
        extended: Whether destinations have 32 bits (IRTA.EIME) rather than 8.
    """

    def __init__(self, cpu: Cpu, frames: FrameAllocator, channel: UnitChannel) -> None:
        self._cpu = cpu
        self._frames = frames
        self._channel = channel
        self._used: set[int] = set()
        self._compatibility = False
        self._wanted = False
        self.table: InterruptTable | None = None
        self.extended = False

    @property
    def enabled(self) -> bool:
        """Whether the unit remaps interrupts now (GSTS.IRES)."""
        return self._channel.commands.is_on(Command.INTERRUPT_REMAPPING)

    def enable(
        self, entries: int = 256, *, extended: bool = False, compatibility: bool = False
    ) -> None:
        """Turn remapping on: queue, table pointer, empty cache, remapping (section 6.7).

        A table that is there already is kept with what it maps.

        Args:
            entries: Entries of a new table: a power of two from 2 to 65536.
            extended: Destinations have 32 bits (IRTA.EIME), as x2APIC processors need.
            compatibility: Let interrupts in compatibility format pass (GCMD.CFI).

        Raises:
            ValueError: The unit cannot do it, or has no invalidation queue in use; or the table
                holds destinations of the other width.
            MemoryError: No frames are left.
            Timeout: The unit does not finish a command.
        """
        self._check(extended=extended, compatibility=compatibility)
        if self.table is None:
            self.table = InterruptTable(self._cpu, self._frames, entries)
        self.extended, self._compatibility, self._wanted = extended, compatibility, True
        self._channel.start_queue()
        self._turn_on(self.table)

    def disable(self) -> None:
        """Turn remapping off: interrupts pass as they are. The table stays.

        Raises:
            Timeout: The unit does not finish.
        """
        self._wanted = False
        self._channel.commands.run(Command.INTERRUPT_REMAPPING, on=False)

    def recover(self) -> None:
        """Turn remapping on again after a reset, if it was on; the queue is on already.

        Raises:
            Timeout: The unit does not finish a command.
        """
        if self.table is not None and self._wanted:
            self._turn_on(self.table)

    def map(
        self,
        source_id: int | str,
        vector: int,
        destination: int = 0,
        *,
        count: int = 1,
        **entry_fields: int,
    ) -> Interrupt:
        """Let a device, and nobody else, interrupt a processor.

        Args:
            source_id: The device.
            vector: The vector that the processor gets, 8 bits; of several, the first.
            destination: APIC id of the processor: 8 bits, or 32 if `extended`.
            count: How many neighbouring vectors to map for a device that counts messages itself.
            **entry_fields: Further fields of the entries by their architectural names, such as
                `DLM`, `DM` or `TM`.

        Returns:
            What to program into the device.

        Raises:
            ValueError: Remapping was never enabled, a value is too wide, or the table is full.
            TypeError: The entries have no such field.
            Timeout: The unit does not finish.
        """
        where = {"DST" if self.extended else "DST_XAPIC": destination}
        values = [
            IrteRemapped.pack(**self._source(source_id) | {"V": vector + n} | where | entry_fields)
            for n in range(count)
        ]
        return self._add(values)

    def post(
        self,
        source_id: int | str,
        vector: int,
        descriptor: int,
        *,
        urgent: bool = False,
        **entry_fields: int,
    ) -> Interrupt:
        """Let a device, and nobody else, interrupt a virtual processor (section 5.2).

        Args:
            source_id: The device.
            vector: The vector that the virtual processor gets, 8 bits.
            descriptor: Physical address of its posted-interrupt descriptor, a multiple of 64.
            urgent: Notify even where the descriptor says SN=1.
            **entry_fields: Further fields of the entry by their architectural names.

        Returns:
            What to program into the device.

        Raises:
            ValueError: Remapping was never enabled, the unit cannot post, the address is
                misaligned, a value is too wide, or the table is full.
            TypeError: The entry has no such field.
            Timeout: The unit does not finish.
        """
        if not self._channel.unit.capabilities.CAP.PI:
            raise ValueError("the unit cannot post interrupts: CAP.PI is 0")
        fields = {"VV": vector, "PDA_address": descriptor, "URG": int(urgent)}
        return self._add([IrtePosted.pack(**self._source(source_id) | fields | entry_fields)])

    def change(self, interrupt: Interrupt, **entry_fields: int) -> None:
        """Change fields of the entries of an interrupt, such as its destination.

        Args:
            interrupt: What `map` or `post` returned.
            **entry_fields: New values by their architectural names, such as `DST` or `V`.

        Raises:
            ValueError: A value is too wide, or the interrupt is not mapped.
            TypeError: The entries have no such field.
            Timeout: The unit does not finish.
        """
        table = self._table_with(interrupt)
        for index in _indices(interrupt):
            table.write_entry(index, table.read_entry(index).replace(**entry_fields))
        self._channel.keeper.run(*map(descriptors.interrupt_entries, _indices(interrupt)))

    def unmap(self, interrupt: Interrupt) -> None:
        """Take an interrupt away; messages that still ask for it fault from now on.

        Args:
            interrupt: What `map` or `post` returned.

        Raises:
            ValueError: The interrupt is not mapped.
            Timeout: The unit does not finish.
        """
        table = self._table_with(interrupt)
        for index in _indices(interrupt):
            table.write_entry(index, 0)
        self._channel.keeper.run(*map(descriptors.interrupt_entries, _indices(interrupt)))
        self._used.difference_update(_indices(interrupt))

    def _turn_on(self, table: InterruptTable) -> None:
        channel = self._channel
        if self.enabled:
            channel.commands.run(Command.INTERRUPT_REMAPPING, on=False)
        order = table.entries.bit_length() - 2
        root = IRTA.pack(IRTA_address=table.address, EIME=int(self.extended), S=order)
        channel.registers.write(IRTA, root)
        channel.commands.run(Command.SET_INTERRUPT_TABLE)
        if not channel.unit.capabilities.CAP.ESIRTPS:
            channel.keeper.run(descriptors.interrupt_entries())
        if channel.commands.is_on(Command.COMPATIBILITY_INTERRUPTS) is not self._compatibility:
            channel.commands.run(Command.COMPATIBILITY_INTERRUPTS, on=self._compatibility)
        channel.commands.run(Command.INTERRUPT_REMAPPING)

    def _check(self, *, extended: bool, compatibility: bool) -> None:
        ecap = self._channel.unit.capabilities.ECAP
        if not ecap.IR or self._channel.queue is None:
            raise ValueError("remapping of interrupts needs ECAP.IR and the invalidation queue")
        if (extended and not ecap.EIM) or (ecap.EIMER and not extended):
            raise ValueError(f"extended={extended} needs EIM=1, or EIMER=0: {ecap!r}")
        if extended and compatibility:
            raise ValueError("compatibility format is always blocked in extended mode")
        if self._used and extended is not self.extended:
            raise ValueError(f"interrupts are mapped with extended={self.extended}")

    @staticmethod
    def _source(source_id: int | str) -> dict[str, int]:
        return {"P": 1, "SVT": SourceValidation.SOURCE_ID, "SID": parse_source_id(source_id)}

    def _add(self, values: list[int]) -> Interrupt:
        if self.table is None:
            raise ValueError("there is no interrupt-remapping table yet: call enable() first")
        count = len(values)
        starts = range(self.table.entries - count + 1)
        index = next((n for n in starts if self._used.isdisjoint(range(n, n + count))), None)
        if index is None or not count:
            raise ValueError(f"{count:#x} neighbouring entries are not free in the table")
        several = count > 1
        # The subhandle of a message counts only if it is said to be valid (section 5.1.3).
        address = RemapMsiAddress.pack(HANDLE=index, SHV=int(several))
        interrupt = Interrupt(index, count, address, RemapMsiData.pack())
        for position, value in zip(_indices(interrupt), values, strict=True):
            self.table.write_entry(position, value)
        self._used.update(_indices(interrupt))
        forget = map(descriptors.interrupt_entries, _indices(interrupt))
        self._channel.keeper.entries_added(*forget)
        return interrupt

    def _table_with(self, interrupt: Interrupt) -> InterruptTable:
        if self.table is None or not self._used.issuperset(_indices(interrupt)):
            raise ValueError(f"interrupt {interrupt.index:#x} is not mapped")
        return self.table


def _indices(interrupt: Interrupt) -> range:
    return range(interrupt.index, interrupt.index + interrupt.count)
