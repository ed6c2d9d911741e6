"""Registers behind AXI4, with a master in RTL: sg_dma copies within them."""

from __future__ import annotations

import random
from typing import Any

import cocotb
from cocotbext.axi import AxiBus

from hdl_bridge.axi import attach_registers
from testbenches.master import Master, pause_all
from testbenches.sg import DESCRIPTOR_BYTES, Copy, SgHost, Status
from tests.hdl_bridge.registers import Registers

BASE = 0x4000_0000
SIZE = 0x4000
DESCRIPTORS, SOURCE, DESTINATION = 0, 0x1000, 0x2000
"""Offsets from BASE."""


class Host:
    """What writes descriptors into the registers, behind the master's back."""

    def __init__(self, registers: Registers) -> None:
        self._content = registers.content

    def read(self, address: int, size: int) -> bytes:
        return bytes(self._content[address - BASE :][:size])

    def write(self, address: int, data: bytes) -> None:
        self._content[address - BASE : address - BASE + len(data)] = data


@cocotb.test
async def an_engine_reads_and_writes_registers(dut: Any) -> None:
    rng = random.Random(random.getrandbits(32))
    master = await Master.power_up(dut)
    registers = Registers(SIZE)
    bus = AxiBus.from_prefix(dut, "m_axi")
    slave = attach_registers(bus, dut.clk, registers, dut.rst, base=BASE)
    pause_all(slave, rng, 0.2)
    engine = SgHost(master, Host(registers))
    await master.leave_reset()

    registers.content[SOURCE:DESTINATION] = rng.randbytes(DESTINATION - SOURCE)
    content = bytearray(registers.content)
    copies = []
    for number in range(6):
        length = rng.randint(1, 300)
        source = SOURCE + rng.randrange(0, DESTINATION - SOURCE - length, 16)
        destination = DESTINATION + 0x200 * number + rng.randrange(0, 0x80, 16)
        copies.append(Copy(BASE + source, BASE + destination, length))
        content[destination : destination + length] = content[source : source + length]
    places = [BASE + DESCRIPTORS + DESCRIPTOR_BYTES * number for number in range(len(copies))]
    engine.write_chain(copies, places)
    content[:SOURCE] = registers.content[:SOURCE]
    await engine.start(places[0])
    assert Status.DONE in await engine.wait_idle()
    assert registers.content == content
    widest = min(len(dut.m_axi_wdata) // 8, 8)
    assert max(size for _, _, size in registers.accesses) == widest

    engine.write_chain([Copy(BASE + SOURCE, BASE + SIZE, 4)], [BASE])
    await engine.start(BASE)
    assert Status.ERROR in await engine.wait_idle()
    assert await engine.error_address() == BASE + SIZE
    assert registers.content[SOURCE:] == content[SOURCE:]
