"""GCMD and GSTS: one bit at a time, each with its handshake (§11.4.4)."""

from __future__ import annotations

from typing import Final

import pytest

from tests.iommu.bench import BEYOND_RAM, HOST, IOVA, PAGE, SOURCE, Mapped
from tests.iommu.queue_bench import status, wait
from vtd_plugin import VtdConfig
from vtd_plugin.bus import AddressType, Answer, Fault
from vtd_plugin.encodings.registers import GCMD, GSTS, IQA, IQH, IQT, IRTA, RTADDR
from vtd_plugin.software.commands import Command

EVERYTHING: Final = {"IR": 1, "EIM": 1}

LEVELS: Final = [
    Command.TRANSLATION,
    Command.QUEUE,
    Command.INTERRUPT_REMAPPING,
    Command.COMPATIBILITY_INTERRUPTS,
]
ONE_SHOTS: Final = [Command.SET_ROOT_TABLE, Command.SET_INTERRUPT_TABLE]


def machine(**changes: int) -> Mapped:
    return Mapped(VtdConfig(**EVERYTHING | changes), on=False)  # type: ignore[arg-type]


@pytest.mark.parametrize("command", LEVELS)
def test_a_level_shows_in_its_status_bit_and_in_no_other(command: Command) -> None:
    bench = machine()
    before = bench.status.value
    bench.commands.run(command)
    assert bench.status.value == before | GSTS.mask(command.status)
    bench.commands.run(command, on=False)
    assert bench.status.value == before


@pytest.mark.parametrize("command", ONE_SHOTS)
def test_a_pointer_once_set_stays_shown(command: Command) -> None:
    bench = machine()
    bench.commands.run(command)
    bench.registers.write(GCMD, 0)
    assert bench.status.value & GSTS.mask(command.status)


def test_a_pointer_shows_as_not_set_while_its_command_is_under_way() -> None:
    bench = machine()
    assert bench.status.RTPS
    transfer = bench.port().begin(HOST, 8)
    bench.commands.start(Command.SET_ROOT_TABLE)
    assert not bench.status.RTPS
    transfer.end()
    assert bench.status.RTPS


def test_a_write_without_a_bit_turns_its_function_off() -> None:
    bench = machine()
    bench.commands.run(Command.TRANSLATION)
    bench.commands.run(Command.QUEUE)
    bench.registers.write(GCMD, GCMD.pack(TE=1))
    assert (bench.status.TES, bench.status.QIES) == (1, 0)


def test_commands_cannot_be_read_back() -> None:
    bench = machine()
    bench.registers.write(GCMD, GCMD.pack(TE=1, QIE=1))
    assert bench.registers.read(GCMD).value == 0


def test_a_level_written_again_does_nothing() -> None:
    bench = machine()
    bench.commands.run(Command.TRANSLATION)
    transfer = bench.port().begin(IOVA, 8)
    bench.commands.start(Command.TRANSLATION)
    assert bench.status.TES
    transfer.end()


@pytest.mark.parametrize("buffered", [0, 1])
def test_a_write_buffer_is_flushed_by_the_time_software_looks(buffered: int) -> None:
    bench = machine(RWBF=buffered)
    bench.commands.run(Command.FLUSH_WRITE_BUFFER)
    assert not bench.status.WBFS


@pytest.mark.parametrize(
    ("command", "capability"),
    [
        (Command.QUEUE, {"QI": 0}),
        (Command.INTERRUPT_REMAPPING, {}),
        (Command.SET_INTERRUPT_TABLE, {}),
        (Command.COMPATIBILITY_INTERRUPTS, {}),
    ],
)
def test_what_the_unit_does_not_have_cannot_be_turned_on(
    command: Command, capability: dict[str, int]
) -> None:
    bench = Mapped(VtdConfig(**capability), on=False)  # type: ignore[arg-type]
    before = bench.status.value
    bench.commands.start(command)
    assert bench.status.value == before


# --- pointers are latched


def test_a_root_pointer_that_is_only_written_changes_nothing() -> None:
    bench = machine()
    bench.commands.run(Command.TRANSLATION)
    bench.registers.write(RTADDR, RTADDR.pack(RTA_address=BEYOND_RAM))
    assert bench.lands_at() == HOST
    bench.commands.run(Command.SET_ROOT_TABLE)
    assert bench.lands_at() is None


def test_an_interrupt_table_that_is_only_written_changes_nothing() -> None:
    bench = machine()
    bench.registers.write(IRTA, IRTA.pack(IRTA_address=BEYOND_RAM, S=7))
    bench.commands.run(Command.SET_INTERRUPT_TABLE)
    bench.commands.run(Command.INTERRUPT_REMAPPING)
    bench.registers.write(IRTA, IRTA.pack(EIME=1))
    fault = bench.port().write(0xFEE0_0010, bytes(4)).fault
    assert fault is not None
    assert fault.name == "IR.23"


def test_translation_turned_on_again_uses_the_pointer_that_was_latched() -> None:
    bench = machine()
    bench.commands.run(Command.TRANSLATION)
    bench.registers.write(RTADDR, RTADDR.pack(RTA_address=BEYOND_RAM))
    bench.commands.run(Command.TRANSLATION, on=False)
    bench.commands.run(Command.TRANSLATION)
    assert bench.lands_at() == HOST


def test_translation_without_any_pointer_uses_the_table_at_address_0() -> None:
    bench = machine()
    bench.platform.reset("cold")
    bench.commands.run(Command.TRANSLATION)
    fault = bench.unit.translate(SOURCE, IOVA)
    assert isinstance(fault, Fault)
    assert fault.name == "LRT.2"


def test_several_bits_at_once_set_pointers_before_functions() -> None:
    bench = machine()
    bench.platform.reset("cold")
    bench.registers.write(RTADDR, RTADDR.pack(RTA_address=bench.roots.address))
    bench.registers.write(GCMD, GCMD.pack(TE=1, SRTP=1))
    assert bench.lands_at() == HOST


# --- while translation is off (§4.2.1)


def test_translation_off_is_memory_as_it_is() -> None:
    bench = machine()
    assert bench.lands_at(HOST) == HOST
    assert bench.port().write(HOST + PAGE, b"straight").ok
    assert bench.port().atomic(HOST + PAGE, 1).data == b"straight"


def test_translation_off_ignores_a_pasid() -> None:
    bench = machine()
    result = bench.port().read(HOST, 8, pasid=5)
    assert result.data == HOST.to_bytes(8, "little")


@pytest.mark.parametrize("address_type", [AddressType.TRANSLATION, AddressType.TRANSLATED])
def test_translation_off_serves_no_device_tlbs(address_type: AddressType) -> None:
    bench = machine(DT=1)
    fault = bench.unit.translate(SOURCE, HOST, address_type=address_type)
    assert isinstance(fault, Fault)
    assert (fault.answer, fault.recorded) == (Answer.UR, False)


# --- the queue's own handshake (§6.5.2)


def test_a_queue_with_work_in_it_begins_when_it_is_turned_on() -> None:
    bench = machine()
    ring = bench.frames.allocate()
    bench.put(ring, wait(3).to_bytes())
    bench.registers.write(IQA, IQA.pack(IQA_address=ring))
    bench.registers.write(IQT, 0x10)
    assert status(bench) == 0
    bench.commands.run(Command.QUEUE)
    assert status(bench) == 3
    assert bench.registers.read(IQH).value == 0x10


def test_a_queue_that_is_off_fetches_nothing() -> None:
    bench = machine()
    queue = bench.start_queue()
    queue.submit(wait(1))
    queue.turn_off()
    assert bench.registers.read(IQH).value == 0
    queue.submit(wait(2))
    assert status(bench) == 1


@pytest.mark.parametrize("wide", [False, True])
@pytest.mark.parametrize("order", [0, 1])
def test_a_queue_goes_round_and_round(wide: bool, order: int) -> None:
    bench = machine(SMTS=1)
    queue = bench.start_queue(wide=wide, order=order)
    rounds = 2 * queue.capacity + 3
    for number in range(1, rounds + 1, 3):
        queue.submit(*(wait(step) for step in range(number, number + 3)))
        assert status(bench) == number + 2
        assert queue.head == queue.tail
    assert not bench.fault_status.IQE


def test_a_queue_works_whether_translation_is_on_or_off() -> None:
    bench = machine()
    queue = bench.start_queue()
    queue.run(wait(1))
    bench.commands.run(Command.TRANSLATION)
    queue.run(wait(2))
    assert status(bench) == 2


def test_a_status_write_to_nowhere_is_lost_and_the_queue_goes_on() -> None:
    bench = machine()
    queue = bench.start_queue()
    queue.submit(wait(1, STADDR_address=BEYOND_RAM), wait(2))
    assert status(bench) == 2
    assert not bench.fault_status.IQE


def test_status_address_bits_above_the_host_width_are_ignored() -> None:
    bench = machine()
    bench.start_queue().submit(wait(7, STADDR_address=0x0F_0000 | 1 << 50))
    assert status(bench) == 7


def test_a_wait_that_does_nothing_is_a_barrier_and_no_error() -> None:
    bench = machine()
    queue = bench.start_queue()
    queue.submit(wait(SW=0, FN=1), wait(5))
    assert status(bench) == 5
