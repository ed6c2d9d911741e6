"""A requester port, and registers, behind a Wishbone master in RTL."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import cocotb
import pytest
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge

from hdl_bridge.wishbone import WishboneBus, WishboneMemory, WishboneRegisters
from tests.hdl_bridge.registers import Registers
from vtd_plugin.bus import Mapping, Platform
from vtd_plugin.bus.testing import FakeUnit, RecordingSink

IOVA = 0x1000_0000
HOST = 0x10_0000
MAPPED = 0x4000
BASE = 0x8000


class Master:
    """The commands of the RTL master."""

    def __init__(self, dut: Any) -> None:
        self._dut = dut
        self.size = len(dut.wb_dat_o) // 8

    async def access(
        self, address: int, select: int, data: bytes | None = None
    ) -> tuple[bytes, bool]:
        """Do one: (the bus word that was read, whether all was well)."""
        dut = self._dut
        await self.request(address, select, data)
        while not int(dut.done.value):
            await RisingEdge(dut.clk)
        return int(dut.result.value).to_bytes(self.size, "little"), not int(dut.failed.value)

    async def request(self, address: int, select: int, data: bytes | None = None) -> None:
        """Begin one."""
        dut = self._dut
        dut.command.value = 1
        dut.command_write.value = data is not None
        dut.command_address.value = address
        dut.command_data.value = int.from_bytes(data or b"", "little")
        dut.command_select.value = select
        await RisingEdge(dut.clk)
        dut.command.value = 0
        await RisingEdge(dut.clk)


class Bench:
    def __init__(self, dut: Any, *, bus: WishboneBus | None = None, **options: Any) -> None:
        self.platform = Platform(4 << 20, load_entry_points=False)
        self.unit = self.platform.add_unit(FakeUnit([Mapping(IOVA, HOST, MAPPED)]))
        self.port = self.platform.requester("00:04.0")
        bus = bus or WishboneBus.from_prefix(dut, "wb")
        self.memory = WishboneMemory(bus, dut.clk, dut.rst, self.port, **options)
        self.master = Master(dut)
        self.every = (1 << self.master.size) - 1
        self.rng = random.Random(random.getrandbits(32))


async def start(dut: Any) -> None:
    for name in ("command", "give_up", "wb_ack_i", "wb_err_i", "wb_dat_i"):
        getattr(dut, name).value = 0
    dut.rst.value = 1
    Clock(dut.clk, 10, unit="ns", impl="gpi").start()
    await ClockCycles(dut.clk, 3)
    dut.rst.value = 0
    await ClockCycles(dut.clk, 2)


@cocotb.test
@cocotb.parametrize(latency=[0, 3])
async def every_selection_of_bytes_goes_where_it_is_told(dut: Any, latency: int) -> None:
    await start(dut)
    bench = Bench(dut, latency=latency)
    content = bytearray(0x100)
    size = bench.master.size
    for _ in range(60):
        offset = bench.rng.randrange(0, len(content), size)
        select = bench.rng.choice((bench.every, bench.rng.randint(0, bench.every)))
        lanes = [lane for lane in range(size) if select >> lane & 1]
        if bench.rng.random() < 0.5:
            data = bench.rng.randbytes(size)
            for lane in lanes:
                content[offset + lane] = data[lane]
            _, is_well = await bench.master.access(IOVA + offset, select, data)
        else:
            word, is_well = await bench.master.access(IOVA + offset, select)
            assert [word[lane] for lane in lanes] == [content[offset + lane] for lane in lanes]
        assert is_well
        assert bench.platform.read(HOST, len(content)) == content
    assert bench.port.in_flight == ()


@cocotb.test
async def one_access_is_one_request_for_what_is_selected(dut: Any) -> None:
    await start(dut)
    bench = Bench(dut, pasid=7)
    await bench.master.access(IOVA + 0x40, 0b0110)
    await bench.master.access(IOVA + 0x40, 0b1001, bytes(bench.master.size))
    await bench.master.access(IOVA + 0x40, 0)
    asked = [(each.address, each.size, each.attributes.pasid) for each in bench.unit.requests]
    assert asked == [(IOVA + 0x41, 2, 7), (IOVA + 0x40, 4, 7)]


@cocotb.test
async def what_is_blocked_ends_with_err_and_touches_nothing(dut: Any) -> None:
    await start(dut)
    bench = Bench(dut)
    before = bench.platform.read(0, 4 << 20)
    data = b"\x5a" * bench.master.size
    assert not (await bench.master.access(IOVA + MAPPED, bench.every, data))[1]
    assert await bench.master.access(IOVA + MAPPED, bench.every) == (
        b"\xff" * bench.master.size,
        False,
    )
    bench.unit.enable(False)
    assert not (await bench.master.access(64 << 20, bench.every, data))[1]
    assert bench.platform.read(0, 4 << 20) == before
    assert (await bench.master.access(HOST, bench.every, data))[1]
    assert bench.port.in_flight == ()


@cocotb.test
async def a_bus_without_err_cannot_be_told(dut: Any) -> None:
    await start(dut)
    bench = Bench(dut, bus=replace(WishboneBus.from_prefix(dut, "wb"), err=None, sel=None))
    word, is_well = await bench.master.access(IOVA + MAPPED, 1)
    assert (word, is_well) == (b"\xff" * bench.master.size, True)
    assert bench.unit.requests[-1].size == bench.master.size


@cocotb.test
async def addresses_may_count_bus_words(dut: Any) -> None:
    await start(dut)
    size = len(dut.wb_dat_o) // 8
    bench = Bench(dut, address_unit=size)
    assert (await bench.master.access((IOVA + 0x80) // size, bench.every, b"\x21" * size))[1]
    assert bench.platform.read(HOST + 0x80, size) == b"\x21" * size


@cocotb.test
async def is_in_flight_until_it_is_answered(dut: Any) -> None:
    await start(dut)
    bench = Bench(dut, latency=20)
    await bench.master.request(IOVA, bench.every, b"\x12" * bench.master.size)
    await ClockCycles(dut.clk, 3)
    (transfer,) = bench.port.in_flight
    bench.unit.tables.clear()
    bench.unit.refresh()
    while not int(dut.wb_ack_i.value):
        assert bench.port.in_flight == (transfer,)
        await RisingEdge(dut.clk)
    await RisingEdge(dut.clk)
    assert bench.port.in_flight == ()
    assert bench.platform.read(HOST, 4) == b"\x12" * 4, "where it was when it began"


@cocotb.test
async def a_reset_of_the_platform_ends_an_access_with_err(dut: Any) -> None:
    await start(dut)
    bench = Bench(dut, latency=10)
    running = cocotb.start_soon(bench.master.access(IOVA, bench.every, bytes(16)))
    await ClockCycles(dut.clk, 5)
    bench.platform.reset_masters()
    assert not (await running)[1]


@cocotb.test
@cocotb.parametrize(signal=["rst", "give_up"])
async def an_access_without_answer_is_aborted(dut: Any, signal: str) -> None:
    await start(dut)
    bench = Bench(dut, latency=10)
    await bench.master.request(IOVA, bench.every, b"\x34" * bench.master.size)
    await ClockCycles(dut.clk, 4)
    getattr(dut, signal).value = 1
    await ClockCycles(dut.clk, 3)
    getattr(dut, signal).value = 0
    assert bench.port.in_flight == ()
    assert [each.aborted for each in bench.unit.ended] == [True]
    for _ in range(15):
        await RisingEdge(dut.clk)
        assert int(dut.wb_ack_i.value) == 0
    assert bench.platform.read(HOST, 4) == bytes(4)
    assert (await bench.master.access(IOVA, bench.every, b"\x56" * bench.master.size))[1]
    assert bench.platform.read(HOST, 4) == b"\x56" * 4


@cocotb.test
async def a_dword_to_the_window_is_an_interrupt(dut: Any) -> None:
    await start(dut)
    bench = Bench(dut)
    sink = RecordingSink()
    bench.platform.add_interrupt_sink(sink)
    data = (0x4021).to_bytes(4, "little").ljust(bench.master.size, b"\0")
    assert (await bench.master.access(0xFEE0_1000, 0xF, data))[1]
    assert [(each.address, each.data) for each in sink.messages] == [(0xFEE0_1000, 0x4021)]
    assert not (await bench.master.access(0xFEE0_1000, 0x3, data))[1]
    bench.unit.block(0xFEE0_1000)
    assert not (await bench.master.access(0xFEE0_1000, 0xF, data))[1]
    assert len(sink.messages) == 1


@cocotb.test
async def registers_are_reached_by_aligned_accesses(dut: Any) -> None:
    await start(dut)
    registers = Registers()
    bus = WishboneBus.from_prefix(dut, "wb")
    WishboneRegisters(bus, dut.clk, dut.rst, registers, base=BASE)
    master = Master(dut)
    for select, accesses in (
        (0xF, [(0x10, 4)]),
        (0x2, [(0x11, 1)]),
        (0xE, [(0x11, 1), (0x12, 2)]),
        (0x9, [(0x10, 1), (0x13, 1)]),
        (0x0, []),
    ):
        for kind in ("read", "write"):
            registers.accesses.clear()
            data = b"\xa5" * master.size if kind == "write" else None
            before = bytes(registers.content[0x10 : 0x10 + master.size])
            word, is_well = await master.access(BASE + 0x10, select, data)
            assert is_well
            assert registers.accesses == [(kind, *access) for access in accesses]
            if data is None:
                chosen = [lane for lane in range(master.size) if select >> lane & 1]
                assert [word[lane] for lane in chosen] == [before[lane] for lane in chosen]
    registers.accesses.clear()
    for address in (BASE - master.size, BASE + 256):
        assert not (await master.access(address, 0xF))[1]
        assert not (await master.access(address, 0xF, bytes(master.size)))[1]
    assert registers.accesses == []


@cocotb.test
async def a_master_with_other_names_is_not_found(dut: Any) -> None:
    with pytest.raises(AttributeError, match="bus_cyc_o"):
        WishboneBus.from_prefix(dut, "bus")
