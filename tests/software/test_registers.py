"""Registers and global commands, over a unit that checks how they are used."""

from __future__ import annotations

import pytest

from tests.software.strict_unit import BASE, StrictUnit
from vtd_plugin import Platform, VtdUnit
from vtd_plugin.encodings.registers import FECTL, FSTS, GCMD, GSTS, IQA, RTADDR
from vtd_plugin.software import Command, GlobalCommand, Poller, Registers, Timeout


def registers_of(unit: StrictUnit, limit: int = 100) -> Registers:
    return Registers(unit, BASE, host_address_width=48, poller=Poller(limit=limit))


def with_root(unit: StrictUnit) -> GlobalCommand:
    registers = registers_of(unit)
    commands = GlobalCommand(registers)
    registers.write(RTADDR, RTADDR.pack(RTA_address=0x1000))
    commands.run(Command.SET_ROOT_TABLE)
    return commands


def test_registers_read_what_the_unit_is() -> None:
    unit = StrictUnit(NFR=5)
    registers = registers_of(unit)
    assert registers.capabilities == unit.capabilities
    assert registers.capabilities.CAP.NFR == 5


@pytest.mark.parametrize(("base", "version"), [(0xFED8_0000, "0xffffffff"), (0x1000, "0x0")])
def test_where_no_unit_is_there_are_no_registers(base: int, version: str) -> None:
    platform = Platform()
    platform.add_unit(VtdUnit())
    message = f"no unit has its registers at {base:#x} \\(VER reads {version}\\): give the base"
    with pytest.raises(ValueError, match=message):
        Registers(platform, base)


def test_a_write_reads_back_by_field() -> None:
    registers = registers_of(StrictUnit())
    registers.write(IQA, IQA.pack(IQA_address=0x1234_5000, QS=3))
    assert registers.read(IQA).IQA_address == 0x1234_5000
    registers.update(IQA, QS=5)
    assert registers.read(IQA) == IQA(IQA.pack(IQA_address=0x1234_5000, QS=5))
    with pytest.raises(ValueError, match="does not fit 32 bits of FSTS"):
        registers.write(FSTS, 1 << 32)


def test_a_register_that_lies_elsewhere_is_found() -> None:
    registers = registers_of(StrictUnit())
    assert registers.address(FECTL) == BASE + 0x38
    with pytest.raises(ValueError, match="takes 0 indices"):
        registers.address(FECTL, 1)


def test_a_command_changes_one_bit_and_keeps_the_others() -> None:
    unit = StrictUnit()
    commands = with_root(unit)
    registers_of(unit).write(IQA, IQA.pack(IQA_address=0x2000))
    commands.run(Command.QUEUE)
    commands.run(Command.TRANSLATION)
    commands.run(Command.SET_ROOT_TABLE)
    assert commands.is_on(Command.QUEUE)
    assert commands.is_on(Command.TRANSLATION)
    commands.run(Command.TRANSLATION, on=False)
    assert unit.commands == ["+SRTP", "+QIE", "+TE", "+SRTP", "-TE"]
    assert not commands.is_on(Command.TRANSLATION)


def test_a_started_command_is_done_later() -> None:
    unit = StrictUnit(latency=3)
    commands = with_root(unit)
    pending = commands.start(Command.TRANSLATION)
    assert [pending.done for _ in range(3)] == [False, False, True]
    pending.finish()


def test_a_write_buffer_flush_is_done_when_its_status_clears() -> None:
    unit = StrictUnit(RWBF=1)
    commands = GlobalCommand(registers_of(unit))
    pending = commands.start(Command.FLUSH_WRITE_BUFFER)
    assert not pending.done
    pending.finish()
    assert not commands.is_on(Command.FLUSH_WRITE_BUFFER)


def test_time_passes_once_a_poll() -> None:
    unit = StrictUnit(latency=4)
    waits: list[int] = []
    registers = Registers(
        unit, BASE, host_address_width=48, poller=Poller(lambda: waits.append(1), 100)
    )
    registers.write(IQA, IQA.pack(IQA_address=0x2000))
    GlobalCommand(registers).run(Command.QUEUE)
    assert len(waits) == 3


def test_a_unit_that_never_finishes_is_a_timeout() -> None:
    unit = StrictUnit()
    commands = with_root(unit)
    unit.last_command = 1
    with pytest.raises(
        Timeout, match="GSTS is 0x40000000 after 100 polls, wanted TES=0x1"
    ) as caught:
        commands.run(Command.TRANSLATION)
    assert (caught.value.place, caught.value.value) == ("GSTS", GSTS.pack(RTPS=1))
    assert caught.value.wanted == "TES=0x1"
    assert isinstance(caught.value, TimeoutError)


def test_what_belongs_after_a_command_is_done_once() -> None:
    commands = with_root(StrictUnit())
    done: list[str] = []
    pending = commands.start(Command.TRANSLATION).then(lambda: done.append("then"))
    assert done == []
    pending.finish()
    pending.finish()
    assert done == ["then"]


def test_the_status_bits_that_start_nothing_are_those_of_the_architecture() -> None:
    kept = sum(GSTS.mask(name) for name in ("TES", "AFLS", "QIES", "IRES", "CFIS"))
    assert kept | GSTS.mask("RSVD_22_0") == 0x96FF_FFFF
    assert {command.bit for command in Command} <= set(GCMD.FIELDS)


def test_a_poll_limit_is_at_least_one() -> None:
    with pytest.raises(ValueError, match="at least 1, not 0x0"):
        Poller(limit=0)
