"""What ends a test instead of being answered, and what a caller may not ask for."""

from __future__ import annotations

import re
from typing import Any, cast

import cocotb
import pytest
from cocotb.triggers import ClockCycles, RisingEdge
from cocotb.types import LogicArray
from cocotbext.axi import AxiBus, AxiLiteBus, AxiLiteMaster, AxiLiteRam, AxiRam
from cocotbext.axi.axi_channels import AxiWTransaction

from hdl_bridge import axi_lite
from hdl_bridge._channel import Channel
from hdl_bridge.axi import AxiMemory, AxiProtocolError, AxiUser, attach, attach_registers
from hdl_bridge.bursts import Burst, BurstType, Response
from hdl_bridge.exclusive import ExclusiveMonitor
from tests.hdl_bridge.axi_bench import IOVA, SOURCE_ID, Bench, start
from tests.hdl_bridge.raw_master import RawMaster
from tests.hdl_bridge.registers import Registers
from vtd_plugin.bus import Platform

VERILATOR = cocotb.SIM_NAME.lower().startswith("verilator")
LIMIT = 200
"""Clock cycles after which what should have ended the test has not."""

BROKEN = (
    Burst(IOVA + 0xFF8, 4, 4),
    Burst(IOVA, 3, 4, BurstType.WRAP),
    Burst(IOVA + 2, 2, 4, BurstType.WRAP),
    Burst(IOVA, 17, 4, BurstType.FIXED),
    Burst(IOVA, 1, 32),
    Burst(IOVA, 1, 4, cast("BurstType", 3)),
)


COUNTING = [
    channel + name
    for channel in ("aw", "ar")
    for name in ("id", "addr", "len", "size", "burst", "user")
]
"""Signals of address phases that make a difference."""


class BrokenTargetError(Exception):
    """What a target raises."""


class BrokenTarget(Registers):
    """Registers that cannot be accessed, on the bus and off it."""

    def read(self, offset: int, size: int) -> int:
        return self.read_register(offset, size)

    def write(self, offset: int, value: int, size: int) -> None:
        self.write_register(offset, value, size)

    def read_register(self, offset: int, size: int) -> int:
        raise BrokenTargetError(f"read of {size} bytes at {offset:#x}")

    def write_register(self, offset: int, value: int, size: int) -> None:
        raise BrokenTargetError(f"write of {value:#x}, {size} bytes at {offset:#x}")


@cocotb.test(expect_error=AxiProtocolError)
@cocotb.parametrize(burst=BROKEN, write=[False, True])
async def a_broken_rule_ends_the_test(dut: Any, burst: Burst, write: bool) -> None:
    await start(dut)
    bench = Bench(dut)
    await (bench.master.send_address(burst) if write else bench.master.send_read(burst))
    await ClockCycles(dut.clk, LIMIT)


@cocotb.test(expect_error=AxiProtocolError)
@cocotb.parametrize(lasts=["10", "00", "001", "000"])
async def a_wrong_last_beat_ends_the_test(dut: Any, lasts: str) -> None:
    await start(dut)
    bench = Bench(dut)
    await bench.master.send_address(Burst(IOVA, 2, 4))
    for last in lasts:
        await bench.master.w.send(AxiWTransaction(wdata=0, wstrb=0, wlast=int(last)))
    await ClockCycles(dut.clk, LIMIT)


@cocotb.test(expect_error=AxiProtocolError, skip=VERILATOR)
@cocotb.parametrize(name=[*COUNTING, "wstrb", "wlast"])
async def an_unknown_bit_that_counts_ends_the_test(dut: Any, name: str) -> None:
    await start(dut)
    bench = Bench(dut, user=AxiUser())
    handle = getattr(dut, f"axi_{name}")
    channel = getattr(bench.master, name[0] if name[0] == "w" else name[:2])
    drive = channel.bus.drive

    def drive_unknown(transaction: Any) -> None:
        drive(transaction)
        handle.value = LogicArray("X" * len(handle))

    channel.bus.drive = drive_unknown
    burst, read = Burst(IOVA, 1, 4), name.startswith("ar")
    cocotb.start_soon(bench.master.read(burst) if read else bench.master.write(burst, [0], [0]))
    await ClockCycles(dut.clk, LIMIT)


@cocotb.test(expect_error=BrokenTargetError)
async def an_error_is_told_even_if_a_reset_comes_before_the_response(dut: Any) -> None:
    await start(dut)
    bench = Bench(dut)
    bench.unit.enable(False)
    bench.platform.add_mmio(0xC000_0000, 0x100, BrokenTarget(), dma=True)
    every = (1 << bench.master.bus_bytes) - 1
    await bench.master.send_address(Burst(0xC000_0000, 4, bench.master.bus_bytes))
    await bench.master.send_data([0] * 4, [every] * 4)
    for _ in range(LIMIT):
        await RisingEdge(dut.clk)
        if dut.axi_wvalid.value == 1 and dut.axi_wready.value == 1 and dut.axi_wlast.value == 1:
            break
    dut.rst.value = 1
    await ClockCycles(dut.clk, 3)


@cocotb.test(expect_error=BrokenTargetError)
@cocotb.parametrize(write=[False, True])
async def what_a_target_on_the_bus_raises_ends_the_test(dut: Any, write: bool) -> None:
    await start(dut)
    bench = Bench(dut)
    bench.unit.enable(False)
    bench.platform.add_mmio(0xC000_0000, 0x100, BrokenTarget(), dma=True)
    access = bench.write(0xC000_0000, bytes(8)) if write else bench.read(0xC000_0000, 8)
    cocotb.start_soon(access)
    await ClockCycles(dut.clk, LIMIT)


@cocotb.test(expect_error=BrokenTargetError)
@cocotb.parametrize(address=[IOVA, 0xFEE0_0000])
async def what_a_listener_raises_ends_the_test(dut: Any, address: int) -> None:
    await start(dut)
    bench = Bench(dut)

    def listener(transfer: Any) -> None:
        raise BrokenTargetError(f"told of {transfer}")

    bench.bridge.listeners.append(listener)
    cocotb.start_soon(bench.write(address, bytes(4)))
    await ClockCycles(dut.clk, LIMIT)


@cocotb.test(expect_error=BrokenTargetError)
@cocotb.parametrize(write=[False, True])
async def what_registers_raise_ends_the_test(dut: Any, write: bool) -> None:
    await start(dut)
    bus = AxiBus.from_prefix(dut, "axi")
    attach_registers(bus, dut.clk, BrokenTarget(), dut.rst)
    master = RawMaster(bus, dut)
    burst = Burst(0, 1, 4)
    cocotb.start_soon(master.write(burst, [0], [0xF]) if write else master.read(burst))
    await ClockCycles(dut.clk, LIMIT)


@cocotb.test(expect_error=BrokenTargetError)
@cocotb.parametrize(write=[False, True])
async def what_registers_behind_axi_lite_raise_ends_the_test(dut: Any, write: bool) -> None:
    await start(dut)
    bus = AxiLiteBus.from_prefix(dut, "axil")
    axi_lite.attach_registers(bus, dut.clk, BrokenTarget(), dut.rst)
    master = AxiLiteMaster(bus, dut.clk, dut.rst)
    cocotb.start_soon(master.write(0, bytes(4)) if write else master.read(0, 4))
    await ClockCycles(dut.clk, LIMIT)


@cocotb.test
async def wrong_options_are_told_before_there_is_a_burst(dut: Any) -> None:
    await start(dut)
    platform = Platform(1 << 20, load_entry_points=False)
    bus = AxiBus.from_prefix(dut, "axi")
    ram = AxiRam(bus, dut.clk, dut.rst, size=0x1000)
    wrong: tuple[tuple[type[Exception], str, dict[str, Any]], ...] = (
        (TypeError, r"\['psid'\] are no options of a request", {"psid": 4}),
        (ValueError, "PASID 0x100000 is not within 20 bits", {"pasid": 1 << 20}),
        (ValueError, "needs 33 bits; awuser has 32", {"user": AxiUser(translated=32)}),
    )
    for kind, message, options in wrong:
        with pytest.raises(kind, match=message):
            attach(ram, platform, SOURCE_ID, **options)
        with pytest.raises(kind, match=message):
            AxiMemory(bus, dut.clk, dut.rst, platform, SOURCE_ID, **options)
    for requester in ("00:04.0", None, 7):
        with pytest.raises(TypeError, match="is neither a requester nor a platform"):
            attach(ram, cast("Platform", requester))
    with pytest.raises(TypeError, match="not iterable"):
        Channel(dut.clk, list).set_pause_generator(cast("Any", 5))


@cocotb.test
async def wrong_arguments_of_our_own_memory_are_told(dut: Any) -> None:
    await start(dut)
    platform = Platform(1 << 20, load_entry_points=False)
    bus = AxiBus.from_prefix(dut, "axi")
    make: Any = AxiMemory
    wrong: tuple[dict[str, Any], ...] = (
        {"latency": 4},
        {"monitor": ExclusiveMonitor},
        {"outstanding": 2.5},
        {"outstanding": "4"},
        {"outstanding": True},
        {"reset_active_level": "low"},
    )
    for options in wrong:
        ((name, value),) = options.items()
        with pytest.raises(TypeError, match=f"^{name}={re.escape(repr(value))} is no "):
            make(bus, dut.clk, dut.rst, platform, SOURCE_ID, **options)
    with pytest.raises(ValueError, match=r"^outstanding=0: it must be at least 1$"):
        make(bus, dut.clk, dut.rst, platform, SOURCE_ID, outstanding=0)
    with pytest.raises(TypeError, match=r"^clock=None is no signal$"):
        make(bus, None, dut.rst, platform, SOURCE_ID)
    with pytest.raises(TypeError, match=r"^reset=.*Platform object.* is no signal; .* None$"):
        make(bus, dut.clk, platform, SOURCE_ID)
    make(bus, dut.clk, None, platform, SOURCE_ID)


@cocotb.test
@cocotb.parametrize(direction=["write", "read"])
async def one_model_answers_on_a_bus(dut: Any, direction: str) -> None:
    """Not even in one direction; that the next test has the bus again, every test here shows."""
    await start(dut)
    Bench(dut)
    platform = Platform(1 << 20, load_entry_points=False)
    bus = AxiBus.from_prefix(dut, "axi")
    already = f"answers on this bus already, at .*axi_a{direction[0]}ready"
    with pytest.raises(ValueError, match=already):
        AxiMemory(getattr(bus, direction), dut.clk, dut.rst, platform, SOURCE_ID)
    ram = AxiRam(bus, dut.clk, dut.rst, size=0x1000)
    with pytest.raises(ValueError, match=already):
        attach(getattr(ram, f"{direction}_if"), platform, SOURCE_ID)
    with pytest.raises(ValueError, match=r"^AxiSlave: .* answers on this bus already"):
        attach_registers(bus, dut.clk, Registers(), dut.rst)


@cocotb.test
async def one_model_has_registers_behind_axi_lite(dut: Any) -> None:
    await start(dut)
    bus = AxiLiteBus.from_prefix(dut, "axil")
    axi_lite.attach_registers(bus, dut.clk, Registers(), dut.rst)
    with pytest.raises(
        ValueError, match=r"^AxiLiteSlave: AxiLiteSlave answers on this bus already"
    ):
        axi_lite.attach_registers(bus, dut.clk, Registers(), dut.rst)


@cocotb.test
async def a_slave_is_attached_once(dut: Any) -> None:
    await start(dut)
    platform = Platform(1 << 20, load_entry_points=False)
    bus = AxiBus.from_prefix(dut, "axi")
    ram = AxiRam(bus, dut.clk, dut.rst, size=0x1000)
    attach(ram, platform, SOURCE_ID)
    for slave in (ram, ram.write_if, ram.read_if):
        with pytest.raises(ValueError, match=r"something is attached to .* already"):
            attach(slave, platform, SOURCE_ID)
    registers = attach_registers(AxiBus.from_prefix(dut, "stock"), dut.clk, Registers(), dut.rst)
    with pytest.raises(ValueError, match=r"something is attached to .* already"):
        attach(registers, platform, SOURCE_ID)
    master = RawMaster(bus, dut)
    burst = Burst(0x100, 1, 4)
    assert await master.write(burst, [0x55], [0xF]) == Response.OKAY
    assert platform.read(0x100, 1) == b"\x55"


@cocotb.test
async def only_stock_axi_slaves_can_be_attached(dut: Any) -> None:
    await start(dut)
    platform = Platform(1 << 20, load_entry_points=False)
    lite = AxiLiteRam(AxiLiteBus.from_prefix(dut, "axil"), dut.clk, dut.rst, size=0x1000)
    ours = AxiMemory(AxiBus.from_prefix(dut, "axi"), dut.clk, dut.rst, platform, SOURCE_ID)
    for slave in (lite, ours, RawMaster(AxiBus.from_prefix(dut, "axi"), dut), dut):
        with pytest.raises(TypeError, match="is no AxiRam or AxiSlave of cocotbext-axi"):
            attach(slave, platform, SOURCE_ID)
