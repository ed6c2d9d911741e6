"""Everything at random behind a Wishbone master in RTL, and all of memory compared.

The master writes and reads while pages come and go, its memory stalls and waits, the platform is
reset in either order, and the master gives up. What an access is to come to follows from where its
page lay when it began; of those that never had an answer, the oldest may have been done.
"""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import cocotb
from cocotb.triggers import ClockCycles

from hdl_bridge.reset import ResetLine
from hdl_bridge.wishbone import WishboneMemory
from testbenches.master import random_pauses
from testbenches.soak_seeds import seeds_of_this_simulation
from testbenches.wishbone.master import Master, bus_of, start
from vtd_plugin.bus import Mapping, Platform, RequestKind, TransferBegan
from vtd_plugin.bus.testing import FakeUnit
from vtd_plugin.cosim import record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from testbenches.wishbone.master import Outcome
    from vtd_plugin.bus import Event

SOURCE_ID: Final = "00:04.0"
RAM: Final = 0x1_0000
PAGE: Final = 0x1000
IOVA: Final = 0x1000_0000
PAGES: Final = 4
STEPS: Final = 1000
"""What the master, software and the platform do with one seed."""


@dataclass(frozen=True)
class Command:
    """What the master was told to do."""

    address: int
    select: int
    data: bytes | None
    outcome: Outcome

    @property
    def lanes(self) -> list[int]:
        """The bytes of the bus word that it selects."""
        return [lane for lane in range(16) if self.select >> lane & 1]


class Soak:
    """The master behind a fake unit, and what each of its accesses is to come to."""

    def __init__(self, dut: Any) -> None:
        self.dut = dut
        self.rng = rng = random.Random(random.getrandbits(32))
        self.platform = Platform(RAM, load_entry_points=False)
        self.unit = self.platform.add_unit(FakeUnit())
        record(self.platform, {SOURCE_ID: dut.probe})
        self.port = self.platform.requester(SOURCE_ID)
        self.memory = WishboneMemory(
            bus_of(dut),
            dut.clk,
            dut.rst,
            self.port,
            latency=rng.choice((0, 1, 7)),
            outstanding=rng.choice((1, 2, 16)),
        )
        self._hold_back()
        self.line = self.platform.add_device(ResetLine("master", dut.rst, dut.clk))
        self.master = Master(dut)
        self.content = bytearray(rng.randbytes(RAM))
        self.platform.write(0, self.content)
        self.commands: deque[Command] = deque()
        self.began: deque[tuple[int, int, int | None]] = deque()
        self.platform.add_observer(self._observe)
        self.remap()

    def _observe(self, event: Event) -> None:
        if isinstance(event, TransferBegan):
            is_write = event.attributes.kind is RequestKind.WRITE
            self.began.append((event.iova, event.size, self._place(event.iova, is_write=is_write)))

    def _place(self, iova: int, *, is_write: bool) -> int | None:
        """Where an access to an address goes in memory now, if anywhere."""
        if not self.unit.enabled:
            return iova if iova < RAM else None
        mapping = self.unit.tables.find(iova)
        if mapping is None or not (mapping.writable if is_write else mapping.readable):
            return None
        return mapping.address + iova - mapping.iova

    def _hold_back(self) -> None:
        duty = self.rng.choice((0, 0.2, 0.6))
        for channel in (self.memory.request_channel, self.memory.response_channel):
            channel.set_pause_generator(random_pauses(random.Random(self.rng.random()), duty))

    def remap(self) -> None:
        """Map some pages of the master to wherever, not all with all rights."""
        frames = self.rng.sample(range(0, RAM, PAGE), PAGES)
        self.unit.tables.clear()
        for page, frame in enumerate(frames):
            if self.rng.random() < 0.8:
                readable, writable = (self.rng.random() < 0.9 for _ in range(2))
                self.unit.tables.add(
                    Mapping(IOVA + PAGE * page, frame, PAGE, readable=readable, writable=writable)
                )
        self.unit.enable()

    async def access(self) -> None:
        """Have the master begin one access."""
        rng, size = self.rng, self.master.size
        base = IOVA if rng.random() < 0.8 else 0
        address = base + rng.randrange(0, PAGES * PAGE, size)
        every = (1 << size) - 1
        select = every if rng.random() < 0.5 else rng.randint(0, every)
        data = rng.randbytes(size) if rng.random() < 0.6 else None
        outcome = await self.master.request(address, select, data)
        self.commands.append(Command(address, select, data, outcome))

    async def reset(self) -> None:
        """Reset the platform, its halves in either order."""
        halves = [self.platform.reset_masters, self.platform.reset_units]
        self.rng.shuffle(halves)
        halves[0]()
        await ClockCycles(self.dut.clk, self.rng.randrange(1, 12))
        halves[1]()
        await self.line.released()
        self.forget()
        self._hold_back()

    async def give_up(self) -> None:
        """Have the master give up."""
        self.dut.give_up.value = 1
        await ClockCycles(self.dut.clk, 3)
        self.dut.give_up.value = 0
        self.forget()

    def forget(self) -> None:
        """No more answers come: the oldest that had none may have been done."""
        self.check()
        unanswered = []
        while self.began:
            command = self.commands.popleft()
            if command.select:
                unanswered.append((command, self._begin(command)))
        self.commands.clear()
        found = self.platform.read(0, RAM)
        for command, place in unanswered:
            if found == self.content:
                break
            self._write(command, place)
        assert found == self.content
        assert self.port.in_flight == ()

    def check(self) -> None:
        """Compare the outcomes that there are."""
        while self.commands and self.commands[0].outcome.is_there:
            command = self.commands.popleft()
            word, is_well = command.outcome.word, command.outcome.is_well
            if not command.select:
                assert is_well
                continue
            place = self._begin(command)
            assert is_well is (place is not None)
            if command.data is None:
                found = [word[lane] for lane in command.lanes]
                assert found == self._read(command, place)
            self._write(command, place)

    def _begin(self, command: Command) -> int | None:
        """Where the bus word of a command lay when it began."""
        first, last = command.lanes[0], command.lanes[-1]
        iova, size, place = self.began.popleft()
        assert (iova, size) == (command.address + first, last - first + 1)
        return None if place is None else place - first

    def _read(self, command: Command, place: int | None) -> Sequence[int]:
        if place is None:
            return [0xFF] * len(command.lanes)
        return [self.content[place + lane] for lane in command.lanes]

    def _write(self, command: Command, place: int | None) -> None:
        if command.data is not None and place is not None:
            for lane in command.lanes:
                self.content[place + lane] = command.data[lane]


@cocotb.test(timeout_time=1, timeout_unit="ms")
@cocotb.parametrize(seed=seeds_of_this_simulation())
async def nothing_is_lost(dut: Any, seed: int) -> None:
    """Every access comes to what it must, and every byte of memory is what it must be."""
    random.seed(seed)
    await start(dut)
    soak = Soak(dut)
    for _ in range(STEPS):
        dice = soak.rng.random()
        if dice < 0.75:
            await soak.access()
        elif dice < 0.92:
            await ClockCycles(dut.clk, soak.rng.choice((1, 2, 5, 20)))
        elif dice < 0.96:
            soak.remap()
        elif dice < 0.98:
            await soak.reset()
        else:
            await soak.give_up()
        soak.check()
    while soak.commands:
        await soak.commands[-1].outcome.wait()
        soak.check()
    soak.forget()
