"""A platform with one unit, and as much of a driver as tests of the unit need.

Tables are built and registers are reached the way software does it, through the processor. The
standing case: requester 00:04.0 in domain 1 and 00:05.0 in domain 2 see 16 pages each, at the same
addresses, in different memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from vtd_plugin import Platform, VtdConfig, VtdUnit
from vtd_plugin.bus.testing import RecordingSink
from vtd_plugin.encodings.codes import aw_for
from vtd_plugin.encodings.registers import FRCD, FSTS, GSTS, RTADDR
from vtd_plugin.encodings.structures import ContextEntry, SsPte
from vtd_plugin.software.commands import Command, GlobalCommand
from vtd_plugin.software.frames import FrameAllocator
from vtd_plugin.software.mmio import Registers
from vtd_plugin.software.queue import InvalidationQueue
from vtd_plugin.software.root_tables import LegacyRootTable
from vtd_plugin.software.second_stage import SecondStageTable

if TYPE_CHECKING:
    from vtd_plugin.bus import Event, RequesterPort
    from vtd_plugin.encodings._layout import Layout

PAGE: Final = 0x1000
SOURCE: Final = 0x0020
OTHER: Final = 0x0028
DOMAIN: Final = 1
OTHER_DOMAIN: Final = 2

IOVA: Final = 0x4000_0000
PAGES: Final = 16
HOST: Final = 0x0080_0000
OTHER_HOST: Final = 0x00A0_0000
ELSEWHERE: Final = 0x00C0_0000
"""Memory that nothing is mapped to at first."""

RAM_IN_USE: Final = 0x0100_0000
"""Bytes of memory from address 0 on that hold all of the above, and the tables."""

BEYOND_RAM: Final = 0x1_0000_0000

EventT = TypeVar("EventT", bound="Event")


def leaf(address: int, **fields: int) -> int:
    """The entry of a 4-KiB page that may be read and written."""
    return SsPte.pack(**{"ADDR_address": address, "R": 1, "W": 1} | fields)


def values(view: Layout, *names: str) -> tuple[int, ...]:
    """Some fields of a register or of a structure."""
    return tuple(getattr(view, name) for name in names)


class Machine:
    """A platform with one unit whose root table is somebody else's to build.

    Args:
        config: What the unit is.
        unit: The unit itself, where it is not an ordinary one of that description.

    Attributes:
        interrupts: What reached the processors.
    """

    def __init__(self, config: VtdConfig | None = None, unit: VtdUnit | None = None) -> None:
        self.platform = Platform(load_entry_points=False)
        self.unit = self.platform.add_unit(unit or VtdUnit(config))
        self.registers = Registers(
            self.platform, host_address_width=self.unit.config.capabilities.haw
        )
        self.commands = GlobalCommand(self.registers)
        self.frames = FrameAllocator(0x10_0000, 0x40_0000)
        self.interrupts = RecordingSink()
        self.platform.add_interrupt_sink(self.interrupts)

    def tables(self, levels: int = 4) -> SecondStageTable:
        """An empty second-stage tree."""
        return SecondStageTable(self.platform, self.frames, levels)

    # --- commands

    def latch_root(self, address: int, **fields: int) -> None:
        """Program RTADDR and latch it."""
        self.registers.write(RTADDR, RTADDR.pack(RTA_address=address, **fields))
        self.commands.run(Command.SET_ROOT_TABLE)

    def start_queue(self, *, wide: bool = False, order: int = 0) -> InvalidationQueue:
        """An invalidation queue, turned on."""
        queue = InvalidationQueue(
            self.registers, self.platform, self.frames, wide=wide, order=order
        )
        queue.enable()
        return queue

    # --- what can be seen from outside

    def port(self, source_id: int = SOURCE) -> RequesterPort:
        return self.platform.requester(source_id)

    @property
    def status(self) -> GSTS:
        return self.registers.read(GSTS)

    @property
    def fault_status(self) -> FSTS:
        return self.registers.read(FSTS)

    def record(self, index: int = 0) -> FRCD:
        return self.registers.read(FRCD, index)

    def clear_record(self, index: int = 0) -> None:
        self.registers.write(FRCD, FRCD.pack(F=1), index)

    def put(self, address: int, data: bytes) -> None:
        """Write memory as a processor."""
        self.platform.write(address, data)

    def observe(self, *kinds: type[EventT]) -> list[EventT]:
        """Events of some kinds from now on; the list grows."""
        seen: list[EventT] = []

        def keep(event: Event) -> None:
            if isinstance(event, kinds):
                seen.append(event)

        self.platform.add_observer(keep)
        return seen


class Bench(Machine):
    """A machine whose tables are those of legacy mode.

    Attributes:
        roots: The root table; the unit is told of it by `set_root`.
    """

    def __init__(self, config: VtdConfig | None = None) -> None:
        super().__init__(config)
        self.roots = LegacyRootTable(self.platform, self.frames)

    # --- tables

    def attach(
        self,
        source_id: int,
        tables: SecondStageTable,
        domain_id: int = DOMAIN,
        **fields: int,
    ) -> None:
        """Write a present context entry for a tree; nothing is invalidated."""
        entry = {
            "P": 1,
            "DID": domain_id,
            "AW": aw_for(tables.levels),
            "SSPTPTR_address": tables.root,
        }
        self.roots.write_context_entry(source_id, ContextEntry.pack(**entry | fields))

    def pass_through(self, source_id: int, domain_id: int = DOMAIN, **fields: int) -> None:
        """Write a pass-through context entry; nothing is invalidated."""
        entry = {"P": 1, "DID": domain_id, "AW": aw_for(4), "TT": 2}
        self.roots.write_context_entry(source_id, ContextEntry.pack(**entry | fields))

    # --- commands

    def set_root(self, **fields: int) -> None:
        """Let the unit use the root table."""
        self.latch_root(self.roots.address, **fields)

    def turn_on(self) -> None:
        """Latch the root table and turn translation on."""
        self.set_root()
        self.commands.run(Command.TRANSLATION)


class Mapped(Bench):
    """The standing case, with translation on.

    Each page of memory begins with eight bytes that say where it is.

    Attributes:
        mine: The tree of `SOURCE`, domain 1, to `HOST`.
        others: The tree of `OTHER`, domain 2, to `OTHER_HOST`.
    """

    def __init__(self, config: VtdConfig | None = None, *, on: bool = True) -> None:
        super().__init__(config)
        self.mine = self.tables()
        self.mine.map(IOVA, HOST, PAGES * PAGE, page_size=PAGE)
        self.others = self.tables()
        self.others.map(IOVA, OTHER_HOST, PAGES * PAGE, page_size=PAGE)
        self.attach(SOURCE, self.mine, DOMAIN)
        self.attach(OTHER, self.others, OTHER_DOMAIN)
        for base in (HOST, OTHER_HOST, ELSEWHERE):
            for address in range(base, base + PAGES * PAGE, PAGE):
                self.put(address, address.to_bytes(8, "little"))
        self.set_root()
        if on:
            self.commands.run(Command.TRANSLATION)

    def lands_at(self, iova: int = IOVA, source_id: int = SOURCE) -> int | None:
        """The host page that a read of the first bytes of a page reaches; None if blocked."""
        result = self.port(source_id).read(iova, 8)
        return int.from_bytes(result.data, "little") if result.ok else None

    def remap(self, iova: int, address: int) -> None:
        """Write the leaf of a 4-KiB page; nothing is invalidated."""
        self.mine.write_entry(iova, 1, leaf(address))
