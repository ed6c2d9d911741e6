"""One unit as a whole: root pointer, translation, invalidations, recovery and faults.

Sections 6.5, 6.6, 6.9, 7.3 and 11.4.4, in the order of steps that the architecture asks for.
Nothing here knows what the tables hold; `driver` does. Sequences that requests in flight may delay
have a `start_` half that returns what to wait for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vtd_plugin.encodings.codes import TableMode
from vtd_plugin.encodings.registers import RTADDR
from vtd_plugin.software import descriptors
from vtd_plugin.software.channel import UnitChannel
from vtd_plugin.software.commands import Command
from vtd_plugin.software.domain_ids import DomainIds
from vtd_plugin.software.events import Event, program_event
from vtd_plugin.software.faults import FaultReport, take_faults
from vtd_plugin.software.interrupts import InterruptRemapping
from vtd_plugin.software.page_requests import PageRequestQueue
from vtd_plugin.software.pages import PAGE_4K
from vtd_plugin.software.protected_memory import ProtectedMemory

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


class UnitControl(UnitChannel):
    """The sequences that concern all of a unit.

    Args:
        cpu: The processor to write tables and queues with.
        registers: The registers of the unit.
        frames: Where tables and queues come from.
        use_queue: Whether to invalidate through the queue; None: wherever there is one.

    Attributes:
        domain_ids: The domain-ids that are in use.
        protected_memory: The regions that firmware keeps DMA out of.
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
        self.domain_ids = DomainIds(self.unit.domain_ids)
        self.protected_memory = ProtectedMemory(registers)
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

        What firmware or an earlier system left on is turned off first; the memory that firmware
        protects is opened last (section 11.4.8).

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
        self.protected_memory.disable()

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

    def invalidate_context(
        self, domain_id: int | None = None, source_id: int | None = None
    ) -> None:
        """Forget context entries: all, those of a domain, or that of a device in a domain.

        Args:
            domain_id: The domain.
            source_id: The device, with its domain.

        Raises:
            ValueError: `source_id` is given without `domain_id`.
            Timeout: The unit does not finish.
        """
        self.invalidate(descriptors.context_cache(domain_id, source_id))

    def invalidate_iotlb(
        self,
        domain_id: int | None = None,
        iova: int | None = None,
        size: int = PAGE_4K,
        *,
        leaves_only: bool = False,
    ) -> None:
        """Forget translations: all, those of a domain, or those of a range of a domain.

        Args:
            domain_id: The domain.
            iova: First address of the range, with its domain.
            size: Bytes in the range.
            leaves_only: Whether no entry that points to a table has changed (IH=1).

        Raises:
            ValueError: `iova` is given without `domain_id`.
            Timeout: The unit does not finish.
        """
        if iova is None:
            self.invalidate(descriptors.iotlb(domain_id))
            return
        if domain_id is None:
            raise ValueError(f"address {iova:#x} is given without a domain-id")
        caps = self.unit.capabilities
        self.invalidate(
            descriptors.iotlb_pages(caps, domain_id, iova, size, leaves_only=leaves_only)
        )

    def invalidate_everything(self) -> None:
        """Empty all translation caches, in the order that section 6.6 asks for.

        Raises:
            Timeout: The unit does not finish.
        """
        legacy = self._root is None or self._root.mode is TableMode.LEGACY
        pasids = () if legacy else (descriptors.pasid_cache(),)
        self.keeper.run(descriptors.context_cache(), *pasids, descriptors.iotlb())

    def program_event(self, event: Event, address: int, data: int) -> None:
        """Say where an event is to be reported, and unmask it (section 5.1.6).

        Args:
            event: Faults, waits with IF=1, or page requests.
            address: Address of the message, usually 0xFEExxxxx; bits above 31 only with ECAP.EIM.
            data: Data of the message, 16 bits.

        Raises:
            ValueError: The unit has no such event, the address is misaligned or too wide for the
                unit, or `data` too wide.
        """
        program_event(self.registers, event, address, data)
        self._events[event] = address, data

    def handle_faults(self) -> list[FaultReport]:
        """Read, decode and clear what faults the unit has recorded, the oldest first."""
        reports, lost = take_faults(self.registers)
        self.fault_overflows += lost
        return reports
