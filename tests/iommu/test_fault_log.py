"""The fault recording registers, their status, and the fault event (§7.2, §7.3, §11.4.7)."""

from __future__ import annotations

from typing import Any, Final

import pytest

from tests.iommu.bench import SOURCE, Bench, values
from tests.iommu.queue_bench import STATUS, wait
from vtd_plugin import VtdConfig
from vtd_plugin.bus import Fault
from vtd_plugin.encodings.registers import (
    FEADDR,
    FECTL,
    FEDATA,
    FEUADDR,
    FRCD,
    FSTS,
    ICS,
    IEADDR,
    IECTL,
    IEDATA,
)
from vtd_plugin.software.commands import Command

MESSAGE_ADDRESS: Final = 0xFEE0_2000
MESSAGE_DATA: Final = 0x0155


class Logging(Bench):
    """A unit with an empty root table: every request is a fault that is recorded."""

    def __init__(self, *, merge: bool = False, **capabilities: Any) -> None:
        super().__init__(VtdConfig(merge_faults=merge, **capabilities))
        self.turn_on()

    def fault(self, page: int = 0, source: int = SOURCE) -> bool:
        """Let a request fail; whether it was recorded."""
        answer = self.unit.translate(source, page << 12)
        assert isinstance(answer, Fault)
        return answer.recorded

    def unmask(self) -> None:
        self.registers.write(FEDATA, MESSAGE_DATA)
        self.registers.write(FEADDR, MESSAGE_ADDRESS)
        self.registers.write(FECTL, 0)

    def pages(self) -> list[int | None]:
        """The page in each record that is in use."""
        count = self.unit.config.capabilities.CAP.NFR + 1
        records = [self.record(index) for index in range(count)]
        return [record.FI_address >> 12 if record.F else None for record in records]

    def clear_status(self, **bits: int) -> None:
        self.registers.write(FSTS, FSTS.pack(**bits))


# --- the ring of records


@pytest.mark.parametrize("nfr", [0, 1, 2, 7, 159])
def test_as_many_faults_are_recorded_as_there_are_registers(nfr: int) -> None:
    bench = Logging(NFR=nfr, FRO=0x60)
    for page in range(nfr + 1):
        assert bench.fault(page)
    assert not bench.fault_status.PFO
    assert bench.pages() == list(range(nfr + 1))
    assert not bench.fault(0x999)
    assert bench.fault_status.PFO
    assert 0x999 not in bench.pages()


def test_records_are_used_round_and_round() -> None:
    bench = Logging(NFR=2)
    for page in range(8):
        assert bench.fault(page)
        assert bench.pages()[page % 3] == page
        bench.clear_record(page % 3)
    assert values(bench.fault_status, "PPF", "PFO") == (0, 0)


def test_a_free_record_does_not_help_while_the_next_one_is_in_use() -> None:
    bench = Logging(NFR=1)
    bench.fault(1)
    bench.fault(2)
    bench.clear_record(1)
    assert not bench.fault(3)
    assert bench.pages() == [1, None]
    assert bench.fault_status.PFO


def test_after_an_overflow_nothing_is_recorded_until_software_has_seen_it() -> None:
    bench = Logging(NFR=0)
    bench.fault(1)
    bench.fault(2)
    bench.clear_record()
    assert not bench.fault(3)
    bench.clear_status(PFO=1)
    assert bench.fault(4)
    assert bench.pages() == [4]


def test_pending_says_whether_any_record_is_in_use_and_which_was_first() -> None:
    bench = Logging(NFR=3)
    assert values(bench.fault_status, "PPF") == (0,)
    bench.fault(0)
    bench.clear_record(0)
    assert not bench.fault_status.PPF
    bench.fault(1)
    bench.fault(2)
    assert values(bench.fault_status, "PPF", "FRI") == (1, 1)
    bench.clear_record(1)
    assert bench.fault_status.PPF
    bench.clear_record(2)
    assert not bench.fault_status.PPF


def test_a_record_is_given_back_by_its_upper_half_alone() -> None:
    bench = Logging()
    bench.fault(1)
    address = bench.registers.address(FRCD)
    bench.put(address, b"\xff" * 8)
    bench.put(address + 8, b"\xff" * 4)
    assert bench.record().F
    bench.put(address + 12, (1 << 30).to_bytes(4, "little"))
    assert bench.record().F
    bench.put(address + 12, (1 << 31).to_bytes(4, "little"))
    assert not bench.record().F


def test_the_rest_of_a_record_is_read_only() -> None:
    bench = Logging()
    bench.fault(0x1234)
    before = bench.record().value
    bench.registers.write(FRCD, (1 << 127) - 1)
    assert bench.record().value == before


def test_with_everything_off_the_ring_begins_at_its_start_again() -> None:
    bench = Logging(NFR=3)
    bench.fault(1)
    bench.clear_record()
    bench.commands.run(Command.TRANSLATION, on=False)
    bench.commands.run(Command.TRANSLATION)
    bench.fault(2)
    assert bench.pages() == [2, None, None, None]


def test_with_interrupt_remapping_left_on_the_ring_goes_on() -> None:
    bench = Logging(NFR=3, IR=1)
    bench.commands.run(Command.SET_INTERRUPT_TABLE)
    bench.commands.run(Command.INTERRUPT_REMAPPING)
    bench.fault(1)
    bench.clear_record()
    bench.commands.run(Command.TRANSLATION, on=False)
    bench.commands.run(Command.TRANSLATION)
    bench.fault(2)
    assert bench.pages() == [None, 2, None, None]


@pytest.mark.parametrize(("merge", "recorded"), [(True, [1, 3, None]), (False, [1, 2, 3])])
def test_a_unit_may_merge_faults_of_one_source(merge: bool, recorded: list[int | None]) -> None:
    bench = Logging(merge=merge, NFR=2)
    bench.fault(1, source=0x20)
    bench.fault(2, source=0x20)
    bench.fault(3, source=0x28)
    assert bench.pages() == recorded
    assert not bench.fault_status.PFO


def test_a_merged_source_is_recorded_again_once_its_record_is_given_back() -> None:
    bench = Logging(merge=True, NFR=2)
    bench.fault(1)
    bench.clear_record()
    bench.fault(2)
    assert bench.pages() == [None, 2, None]


@pytest.mark.parametrize(("kind", "left"), [("warm", [1, 2]), ("cold", [None, None])])
def test_records_survive_a_warm_reset_only(kind: str, left: list[int | None]) -> None:
    bench = Logging(NFR=1)
    for page in (1, 2, 3):
        bench.fault(page)
    bench.platform.reset(kind)
    assert bench.pages() == left
    assert values(bench.fault_status, "PPF", "PFO") == ((1, 1) if kind == "warm" else (0, 0))


# --- the fault event


def test_the_first_fault_is_announced_and_no_other_until_all_is_served() -> None:
    bench = Logging(NFR=3)
    bench.unmask()
    bench.fault(1)
    bench.fault(2)
    (message,) = bench.interrupts.messages
    assert (message.address, message.data) == (MESSAGE_ADDRESS, MESSAGE_DATA)
    assert message.source_id is None
    bench.clear_record(0)
    bench.fault(3)
    assert len(bench.interrupts.messages) == 1
    bench.clear_record(1)
    bench.clear_record(2)
    bench.fault(4)
    assert len(bench.interrupts.messages) == 2


def test_an_overflow_alone_is_not_announced() -> None:
    bench = Logging(NFR=0)
    bench.fault(1)
    bench.unmask()
    bench.interrupts.messages.clear()
    bench.fault(2)
    assert bench.fault_status.PFO
    assert bench.interrupts.messages == []


def test_a_masked_event_waits_until_it_is_unmasked() -> None:
    bench = Logging()
    bench.fault()
    assert values(bench.registers.read(FECTL), "IM", "IP") == (1, 1)
    assert bench.interrupts.messages == []
    bench.unmask()
    assert len(bench.interrupts.messages) == 1
    assert values(bench.registers.read(FECTL), "IM", "IP") == (0, 0)


@pytest.mark.parametrize("by_record", [True, False])
def test_a_waiting_event_is_withdrawn_when_its_cause_is_served(by_record: bool) -> None:
    bench = Logging(NFR=0)
    if by_record:
        bench.fault()
        bench.clear_record()
    else:
        bench.start_queue().submit(0)
        assert bench.fault_status.IQE
        bench.commands.run(Command.QUEUE, on=False)
        bench.clear_status(IQE=1)
    assert not bench.registers.read(FECTL).IP
    bench.unmask()
    assert bench.interrupts.messages == []


def test_with_an_overflow_left_the_event_still_waits() -> None:
    bench = Logging(NFR=0)
    bench.fault(1)
    bench.fault(2)
    bench.clear_record()
    assert bench.registers.read(FECTL).IP
    bench.clear_status(PFO=1)
    assert not bench.registers.read(FECTL).IP


def test_a_pending_event_cannot_be_written() -> None:
    bench = Logging()
    bench.registers.write(FECTL, FECTL.pack(IM=1, IP=1))
    assert not bench.registers.read(FECTL).IP
    bench.fault()
    bench.registers.write(FECTL, FECTL.pack(IM=1))
    assert bench.registers.read(FECTL).IP


def test_an_extended_destination_takes_the_upper_address() -> None:
    bench = Logging(IR=1, EIM=1)
    bench.registers.write(FEUADDR, 0x1234_5600)
    bench.unmask()
    bench.fault()
    (message,) = bench.interrupts.messages
    assert message.address == 0x1234_5600 << 32 | MESSAGE_ADDRESS
    assert message.destination == 0x1234_5602


def test_event_messages_are_not_remapped() -> None:
    bench = Logging(IR=1)
    bench.commands.run(Command.SET_INTERRUPT_TABLE)
    bench.commands.run(Command.INTERRUPT_REMAPPING)
    bench.unmask()
    bench.fault()
    assert [message.data for message in bench.interrupts.messages] == [MESSAGE_DATA]


# --- the event of a finished wait (§6.5.2.10)


class Waiting(Bench):
    """A queue, and the message of a finished wait."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = self.start_queue()
        self.registers.write(IEDATA, MESSAGE_DATA)
        self.registers.write(IEADDR, MESSAGE_ADDRESS)

    def finish_one(self) -> None:
        self.queue.submit(wait(SW=0, IF=1))

    @property
    def complete(self) -> bool:
        return bool(self.registers.read(ICS).IWC)


def test_a_wait_is_announced_when_the_one_before_was_served() -> None:
    bench = Waiting()
    bench.registers.write(IECTL, 0)
    bench.finish_one()
    bench.finish_one()
    (message,) = bench.interrupts.messages
    assert (message.address, message.data) == (MESSAGE_ADDRESS, MESSAGE_DATA)
    bench.registers.write(ICS, ICS.pack(IWC=1))
    assert not bench.complete
    bench.finish_one()
    assert len(bench.interrupts.messages) == 2


def test_a_masked_announcement_of_a_wait_is_withdrawn_when_it_is_served() -> None:
    bench = Waiting()
    bench.finish_one()
    assert values(bench.registers.read(IECTL), "IM", "IP") == (1, 1)
    bench.registers.write(ICS, ICS.pack(IWC=1))
    bench.registers.write(IECTL, 0)
    assert bench.interrupts.messages == []


def test_a_wait_without_the_interrupt_flag_announces_nothing() -> None:
    bench = Waiting()
    bench.registers.write(IECTL, 0)
    bench.queue.submit(wait(SW=1, IF=0))
    assert bench.interrupts.messages == []
    assert not bench.complete


def test_the_status_is_written_before_the_interrupt_leaves() -> None:
    bench = Waiting()
    seen: list[bytes] = []
    bench.platform.add_interrupt_sink(lambda _message: seen.append(bench.platform.read(STATUS, 4)))
    bench.registers.write(IECTL, 0)
    bench.queue.submit(wait(0xABCD, IF=1))
    assert seen == [(0xABCD).to_bytes(4, "little")]


def test_descriptors_given_while_a_wait_is_announced_are_obeyed() -> None:
    bench = Waiting()
    answers = [wait(9)]
    bench.platform.add_interrupt_sink(
        lambda _message: bench.queue.submit(answers.pop()) if answers else None
    )
    bench.registers.write(IECTL, 0)
    bench.finish_one()
    assert bench.platform.read(STATUS, 4) == (9).to_bytes(4, "little")
