"""Registers behind AXI4-Lite, over bare wires."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import ClockCycles
from cocotb.types import LogicArray
from cocotbext.axi import AxiLiteMaster, AxiResp

from hdl_bridge.axi_lite import attach_registers
from tests.hdl_bridge.axi_bench import start_lite
from tests.hdl_bridge.registers import Registers

BASE = 0x8000


async def start(dut: Any) -> tuple[Registers, AxiLiteMaster]:
    bus = await start_lite(dut)
    registers = Registers()
    attach_registers(bus, dut.clk, registers, dut.rst, base=BASE)
    return registers, AxiLiteMaster(bus, dut.clk, dut.rst)


@cocotb.test
async def strobes_become_aligned_accesses(dut: Any) -> None:
    registers, master = await start(dut)
    bus_bytes = len(dut.axil_wdata) // 8
    for offset, size, accesses in (
        (0x10, 4, [(0x10, 4)]),
        (0x21, 1, [(0x21, 1)]),
        (0x32, 2, [(0x32, 2)]),
        (0x41, 3, [(0x41, 1), (0x42, 2)]),
        (0x50, 8, [(0x50, 8)] if bus_bytes == 8 else [(0x50, 4), (0x54, 4)]),
    ):
        registers.accesses.clear()
        data = bytes(0xA0 + number for number in range(size))
        response = await master.write(BASE + offset, data)
        assert response.resp == AxiResp.OKAY
        assert registers.accesses == [("write", *access) for access in accesses]
        assert registers.content[offset : offset + size] == data


@cocotb.test
async def a_read_reads_the_whole_bus_word(dut: Any) -> None:
    registers, master = await start(dut)
    bus_bytes = len(dut.axil_wdata) // 8
    assert (await master.read(BASE + 0x1C, 4)).data == bytes(range(0x1C, 0x20))
    assert registers.accesses == [("read", 0x1C & -bus_bytes, bus_bytes)]


@cocotb.test
async def what_is_outside_the_registers_is_an_error(dut: Any) -> None:
    registers, master = await start(dut)
    for address in (BASE - 8, BASE + 256):
        assert (await master.write(address, bytes(4))).resp == AxiResp.SLVERR
        assert (await master.read(address, 4)).resp == AxiResp.SLVERR
    assert registers.accesses == []


@cocotb.test
async def what_is_not_written_may_be_unknown(dut: Any) -> None:
    registers, master = await start(dut)
    bus_bytes = len(dut.axil_wdata) // 8
    channels = master.write_if
    address = channels.aw_channel._transaction_obj()
    address.awaddr = BASE
    data = channels.w_channel._transaction_obj()
    data.wdata = LogicArray("X" * (8 * bus_bytes - 8) + "10100101")
    data.wstrb = 1
    await channels.aw_channel.send(address)
    await channels.w_channel.send(data)
    await ClockCycles(dut.clk, 10)
    assert registers.content[:2] == bytes([0xA5, 1])
