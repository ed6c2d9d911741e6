"""sg_dma alone, against memory models: no IOMMU anywhere."""

from __future__ import annotations

import random
from typing import Any, Final

import cocotb
from cocotb.triggers import ClockCycles, RisingEdge
from cocotbext.axi import AxiBus, AxiRam, AxiRamWrite, AxiSlave

from testbenches.axi_checker import AxiChecker
from testbenches.master import Master, pause_all
from testbenches.memories import FaultyMemory, ShufflingReads
from testbenches.sg import DESCRIPTOR_BYTES, Copy, Flags, Register, SgHost, Status

MEMORY_BYTES: Final = 1 << 18
DESCRIPTORS: Final = 0x1000
SOURCE: Final = 0x10000
DESTINATION: Final = 0x20000
BUS_BYTES: Final = 16  # a multiple of the widest bus


class Alone:
    """The engine with an AxiRam, with memory that can fail, or with reads out of order."""

    def __init__(self, master: Master, kind: str) -> None:
        dut = master.dut
        bus = AxiBus.from_prefix(dut, "m_axi")
        self.rng = random.Random(random.getrandbits(32))
        self.faults = FaultyMemory(MEMORY_BYTES)
        self.faults.data[SOURCE:DESTINATION] = self.rng.randbytes(DESTINATION - SOURCE)
        self.slave: Any = None
        if kind == "shuffling":
            self.reads = ShufflingReads(bus.read, dut, self.faults.data, self.rng)
            self.writes = AxiRamWrite(
                bus.write, dut.clk, dut.rst, size=MEMORY_BYTES, mem=self.faults.data
            )
        elif kind == "faulty":
            self.slave = AxiSlave(bus, dut.clk, dut.rst, target=self.faults)
        else:
            self.slave = AxiRam(bus, dut.clk, dut.rst, size=MEMORY_BYTES, mem=self.faults.data)
        self.host = SgHost(master, self)
        self.checker = AxiChecker(dut)

    @classmethod
    async def power_up(cls, dut: Any, kind: str = "ram") -> Alone:
        master = await Master.power_up(dut)
        alone = cls(master, kind)
        await master.leave_reset()
        return alone

    def read(self, address: int, size: int) -> bytes:
        return bytes(self.faults.data[address : address + size])

    def write(self, address: int, data: bytes) -> None:
        self.faults.data[address : address + len(data)] = data

    def random_chain(self, count: int) -> list[Copy]:
        """Copies of random runs, none into another's destination."""
        copies = []
        place = DESTINATION
        for _ in range(count):
            place += self.rng.randrange(0, 0x1000, BUS_BYTES)
            length = self.rng.choice((0, 1, 3, 4, 63, 64, 65, 1000, 4096, 5001))
            source = SOURCE + self.rng.randrange(0, 0x8000, BUS_BYTES)
            copies.append(Copy(source, place, length))
            place = (place + length + BUS_BYTES) & -BUS_BYTES
        return copies

    def write_chain(self, copies: list[Copy]) -> int:
        """Write descriptors in random order of addresses; where the first is."""
        slots = self.rng.sample(range(DESCRIPTORS, DESCRIPTORS + 0x1000, DESCRIPTOR_BYTES), 64)
        places = slots[: len(copies)]
        self.host.write_chain(copies, places)
        return places[0]

    def expected(self, copies: list[Copy]) -> bytes:
        """What memory must be when the copies are done."""
        memory = bytearray(self.faults.data)
        for copy in copies:
            moved = memory[copy.source : copy.source + copy.length]
            memory[copy.destination : copy.destination + copy.length] = moved
        return bytes(memory)


async def copy_chain(alone: Alone, count: int) -> None:
    """Run a random chain and compare all of memory."""
    copies = alone.random_chain(count)
    head = alone.write_chain(copies)
    expected = alone.expected(copies)
    await alone.host.start(head)
    assert await alone.host.wait_idle() == Status.DONE
    assert alone.faults.data == expected
    assert await alone.host.master.read(Register.DONE_COUNT) == count
    assert await alone.host.master.read(Register.ERROR_COUNT) == 0
    alone.checker.require_clean()


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def copies_every_byte_under_random_back_pressure(dut: Any) -> None:
    alone = await Alone.power_up(dut)
    pause_all(alone.slave, alone.rng)
    await copy_chain(alone, 8)
    await copy_chain(alone, 5)


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def copies_every_byte_when_reads_return_out_of_order(dut: Any) -> None:
    alone = await Alone.power_up(dut, "shuffling")
    await copy_chain(alone, 8)
    assert alone.reads.most_waiting >= int(dut.master.SLOTS.value)


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def raises_its_interrupt_and_lowers_it_when_told(dut: Any) -> None:
    alone = await Alone.power_up(dut)
    head = alone.write_chain(
        [Copy(SOURCE, DESTINATION, 64, Flags.INTERRUPT), Copy(SOURCE, DESTINATION, 64)]
    )
    await alone.host.start(head, interrupts=True)
    await RisingEdge(dut.irq)
    status = await alone.host.wait_idle()
    assert status == Status.DONE | Status.NOTICE
    await alone.host.master.write(Register.STATUS, status)
    await ClockCycles(dut.clk, 3)
    assert int(dut.irq.value) == 0
    assert await alone.host.master.read(Register.ID) == 0x5347_444D


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def an_error_stops_it_and_tells_where(dut: Any) -> None:
    alone = await Alone.power_up(dut, "faulty")
    copies = [Copy(SOURCE, DESTINATION, 256), Copy(SOURCE + 0x1000, DESTINATION + 0x1000, 256)]
    head = alone.write_chain(copies)
    for bad, done in (
        (copies[0].source, 0),
        (copies[1].source + 128, 1),
        (copies[1].destination + 128, 1),
        (head, 0),
    ):
        alone.faults.bad = [range(bad, bad + 1)]
        await alone.host.start(head)
        status = await alone.host.wait_idle()
        assert status == Status.ERROR, hex(bad)
        assert await alone.host.master.read(Register.DONE_COUNT) == done
        assert await alone.host.master.read(Register.ERROR_COUNT) == 1
        burst_bytes = int(dut.master.BURST_BYTES.value)
        assert await alone.host.error_address() == bad & -burst_bytes if bad != head else head
    alone.faults.bad = []
    await copy_chain(alone, 3)


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def what_fails_to_be_read_is_written_nowhere(dut: Any) -> None:
    alone = await Alone.power_up(dut, "faulty")
    alone.write(DESTINATION, b"\xa5" * 64)
    alone.faults.bad = [range(SOURCE, SOURCE + 4)]
    await alone.host.start(alone.write_chain([Copy(SOURCE, DESTINATION, 64)]))
    assert await alone.host.wait_idle() == Status.ERROR
    assert alone.read(DESTINATION, 64) == b"\xa5" * 64


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def a_misaligned_descriptor_is_refused(dut: Any) -> None:
    alone = await Alone.power_up(dut)
    for copy in (Copy(SOURCE + 1, DESTINATION, 64), Copy(SOURCE, DESTINATION + 2, 64)):
        await alone.host.start(alone.write_chain([copy]))
        assert await alone.host.wait_idle() == Status.BAD
    await alone.host.start(DESCRIPTORS + 4)
    assert await alone.host.wait_idle() == Status.BAD
    await copy_chain(alone, 2)


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def stops_cleanly_wherever_it_is(dut: Any) -> None:
    alone = await Alone.power_up(dut)
    pause_all(alone.slave, alone.rng)
    for _ in range(6):
        copies = alone.random_chain(6)
        before = bytes(alone.faults.data)
        head = alone.write_chain(copies)
        expected = alone.expected(copies)
        await alone.host.start(head)
        await ClockCycles(dut.clk, alone.rng.randrange(1, 3000))
        await alone.host.stop()
        stopped = bytes(alone.faults.data)
        bursts = len(alone.checker.bursts)
        await ClockCycles(dut.clk, 200)
        assert len(alone.checker.bursts) == bursts
        assert alone.faults.data == stopped
        for was, is_now, would_be in zip(before, stopped, expected, strict=True):
            assert is_now in (was, would_be)
    await copy_chain(alone, 3)


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def a_reset_may_come_at_any_cycle(dut: Any) -> None:
    alone = await Alone.power_up(dut)
    pause_all(alone.slave, alone.rng, duty=0.2)
    for _ in range(12):
        await alone.host.start(alone.write_chain(alone.random_chain(6)))
        await ClockCycles(dut.clk, alone.rng.randrange(1, 2000))
        await alone.host.master.pulse_reset()
        assert await alone.host.master.read(Register.STATUS) == 0
    await copy_chain(alone, 3)
