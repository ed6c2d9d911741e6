"""nvme_lite alone, against the memory models of cocotbext-axi: no IOMMU anywhere."""

from __future__ import annotations

import random
from typing import Any, Final

import cocotb
from cocotb.triggers import ClockCycles
from cocotbext.axi import AxiBus, AxiRam, AxiSlave

from testbenches.axi_checker import AxiChecker
from testbenches.master import Master, pause_all
from testbenches.memories import FaultyMemory
from testbenches.nvme import BLOCK, FATAL, PAGE, READY, Layout, NvmeHost, Register, Status

MEMORY_BYTES: Final = 1 << 20
DATA: Final = 0x20000
MESSAGE_ADDRESS: Final = 0x7F000
DISK_BLOCKS: Final = 128


class Alone:
    """The controller with an AxiRam, or with memory that can fail."""

    def __init__(self, master: Master, *, faulty: bool = False) -> None:
        dut = master.dut
        bus = AxiBus.from_prefix(dut, "m_axi")
        self.faults = FaultyMemory(MEMORY_BYTES)
        if faulty:
            self.slave = AxiSlave(bus, dut.clk, dut.rst, target=self.faults)
        else:
            self.slave = AxiRam(bus, dut.clk, dut.rst, size=MEMORY_BYTES, mem=self.faults.data)
        self.rng = random.Random(random.getrandbits(32))
        self.host = NvmeHost(master, self)
        self.checker = AxiChecker(dut)

    @classmethod
    async def power_up(cls, dut: Any, *, faulty: bool = False) -> Alone:
        master = await Master.power_up(dut)
        alone = cls(master, faulty=faulty)
        await master.leave_reset()
        return alone

    def read(self, address: int, size: int) -> bytes:
        return bytes(self.faults.data[address : address + size])

    def write(self, address: int, data: bytes) -> None:
        self.faults.data[address : address + len(data)] = data

    def disk(self, lba: int, blocks: int) -> bytes:
        words = self.host.master.dut.master.disk
        first, last = lba * BLOCK // 4, (lba + blocks) * BLOCK // 4
        return b"".join(int(words[at].value).to_bytes(4, "little") for at in range(first, last))

    def scatter(self, address: int, size: int) -> tuple[list[int], tuple[int, int]]:
        """Buffer pages in random places: the pages, and PRPs that name them."""
        offset = address % PAGE
        count = (offset + size + PAGE - 1) // PAGE
        pages = [page * PAGE for page in self.rng.sample(range(DATA // PAGE, 0x7F), count)]
        prp1 = pages[0] + offset
        if count <= 2:
            return pages, (prp1, pages[1] if count == 2 else 0)
        at = Layout().prp_lists + self.rng.choice((0, 64, PAGE - 8, PAGE - 16))
        return pages, (prp1, self.host.write_prp_lists(pages[1:], at))


def pieces(pages: list[int], offset: int, size: int) -> list[tuple[int, int]]:
    """(address, bytes) of a buffer that begins inside the first of some pages."""
    found = []
    for page in pages:
        length = min(PAGE - offset, size)
        found.append((page + offset, length))
        size -= length
        offset = 0
    return found


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def identifies_itself(dut: Any) -> None:
    alone = await Alone.power_up(dut)
    await alone.host.enable()
    assert (await alone.host.identify(1, (DATA, 0), nsid=0)).status is Status.SUCCESS
    controller = alone.read(DATA, PAGE)
    assert controller[4:24].rstrip() == b"ELITE0001"
    assert controller[24:64].rstrip() == b"nvme_lite"
    assert controller[512:514] == b"\x66\x44"
    assert (await alone.host.identify(0, (DATA + 0xF00, DATA + PAGE))).status is Status.SUCCESS
    namespace = alone.read(DATA + 0xF00, PAGE)
    assert int.from_bytes(namespace[0:8], "little") == DISK_BLOCKS
    assert namespace[130] == 9
    alone.checker.require_clean()


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def moves_every_byte_under_random_back_pressure(dut: Any) -> None:
    alone = await Alone.power_up(dut)
    pause_all(alone.slave, alone.rng)
    await alone.host.start()
    for _ in range(6):
        blocks = alone.rng.choice((1, 2, 7, 8, 9, 16, 20, 25))
        lba = alone.rng.randrange(DISK_BLOCKS - blocks + 1)
        await move_there_and_back(alone, lba, blocks)
    alone.checker.require_clean()


async def move_there_and_back(alone: Alone, lba: int, blocks: int) -> None:
    """Write blocks from scattered pages, and read them into others."""
    size = blocks * BLOCK
    content = alone.rng.randbytes(size)
    offset = alone.rng.choice((0, 4, 0x200, 0xFFC))
    pages, prps = alone.scatter(DATA + offset, size)
    position = 0
    for address, length in pieces(pages, offset, size):
        alone.write(address, content[position : position + length])
        position += length
    done = await alone.host.transfer(1, lba, blocks, prps)
    assert done.status is Status.SUCCESS, done
    assert alone.disk(lba, blocks) == content

    before = bytes(alone.faults.data)
    pages, prps = alone.scatter(DATA + offset, size)
    done = await alone.host.transfer(2, lba, blocks, prps)
    assert done.status is Status.SUCCESS, done
    expected = bytearray(before)
    position = 0
    for address, length in pieces(pages, offset, size):
        expected[address : address + length] = content[position : position + length]
        position += length
    # Everything but queues and lists must be as expected: nothing was written beside the buffer.
    assert alone.faults.data[DATA:] == expected[DATA:]


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def queues_wrap_and_the_phase_turns(dut: Any) -> None:
    alone = await Alone.power_up(dut)
    await alone.host.start()
    for number in range(2 * alone.host.layout.entries + 3):
        done = await alone.host.transfer(0, 0, 1, (0, 0))
        assert done.status is Status.SUCCESS
        assert (done.queue, done.head) == (1, (number + 1) % alone.host.layout.entries)


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def waits_while_the_completion_queue_is_full(dut: Any) -> None:
    alone = await Alone.power_up(dut)
    host = alone.host
    await host.start()
    for _ in range(host.layout.entries - 1):
        await host.begin_transfer(0, 0, 1, (0, 0))
    await ClockCycles(dut.clk, 2000)
    await host.begin_transfer(0, 0, 1, (0, 0))
    await ClockCycles(dut.clk, 500)
    assert int(dut.master.sq_head[1].value) == host.layout.entries - 1
    commands = [(await host.wait_completion(host.io)).command for _ in range(host.layout.entries)]
    assert commands == list(range(commands[0], commands[0] + host.layout.entries))


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def refuses_what_it_cannot_do(dut: Any) -> None:
    alone = await Alone.power_up(dut)
    host = alone.host
    await host.enable()
    size = (host.layout.entries - 1) << 16
    for opcode, cdw10, cdw11, status in (
        (0x7F, 0, 0, Status.INVALID_OPCODE),
        (0x06, 0x1C, 0, Status.INVALID_FIELD),
        (0x05, size | 2, 3, Status.INVALID_QUEUE),
        (0x05, 0xFFFF << 16 | 1, 3, Status.INVALID_QUEUE_SIZE),
        (0x05, size | 1, 2, Status.INVALID_FIELD),
        (0x01, size | 1, 1 << 16 | 1, Status.INVALID_CQ),
        (0x04, 1, 0, Status.INVALID_QUEUE),
        (0x09, 0x07, 0, Status.SUCCESS),
    ):
        done = await host.admin_command(opcode, prps=(0x3000, 0), cdw10=cdw10, cdw11=cdw11)
        assert done.status is status, (hex(opcode), done)
    await host.create_io_queues()
    assert (await host.admin_command(0x04, cdw10=1)).status is Status.INVALID_DELETION
    for opcode, lba, prps, nsid, status in (
        (0x09, 0, (DATA, 0), 1, Status.INVALID_OPCODE),
        (0x02, 0, (DATA, 0), 2, Status.INVALID_NAMESPACE),
        (0x02, DISK_BLOCKS, (DATA, 0), 1, Status.LBA_OUT_OF_RANGE),
        (0x02, DISK_BLOCKS - 1, (DATA, 0), 1, Status.LBA_OUT_OF_RANGE),
        (0x02, 1 << 63, (DATA, 0), 1, Status.LBA_OUT_OF_RANGE),
        (0x02, 0, (DATA + 2, 0), 1, Status.PRP_OFFSET_INVALID),
        (0x02, 0, (DATA + PAGE - 4, DATA + 8), 1, Status.PRP_OFFSET_INVALID),
    ):
        done = await host.transfer(opcode, lba, 2, prps, nsid)
        assert done.status is status, (hex(opcode), done)
    assert (await host.admin_command(0x00, cdw10=1)).status is Status.SUCCESS
    assert (await host.admin_command(0x04, cdw10=1)).status is Status.SUCCESS


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def a_list_that_names_itself_ends_in_a_status(dut: Any) -> None:
    alone = await Alone.power_up(dut)
    await alone.host.start()
    last_slot = Layout().prp_lists + PAGE - 8
    alone.write(last_slot, last_slot.to_bytes(8, "little"))
    done = await alone.host.transfer(2, 0, 25, (DATA, last_slot))
    assert done.status is Status.PRP_OFFSET_INVALID


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def an_error_of_data_ends_the_command_and_no_more(dut: Any) -> None:
    alone = await Alone.power_up(dut, faulty=True)
    host = alone.host
    await host.start()
    alone.faults.bad = [range(DATA + PAGE, DATA + 2 * PAGE)]
    for opcode in (1, 2):
        done = await host.transfer(opcode, 0, 16, host.prps(DATA, 16 * BLOCK))
        assert done.status is Status.DATA_TRANSFER_ERROR
    alone.faults.bad = [range(Layout().prp_lists, Layout().prp_lists + PAGE)]
    done = await host.read_disk(0, 24, DATA)
    assert done.status is Status.DATA_TRANSFER_ERROR
    alone.faults.bad = []
    assert (await host.read_disk(0, 24, DATA)).status is Status.SUCCESS
    alone.checker.require_clean()


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def an_error_of_a_queue_is_fatal_until_disabled(dut: Any) -> None:
    alone = await Alone.power_up(dut, faulty=True)
    host = alone.host
    for page in (Layout().io_sq, Layout().io_cq):
        await host.start()
        alone.faults.bad = [range(page, page + PAGE)]
        await host.begin_transfer(0, 0, 1, (0, 0))
        await host.wait_status(FATAL, FATAL)
        alone.faults.bad = []
        await host.disable()
        assert await host.master.read(Register.CSTS) == 0
        await host.start()
        assert (await host.read_disk(0, 1, DATA)).status is Status.SUCCESS
        await host.disable()


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def interrupts_are_messages_when_enabled_and_a_wire_when_not(dut: Any) -> None:
    alone = await Alone.power_up(dut, faulty=True)
    host = alone.host
    await host.start(vector=1)
    await host.begin_transfer(0, 0, 1, (0, 0))
    await ClockCycles(dut.clk, 500)
    assert int(dut.irq.value) == 1
    await host.wait_completion(host.io)
    await ClockCycles(dut.clk, 10)
    assert int(dut.irq.value) == 0

    await host.use_messages(MESSAGE_ADDRESS, 0x4040)
    await host.master.write(Register.INTMS, 1 << 1)
    await host.transfer(0, 0, 1, (0, 0))
    await ClockCycles(dut.clk, 300)
    assert alone.read(MESSAGE_ADDRESS, 4) == bytes(4)
    await host.master.write(Register.INTMC, 1 << 1)
    await ClockCycles(dut.clk, 300)
    assert alone.read(MESSAGE_ADDRESS, 4) == (0x4041).to_bytes(4, "little")
    assert await host.master.read(Register.MSI_CONTROL) == 1

    alone.faults.bad = [range(MESSAGE_ADDRESS, MESSAGE_ADDRESS + 4)]
    await host.admin_command(0x09, cdw10=7)
    await ClockCycles(dut.clk, 300)
    assert await host.master.read(Register.MSI_CONTROL) == 1 << 31 | 1


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def clearing_enable_ends_whatever_runs(dut: Any) -> None:
    alone = await Alone.power_up(dut)
    pause_all(alone.slave, alone.rng)
    host = alone.host
    for _ in range(6):
        await host.start()
        await host.begin_transfer(alone.rng.choice((1, 2)), 0, 20, host.prps(DATA, 20 * BLOCK))
        await ClockCycles(dut.clk, alone.rng.randrange(1, 900))
        await host.disable()
        bursts = len(alone.checker.bursts)
        await ClockCycles(dut.clk, 200)
        assert len(alone.checker.bursts) == bursts
    alone.checker.require_clean()


@cocotb.test(timeout_time=5, timeout_unit="ms")
async def a_reset_may_come_at_any_cycle(dut: Any) -> None:
    alone = await Alone.power_up(dut)
    pause_all(alone.slave, alone.rng, duty=0.2)
    host = alone.host
    for _ in range(12):
        await host.start()
        await host.begin_transfer(alone.rng.choice((1, 2)), 0, 20, host.prps(DATA, 20 * BLOCK))
        await ClockCycles(dut.clk, alone.rng.randrange(1, 1500))
        await host.master.pulse_reset()
        assert await host.master.read(Register.CSTS) & (READY | FATAL) == 0
    await host.start()
    await move_there_and_back(alone, 3, 20)
    alone.checker.require_clean()
