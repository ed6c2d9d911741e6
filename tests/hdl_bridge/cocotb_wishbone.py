"""A requester port, and registers, behind a Wishbone master in RTL."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cocotb
import pytest
from cocotb.triggers import ClockCycles, RisingEdge
from cocotb.types import LogicArray

from hdl_bridge.wishbone import WishboneBus, WishboneError, WishboneMemory, WishboneRegisters
from testbenches.master import random_pauses
from testbenches.wishbone.master import Master, bus_of, start
from tests.hdl_bridge.registers import Registers
from tests.hdl_bridge.wishbone_bench import HOST, IOVA, MAPPED, Bench
from vtd_plugin.bus import Platform
from vtd_plugin.bus.testing import FakeRegisters, RecordingSink

BASE = 0x8000


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
    bench = Bench(dut, bus=replace(bus_of(dut), err=None, sel=None))
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
async def registers_on_the_bus_see_only_what_is_selected(dut: Any) -> None:
    await start(dut)
    bench = Bench(dut)
    bench.unit.enable(False)
    registers = FakeRegisters()
    bench.platform.add_mmio(0xC000_0000, 0x1000, registers, dma=True)
    data = bytes(bench.master.size)
    for select, accesses in (
        (0b1001, [(0, 1), (3, 1)]),
        (0b0101, [(0, 1), (2, 1)]),
        (0b1111, [(0, 4)]),
        (0b0110, [(1, 1), (2, 1)]),
    ):
        for kind, written in (("read", ()), ("write", (data,))):
            registers.accesses.clear()
            _, is_well = await bench.master.access(0xC000_0000, select, *written)
            assert is_well
            assert registers.accesses == [(kind, *access) for access in accesses]


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
    WishboneRegisters(bus_of(dut), dut.clk, dut.rst, registers, base=BASE)
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


@cocotb.test
@cocotb.parametrize(pauses=[False, True])
async def accesses_that_follow_at_once_are_each_done_once(dut: Any, pauses: bool) -> None:
    await start(dut)
    bench = Bench(dut)
    if pauses:
        for channel in (bench.memory.request_channel, bench.memory.response_channel):
            channel.set_pause_generator(random_pauses(bench.rng, 0.4))
    size, words = bench.master.size, [bench.rng.randbytes(bench.master.size) for _ in range(24)]
    outcomes = [
        await bench.master.request(IOVA + size * number, bench.every, word)
        for number, word in enumerate(words)
    ]
    outcomes += [
        await bench.master.request(IOVA + size * number, bench.every)
        for number in reversed(range(24))
    ]
    results = [await outcome.wait() for outcome in outcomes]
    assert all(is_well for _, is_well in results)
    assert [word for word, _ in results[24:]] == words[::-1]
    assert bench.platform.read(HOST, 24 * size) == b"".join(words)
    assert len(bench.unit.requests) == len(bench.unit.ended) == 48
    assert bench.port.in_flight == ()


@cocotb.test
async def a_channel_that_pauses_holds_accesses_back(dut: Any) -> None:
    await start(dut)
    bench = Bench(dut)
    bench.memory.request_channel.pause = True
    await ClockCycles(dut.clk, 2)
    outcome = await bench.master.request(IOVA, bench.every)
    await ClockCycles(dut.clk, 10)
    assert bench.unit.requests == []
    bench.memory.request_channel.pause = False
    bench.memory.response_channel.pause = True
    await ClockCycles(dut.clk, 10)
    assert len(bench.port.in_flight) == 1
    assert bench.master.pending
    bench.memory.response_channel.pause = False
    assert (await outcome.wait())[1]


@cocotb.test(skip=cocotb.SIM_NAME.lower().startswith("verilator"))
async def a_request_that_is_unknown_is_told(dut: Any) -> None:
    await start(dut)
    bench = Bench(dut)
    bench.memory._stop()
    dut.command_address.value = LogicArray("X" * len(dut.command_address))
    dut.command_select.value = bench.every
    dut.command_write.value = 0
    dut.command.value = 1
    with pytest.raises(WishboneError, match=r"ADR is [xX]+ while CYC and STB are 1"):
        await bench.memory._serve()


@cocotb.test
async def wrong_arguments_are_told(dut: Any) -> None:
    await start(dut)
    platform = Platform(1 << 20, load_entry_points=False)
    bus = bus_of(dut)
    make: Any = WishboneMemory
    wrong = (("latency", 1.5), ("latency", True), ("outstanding", "4"), ("address_unit", 1.0))
    for name, value in wrong:
        with pytest.raises(TypeError, match=f"^{name}={value!r} is no int$"):
            make(bus, dut.clk, dut.rst, platform, "00:06.0", **{name: value})
    with pytest.raises(TypeError, match=r"\['psid'\] are no options of a request"):
        make(bus, dut.clk, dut.rst, platform, "00:06.0", psid=4)
    with pytest.raises(ValueError, match="PASID 0x100000 is not within 20 bits"):
        make(bus, dut.clk, dut.rst, platform, "00:06.0", pasid=1 << 20)
    with pytest.raises(TypeError, match=r"^clock=None is no signal$"):
        make(bus, None, dut.rst, platform, "00:06.0")
    with pytest.raises(TypeError, match=r"^reset=.*Platform object.* is no signal"):
        make(bus, dut.clk, platform, "00:06.0")
    with pytest.raises(TypeError, match=r"^clock=None is no signal$"):
        WishboneRegisters(bus, None, dut.rst, Registers())


@cocotb.test
async def one_model_answers_on_a_bus(dut: Any) -> None:
    await start(dut)
    bench = Bench(dut)
    with pytest.raises(ValueError, match="WishboneMemory answers on this bus already"):
        WishboneMemory(bus_of(dut), dut.clk, dut.rst, bench.port)
    with pytest.raises(ValueError, match="WishboneMemory answers on this bus already"):
        WishboneRegisters(bus_of(dut), dut.clk, dut.rst, Registers())


@cocotb.test
@cocotb.parametrize(options=[{"latency": -1}, {"outstanding": 0}, {"address_unit": 3}])
async def what_cannot_be_is_refused(dut: Any, options: dict[str, Any]) -> None:
    await start(dut)
    ((name, value),) = options.items()
    with pytest.raises(ValueError, match=f"{name}={value}"):
        Bench(dut, **options)
