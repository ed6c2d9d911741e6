"""One unit as a whole: root pointer, translation, recovery, events and faults.

Sections 6.6, 6.7, 6.9, 7.3 and 11.4.4, in the order of steps that the architecture asks for.
Nothing here knows what the tables hold; `driver` does. Sequences that requests in flight may delay
have a `start_` half that returns what to wait for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vtd_plugin.encodings.codes import TableMode
from vtd_plugin.encodings.registers import RTADDR
from vtd_plugin.software import descriptors
from vtd_plugin.software.caches import CacheControl
from vtd_plugin.software.commands import Command
from vtd_plugin.software.events import Event, program_event
from vtd_plugin.software.faults import FaultReport, take_faults
from vtd_plugin.software.interrupts import InterruptRemapping
from vtd_plugin.software.page_requests import PageRequestQueue

if TYPE_CHECKING:
    from vtd_plugin.software.cpu import Cpu
    from vtd_plugin.software.frames import FrameAllocator
    from vtd_plugin.software.mmio import Registers
    from vtd_plugin.software.polling import Pending


@dataclass(frozen=True, slots=True)
class Root:
    """What RTADDR is set to (section 11.4.5).

    Attributes:
        address: Physical address of the root table.
        mode: What kind of table it is (RTADDR.TTM).
        io_rights: Whether second-stage rights are in IR and IW (RTADDR.SSIRWE).
    """

    address: int
    mode: TableMode
    io_rights: bool = False


class UnitControl(CacheControl):
    """The sequences that concern all of a unit.

    Args:
        cpu: The processor to write tables and queues with.
        registers: The registers of the unit.
        frames: Where tables and queues come from.
        use_queue: Whether to invalidate through the queue; None: wherever there is one.

    Attributes:
        interrupts: Remapping of interrupts; off until it is enabled.
        page_requests: The page request queue; off until it is enabled.
        fault_overflows: How often `handle_faults` found that faults had been lost.

    Raises:
        ValueError: The unit cannot be used the way that `use_queue` demands.
        MemoryError: No frames are left.
    """

    def __init__(
        self,
        cpu: Cpu,
        registers: Registers,
        frames: FrameAllocator,
        *,
        use_queue: bool | None = None,
    ) -> None:
        super().__init__(cpu, registers, frames, use_queue=use_queue)
        self.interrupts = InterruptRemapping(cpu, frames, self)
        self.page_requests = PageRequestQueue(cpu, frames, self)
        self.fault_overflows = 0
        self._root: Root | None = None
        self._wants_translation = False
        self._events: dict[Event, tuple[int, int]] = {}

    @property
    def translating(self) -> bool:
        """Whether the unit translates now (GSTS.TES)."""
        return self.commands.is_on(Command.TRANSLATION)

    def turn_on(self, root: Root) -> None:
        """Bring the unit up: queue, root table, empty caches, translation (section 6.6).

        What firmware or an earlier system left on is turned off first.

        Args:
            root: The root table to use.

        Raises:
            Timeout: The unit does not finish a command.
        """
        if self.translating:
            self.commands.run(Command.TRANSLATION, on=False)
        self.start_queue()
        self.set_root(root)
        self._wants_translation = True
        self.commands.run(Command.TRANSLATION)

    def set_root(self, root: Root) -> None:
        """Change the root table, on a unit that translates or not, and empty the caches.

        While the unit translates, the new tables must lead requests in flight to the same places,
        and only with CAP.ESRTPS may they be of another mode (sections 6.6 and 11.4.5).

        Args:
            root: The root table to use.

        Raises:
            Timeout: The unit does not finish.
        """
        self.start_set_root(root).finish()

    def start_set_root(self, root: Root) -> Pending:
        """Begin to change the root table.

        Args:
            root: The root table to use.

        Returns:
            What to wait for. Its `finish` also empties the caches where the unit does not.
        """
        self._root = root
        value = RTADDR.pack(RTA_address=root.address, TTM=root.mode, SSIRWE=int(root.io_rights))
        self.registers.write(RTADDR, value)
        pending = self.commands.start(Command.SET_ROOT_TABLE)
        if self.unit.capabilities.CAP.ESRTPS:
            return pending
        return pending.then(self.invalidate_everything)

    def disable(self) -> None:
        """Turn translation off, and wait until it is; the queue stays on.

        Raises:
            Timeout: The unit does not finish.
        """
        self.start_disable().finish()

    def start_disable(self) -> Pending:
        """Begin to turn translation off; requests in flight may delay it (section 6.5.4).

        Returns:
            What to wait for.
        """
        self._wants_translation = False
        return self.commands.start(Command.TRANSLATION, on=False)

    def recover_after_reset(self) -> None:
        """Bring the unit back to where it was before a reset, with the tables still in memory.

        Raises:
            ValueError: The unit never had a root table or an interrupt table.
            Timeout: The unit does not finish.
        """
        if self._root is None and self.interrupts.table is None:
            raise ValueError("there is nothing to recover: the unit was never enabled")
        for event, (address, data) in self._events.items():
            program_event(self.registers, event, address, data)
        self.start_queue()
        self.interrupts.recover()
        self.page_requests.recover()
        if self._root is not None and self._wants_translation:
            self.turn_on(self._root)
        elif self._root is not None:
            self.set_root(self._root)

    def invalidate_everything(self) -> None:
        """Empty all translation caches, in the order that section 6.6 asks for.

        Raises:
            Timeout: The unit does not finish.
        """
        legacy = self._root is None or self._root.mode is TableMode.LEGACY
        pasids = () if legacy else (descriptors.pasid_cache(),)
        self.keeper.run(descriptors.context_cache(), *pasids, descriptors.iotlb())

    def program_fault_event(self, address: int, data: int) -> None:
        """Say where faults are to be reported, and unmask the event (section 7.3).

        Args:
            address: Address of the message, usually 0xFEExxxxx.
            data: Data of the message, 16 bits.

        Raises:
            ValueError: The address is misaligned or too wide for the unit, or `data` too wide.
        """
        self._program_event(Event.FAULT, address, data)

    def program_completion_event(self, address: int, data: int) -> None:
        """Say where waits with IF=1 are to be reported, and unmask the event (section 6.5.2.10).

        Args:
            address: Address of the message, usually 0xFEExxxxx.
            data: Data of the message, 16 bits.

        Raises:
            ValueError: The unit has no such event, the address is misaligned or too wide for the
                unit, or `data` too wide.
        """
        self._program_event(Event.COMPLETION, address, data)

    def program_page_request_event(self, address: int, data: int) -> None:
        """Say where page requests are to be reported, and unmask the event (section 7.5).

        Args:
            address: Address of the message, usually 0xFEExxxxx.
            data: Data of the message, 16 bits.

        Raises:
            ValueError: The unit has no such event, the address is misaligned or too wide for the
                unit, or `data` too wide.
        """
        self._program_event(Event.PAGE_REQUEST, address, data)

    def handle_faults(self) -> list[FaultReport]:
        """Read, decode and clear what faults the unit has recorded, the oldest first."""
        reports, lost = take_faults(self.registers)
        self.fault_overflows += lost
        return reports

    def _program_event(self, event: Event, address: int, data: int) -> None:
        program_event(self.registers, event, address, data)
        self._events[event] = address, data
