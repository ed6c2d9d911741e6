"""What only stock slaves have: classes for one direction, and memory of their own."""

from __future__ import annotations

from typing import Any

import cocotb
import pytest
from cocotbext.axi import (
    AxiBus,
    AxiRam,
    AxiRamRead,
    AxiRamWrite,
    AxiSlave,
    MemoryRegion,
    PeripheralRegion,
    SparseMemoryRegion,
)
from cocotbext.axi.sparse_memory import SparseMemory

from hdl_bridge.axi import attach
from hdl_bridge.bursts import Burst, Response
from tests.hdl_bridge.axi_bench import SOURCE_ID, start
from tests.hdl_bridge.raw_master import RawMaster
from vtd_plugin.bus import Platform

RAM = 1 << 20
GAP = 0x1000
"""Bytes without RAM between the first region and the next."""


def _platform() -> Platform:
    return Platform(RAM, load_entry_points=False)


def _axi_ram(dut: Any, **options: Any) -> AxiRam:
    return AxiRam(AxiBus.from_prefix(dut, "axi"), dut.clk, dut.rst, **options)


@cocotb.test
async def one_direction_alone_can_be_attached(dut: Any) -> None:
    await start(dut)
    platform = _platform()
    bus = AxiBus.from_prefix(dut, "axi")
    attach(AxiRamWrite(bus.write, dut.clk, dut.rst, size=RAM), platform, "00:01.0")
    attach(AxiRamRead(bus.read, dut.clk, dut.rst, size=RAM), platform, "00:02.0")
    master = RawMaster(bus, dut)
    burst = Burst(0x100, 1, 4)
    seen: list[Any] = []
    platform.add_observer(seen.append)
    assert await master.write(burst, [0x1234], [0xF]) == Response.OKAY
    assert (await master.read(burst))[0] == [0x1234]
    assert {event.source_id for event in seen} == {0x08, 0x10}


@cocotb.test
async def an_axi_ram_reads_and_writes_the_ram_of_the_platform(dut: Any) -> None:
    """All of it, in pieces that adjoin and in RAM that comes later, whatever its own size was."""
    await start(dut)
    platform = _platform()
    ram = _axi_ram(dut, size=0x1_0000)
    attach(ram, platform, SOURCE_ID)
    ram.write(0x200, b"by its own call")
    assert platform.read(0x200, 15) == b"by its own call"
    platform.write(0x3_0000, bytes(range(1, 17)))
    assert ram.read(0x3_0000, 4) == b"\x01\x02\x03\x04"
    assert ram.read_dword(0x3_0004) == 0x0807_0605
    assert ram.hexdump_str(0x3_0000, 4) == ram.hexdump_lines(0x3_0000, 4)[0]
    assert ram.hexdump_str(0x3_0000, 4).startswith("00030000: 01 02 03 04")
    assert (ram.mem[0x3_0001], ram.mem[0x3_0002:0x3_0004]) == (2, b"\x03\x04")
    ram.write_byte(0x3_0000, 0x55)
    ram.write_if.write_qword(0x3_0008, 7)
    assert ram.read_if.read_qword(0x3_0008) == 7
    assert platform.read(0x3_0000, 1) == b"\x55"

    master = RawMaster(AxiBus.from_prefix(dut, "axi"), dut)
    assert await master.write(Burst(0x100, 1, 4), [0x1234], [0xF]) == Response.OKAY
    assert ram.read_dword(0x100) == 0x1234

    platform.add_ram(RAM, bytearray(0x1000))
    platform.add_ram(RAM + 0x1000 + GAP, bytearray(0x1000))
    ram.write(RAM - 2, b"over")
    assert platform.read(RAM, 2) == b"er"
    ram.write(RAM + 0x1000 + GAP, b"high")
    assert platform.read(RAM + 0x1000 + GAP, 4) == b"high"
    ram.mem.clear()
    assert platform.read(0, RAM) == bytes(RAM)
    assert platform.read(RAM + 0x1000 + GAP, 4) == bytes(4)


@cocotb.test
async def where_there_is_no_ram_the_calls_of_an_axi_ram_are_errors(dut: Any) -> None:
    await start(dut)
    platform = _platform()
    ram = _axi_ram(dut, size=1 << 32)
    attach(ram, platform, SOURCE_ID)
    for address in (RAM, RAM - 2, 1 << 40, 1 << 64):
        with pytest.raises(
            ValueError, match=rf"read of 4 bytes at {address:#x}: they are not all RAM"
        ):
            ram.mem.read(address, 4)
    with pytest.raises(ValueError, match=r"read of 4 bytes at 0xffffe: they are not all RAM"):
        ram.read(RAM - 2, 4)
    with pytest.raises(ValueError, match=r"write of 4 bytes at 0xffffe: they are not all RAM"):
        ram.write(RAM - 2, b"over")
    assert platform.read(RAM - 2, 2) == bytes(2)


@cocotb.test
async def what_an_axi_ram_held_moves_to_the_platform(dut: Any) -> None:
    """It lies beside what is there; the AxiRam may be larger, if it holds nothing above."""
    await start(dut)
    platform = _platform()
    ram = _axi_ram(dut, size=1 << 32)
    ram.write(0xFFE, b"\x01\x00\x03\x04")
    ram.write(RAM - 1, b"\x05")
    ram.write(RAM + 0x5000, bytes(16))
    platform.write(0xFFC, b"\x0a\x0b\x01\x0c\x03")
    attach(ram, platform, SOURCE_ID)
    assert platform.read(0xFFC, 6) == b"\x0a\x0b\x01\x0c\x03\x04"
    assert ram.read(0xFFC, 6) == b"\x0a\x0b\x01\x0c\x03\x04"
    assert platform.read(RAM - 1, 1) == b"\x05"


@cocotb.test
async def whoever_shares_the_memory_of_an_axi_ram_reaches_the_platform(dut: Any) -> None:
    """The AxiRam itself when its directions are attached, and one on a second port."""
    await start(dut)
    platform = _platform()
    ram = _axi_ram(dut, size=RAM)
    second = AxiRam(AxiBus.from_prefix(dut, "stock"), dut.clk, dut.rst, mem=ram.mem)
    ram.write(0x100, b"\x01\x02")
    attach(ram.write_if, platform, "00:01.0")
    platform.write(0x101, b"\x22")
    attach(ram.read_if, platform, "00:02.0")
    attach(second, platform, "00:03.0")
    for each in (ram, ram.write_if, ram.read_if, second):
        assert each.read(0x100, 2) == b"\x01\x22"


@cocotb.test
async def a_slave_over_ram_of_the_platform_keeps_it(dut: Any) -> None:
    await start(dut)
    buffer = bytearray(RAM)
    platform = Platform(ram=buffer, load_entry_points=False)
    ram = _axi_ram(dut, mem=buffer)
    attach(ram, platform, SOURCE_ID)
    assert ram.mem is buffer
    region = MemoryRegion(0x1000)
    platform.add_ram(1 << 32, region.mem)
    bus = AxiBus.from_prefix(dut, "stock")
    attach(AxiSlave(bus, dut.clk, dut.rst, region), platform, SOURCE_ID)
    platform.write((1 << 32) + 8, b"\x77")
    assert await region.read(8, 1) == b"\x77"


@cocotb.test
async def a_sparse_region_behind_a_slave_reaches_the_platform(dut: Any) -> None:
    await start(dut)
    platform = _platform()
    region = SparseMemoryRegion(RAM)
    await region.write(0x100, b"before")
    slave = AxiSlave(AxiBus.from_prefix(dut, "axi"), dut.clk, dut.rst, region)
    attach(slave, platform, SOURCE_ID)
    assert platform.read(0x100, 6) == b"before"
    platform.write(0x100, b"behind")
    assert await region.read(0x100, 6) == b"behind"


@cocotb.test
async def bytes_that_would_be_lost_are_told_of_and_nothing_is_attached(dut: Any) -> None:
    await start(dut)
    platform = _platform()
    ram = _axi_ram(dut, size=1 << 32)
    ram.write(0x100, b"first")
    ram.write(RAM - 2, b"over")
    with pytest.raises(ValueError, match=r"from 0x100000 to 0x100001, where .* no RAM"):
        attach(ram, platform, SOURCE_ID)
    ram.write(RAM, bytes(2))
    platform.write(0x102, b"\x55")
    with pytest.raises(ValueError, match=r"0x72 at 0x102, .* platform 0x55: attach first"):
        attach(ram, platform, SOURCE_ID)
    assert ram.read(0x100, 5) == b"first"
    assert platform.read(0x100, 5) == b"\x00\x00\x55\x00\x00"
    platform.write(0x102, b"\x00")
    attach(ram, platform, SOURCE_ID)
    assert platform.read(0x100, 5) == b"first"


class OwnMemory(SparseMemory):  # type: ignore[misc]
    """Memory that does more than hold bytes."""


@cocotb.test
async def memory_that_cannot_be_the_ram_of_the_platform_is_refused(dut: Any) -> None:
    await start(dut)
    platform = _platform()
    for mem in (bytearray(RAM), OwnMemory(RAM)):
        name = type(mem).__name__
        with pytest.raises(ValueError, match=rf"over a {name} of its own, .*ram=ram\.mem"):
            attach(_axi_ram(dut, mem=mem), platform, SOURCE_ID)
    target = PeripheralRegion(object(), RAM)
    slave = AxiSlave(AxiBus.from_prefix(dut, "axi"), dut.clk, dut.rst, target)
    with pytest.raises(ValueError, match=r"AxiSlave with .*PeripheralRegion.* asked no more"):
        attach(slave, platform, SOURCE_ID)
    ram = _axi_ram(dut, size=RAM)
    attach(ram.write_if, platform, SOURCE_ID)
    with pytest.raises(ValueError, match="RAM of another platform"):
        attach(ram.read_if, _platform(), SOURCE_ID)
