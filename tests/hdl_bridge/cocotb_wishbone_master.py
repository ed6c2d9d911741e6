"""A Wishbone master of a testbench, before a slave in RTL."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import cocotb
import pytest
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge, SimTimeoutError, with_timeout

from hdl_bridge.wishbone import (
    WishboneBus,
    WishboneError,
    WishboneMaster,
    WishboneRead,
    WishboneResponse,
    WishboneWrite,
)

ACK, ERR, RTY, ABORTED = WishboneResponse
REGISTERS = 64
REFUSED = 0x40
RETRIED = 0x80
SILENT = 0xC0
UNKNOWN = 0x100


async def start(dut: Any) -> None:
    for name in ("cyc", "stb", "we", "adr", "dat", "sel"):
        getattr(dut, f"wb_{name}_i").value = 0
    dut.wait_states.value = 0
    dut.hold.value = 0
    dut.rst.value = 1
    Clock(dut.clk, 10, unit="ns", impl="gpi").start()
    await ClockCycles(dut.clk, 3)
    dut.rst.value = 0


def bus_of(dut: Any) -> WishboneBus:
    """The bus of the slave; the STALL of a classic one means nothing."""
    bus = WishboneBus.from_slave_prefix(dut, "wb")
    return bus if is_pipelined(dut) else replace(bus, stall=None)


def is_pipelined(dut: Any) -> bool:
    return bool(int(dut.PIPELINED.value))


def make_master(dut: Any, **options: Any) -> WishboneMaster:
    unit = int(dut.ADDRESS_UNIT.value)
    return WishboneMaster(bus_of(dut), dut.clk, dut.rst, address_unit=unit, **options)


def word_bytes(dut: Any) -> int:
    return len(dut.wb_dat_i) // 8


async def disturb(dut: Any, rng: random.Random) -> None:
    """Wait states at random, and clock cycles in which the slave holds."""
    while True:
        dut.wait_states.value = rng.choice((0, 0, 1, 2, 9))
        dut.hold.value = rng.random() < 0.4
        await ClockCycles(dut.clk, rng.randint(1, 12))


@cocotb.test
async def bytes_go_where_they_are_told(dut: Any) -> None:
    await start(dut)
    rng = random.Random(random.getrandbits(32))
    master = make_master(dut)
    content = bytearray(rng.randbytes(REGISTERS))
    assert await master.write(0, content) == WishboneWrite(0, REGISTERS, ACK)
    cocotb.start_soon(disturb(dut, rng))
    for _ in range(80):
        address = rng.randrange(REGISTERS)
        length = rng.randint(1, min(20, REGISTERS - address))
        if rng.random() < 0.5:
            data = rng.randbytes(length)
            content[address : address + length] = data
            assert await master.write(address, data) == WishboneWrite(address, length, ACK)
        else:
            data = bytes(content[address : address + length])
            assert await master.read(address, length) == WishboneRead(address, data, ACK)
        await ClockCycles(dut.clk, rng.choice((0, 0, 1, 3)) or 1)
    assert (await master.read(0, REGISTERS)).data == content


@cocotb.test
async def numbers_are_little_endian(dut: Any) -> None:
    await start(dut)
    master = make_master(dut)
    await master.write(0, bytes(REGISTERS))
    await master.write_byte(0x01, 0x12)
    await master.write_word(0x02, 0x3456)
    await master.write_dword(0x04, 0x89AB_CDEF)
    await master.write_qword(0x08, 0x0123_4567_89AB_CDEF)
    stored = bytes([0, 0x12, 0x56, 0x34]) + bytes.fromhex("efcdab89 efcdab8967452301")
    assert (await master.read(0, 16)).data == stored
    assert await master.read_byte(0x01) == 0x12
    assert await master.read_word(0x02) == 0x3456
    assert await master.read_dword(0x04) == 0x89AB_CDEF
    assert await master.read_qword(0x08) == 0x0123_4567_89AB_CDEF


@cocotb.test
@cocotb.parametrize(case=[(REFUSED, ERR), (RETRIED, RTY)])
async def an_answer_that_is_no_ack_is_told(dut: Any, case: tuple[int, WishboneResponse]) -> None:
    address, response = case
    await start(dut)
    master = make_master(dut)
    assert (await master.read(address, 4)).resp is response
    assert (await master.write(address, b"word")).resp is response
    with pytest.raises(WishboneError, match=f"read of 4 bytes at {address:#x}: {response}"):
        await master.read_dword(address)
    with pytest.raises(WishboneError, match=f"write of 2 bytes at {address:#x}: {response}"):
        await master.write_word(address, 1)


@cocotb.test
async def every_word_is_asked_for_whatever_the_others_are_answered(dut: Any) -> None:
    await start(dut)
    master, size = make_master(dut), word_bytes(dut)
    await master.write(REFUSED - size, b"\x55" * size)
    answers = int(dut.answers.value)
    read = await master.read(REFUSED - size, 3 * size)
    assert read.resp is ERR
    assert read.data[:size] == b"\x55" * size
    assert len(read.data) == 3 * size
    await ClockCycles(dut.clk, 2)
    assert int(dut.answers.value) == answers + 3


@cocotb.test
async def a_core_that_never_answers_is_given_up(dut: Any) -> None:
    await start(dut)
    master, size = make_master(dut, timeout=50), word_bytes(dut)
    before = cocotb.utils.get_sim_time("ns")
    with pytest.raises(WishboneError, match=r"read at 0xc0, SEL 0b1+: no answer within 50 clock"):
        await master.read(SILENT, 3 * size)
    assert 500 <= cocotb.utils.get_sim_time("ns") - before <= 530
    with pytest.raises(WishboneError, match="write at 0xc0, SEL 0b1: no answer"):
        await master.write_byte(SILENT, 1)
    await RisingEdge(dut.clk)
    assert int(dut.wb_cyc_i.value) == 0
    assert int(dut.answers.value) == 0
    await master.write_dword(0, 7)
    assert await master.read_dword(0) == 7


@cocotb.test
async def answers_that_come_late_but_come_are_waited_for(dut: Any) -> None:
    await start(dut)
    master, size = make_master(dut, timeout=40), word_bytes(dut)
    dut.wait_states.value = 30
    data = bytes(range(6 * size))
    assert (await master.write(0, data)).resp is ACK
    assert (await master.read(0, 6 * size)).data == data


@cocotb.test
async def tasks_are_served_in_the_order_of_their_calls(dut: Any) -> None:
    await start(dut)
    rng = random.Random(random.getrandbits(32))
    master = make_master(dut)
    cocotb.start_soon(disturb(dut, rng))
    await master.write(0, bytes(REGISTERS))
    finished: list[tuple[int, int]] = []

    async def exchange(number: int) -> None:
        """Leave a number, and find that of the last who did so."""
        await master.write_byte(3, number)
        finished.append((number, await master.read_byte(3)))

    tasks = [cocotb.start_soon(exchange(number)) for number in range(8)]
    for task in tasks:
        await task
    assert finished == [(number, 7) for number in range(8)]


@cocotb.test
async def a_reset_ends_all_calls(dut: Any) -> None:
    await start(dut)
    master, size = make_master(dut), word_bytes(dut)
    dut.wait_states.value = 20
    write = cocotb.start_soon(master.write(0, bytes(3 * size)))
    read = cocotb.start_soon(master.read(0, size))
    number = cocotb.start_soon(_failure_of(master.read_byte(0)))
    await ClockCycles(dut.clk, 10)
    dut.rst.value = 1
    await ClockCycles(dut.clk, 3)
    assert await write == WishboneWrite(0, 3 * size, ABORTED)
    assert await read == WishboneRead(0, bytes(size), ABORTED)
    assert "read of 1 bytes at 0x0: ABORTED" in await number
    dut.wait_states.value = 0
    late = cocotb.start_soon(master.write_byte(0, 0x5A))
    for _ in range(10):
        await RisingEdge(dut.clk)
        assert not int(dut.wb_cyc_i.value)
        assert not int(dut.wb_stb_i.value)
    assert not late.done()
    dut.rst.value = 0
    await late
    assert await master.read_byte(0) == 0x5A


async def _failure_of(call: Any) -> str:
    with pytest.raises(WishboneError) as caught:
        await call
    return str(caught.value)


@cocotb.test
async def a_caller_that_waits_no_more_leaves_nothing_behind(dut: Any) -> None:
    await start(dut)
    master, size = make_master(dut), word_bytes(dut)
    dut.wait_states.value = 10
    with pytest.raises(SimTimeoutError):
        await with_timeout(master.write(0, bytes(16 * size)), 150, "ns")
    await ClockCycles(dut.clk, 100)
    assert 1 <= int(dut.answers.value) <= 6
    assert not int(dut.wb_cyc_i.value)


@cocotb.test
async def mistakes_of_the_caller_are_told(dut: Any) -> None:
    await start(dut)
    master, limit = make_master(dut), int(dut.ADDRESS_UNIT.value) << 16
    for address, length in ((-1, 1), (0, 0), (limit, 1), (limit - 2, 4)):
        with pytest.raises(ValueError, match="are not within"):
            await master.read(address, length)
    with pytest.raises(ValueError, match="0x100 is not within 1 bytes"):
        await master.write_byte(0, 0x100)
    with pytest.raises(TypeError):
        await master.write(0, 4)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="timeout=0"):
        make_master(dut, timeout=0)
    with pytest.raises(TypeError, match=r"timeout=1\.5 is no int"):
        make_master(dut, timeout=1.5)
    with pytest.raises(TypeError, match="clock=None is no signal"):
        WishboneMaster(bus_of(dut), None)
    for unit in (0, 3, 16):
        with pytest.raises(ValueError, match=f"address_unit={unit}"):
            WishboneMaster(bus_of(dut), dut.clk, dut.rst, address_unit=unit)
    with pytest.raises(AttributeError, match="bus_cyc_i"):
        WishboneBus.from_slave_prefix(dut, "bus")


@cocotb.test
async def a_bus_without_sel_takes_whole_words(dut: Any) -> None:
    await start(dut)
    size, unit = word_bytes(dut), int(dut.ADDRESS_UNIT.value)
    dut.wb_sel_i.value = (1 << size) - 1
    bus = replace(bus_of(dut), sel=None)
    master = WishboneMaster(bus, dut.clk, dut.rst, address_unit=unit)
    data = bytes(range(2 * size))
    await master.write(size, data)
    assert (await master.read(size + 1, 2)).data == data[1:3]
    for address, length in ((0, size + 1), (1, size)):
        with pytest.raises(ValueError, match="takes whole words"):
            await master.write(address, bytes(length))


@cocotb.test(skip=cocotb.SIM_NAME.lower().startswith("verilator"))
async def what_is_read_is_known(dut: Any) -> None:
    await start(dut)
    master = make_master(dut)
    with pytest.raises(WishboneError, match=r"read at 0x100, SEL 0b10: DAT is [xX]{8}"):
        await master.read_byte(UNKNOWN + 1)
    assert len((await master.read(REFUSED, 4)).data) == 4


@cocotb.test
async def a_pipelined_core_takes_a_word_each_clock_cycle(dut: Any) -> None:
    await start(dut)
    master, size = make_master(dut), word_bytes(dut)
    before = cocotb.utils.get_sim_time("ns")
    words = REGISTERS // size
    await master.write(0, bytes(REGISTERS))
    cycles = (cocotb.utils.get_sim_time("ns") - before) / 10
    assert (cycles <= words + 4) is is_pipelined(dut)
