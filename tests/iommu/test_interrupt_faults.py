"""Every condition that blocks an interrupt request, and how it is recorded (§5.1.4.1, §7.1)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.iommu.bench import BEYOND_RAM, SOURCE, values
from tests.iommu.interrupt_bench import COMPATIBLE, INDEX, Interrupting, remappable
from vtd_plugin.bus import Answer, Fault
from vtd_plugin.encodings.faults import Condition
from vtd_plugin.encodings.registers import FECTL

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

HOST_LIMIT: Final = 1 << 48
INDEX_UNDEFINED: Final = {"IR.20", "IR.25", "IR.29", "IR.2A", "IR.2B"}
"""Conditions whose record has no defined fault information (§11.4.7.6)."""


def _remapped(**fields: int) -> Callable[[Interrupting], object]:
    return lambda bench: bench.write(**fields)


def _usual(bench: Interrupting) -> None:
    bench.write()


def _posted(**fields: int) -> Callable[[Interrupting], object]:
    return lambda bench: bench.write_posted(**fields)


def _descriptor(**fields: int) -> Callable[[Interrupting], object]:
    def broken(bench: Interrupting) -> None:
        bench.write_posted()
        bench.write_descriptor(**fields)

    return broken


@dataclass(frozen=True)
class Case:
    """A way into a condition.

    Attributes:
        condition: The condition.
        why: What is wrong, in a word or two.
        broken: Writes the entry that is wrong.
        address: What the device writes to.
        data: What it writes.
        eime: Destinations have 32 bits.
        compatible: Compatibility format is let through.
        on: Interrupt remapping is on.
        changes: What the unit has that is not usual.
        index: The index that the request names.
    """

    condition: Condition
    why: str
    broken: Callable[[Interrupting], object] = _usual
    address: int = remappable(INDEX)
    data: int = 0
    eime: bool = False
    compatible: bool = False
    on: bool = True
    changes: Mapping[str, Any] = field(default_factory=dict)
    index: int = INDEX

    def bench(self) -> Interrupting:
        bench = Interrupting(eime=self.eime, on=self.on, compatible=self.compatible, **self.changes)
        self.broken(bench)
        return bench

    def send(self, bench: Interrupting) -> Fault:
        fault = bench.send_to(self.address, self.data)
        assert isinstance(fault, Fault)
        return fault


def _above_host_width(bench: Interrupting) -> None:
    bench.set_table(HOST_LIMIT - 0x1000, S=15)


CASES: Final = (
    Case(Condition.IR_20, "upper-data", address=remappable(INDEX, sub=0), data=0x1_0000),
    Case(Condition.IR_21, "past-the-table", address=remappable(256), index=256),
    Case(Condition.IR_21, "subhandle", address=remappable(255, sub=1), data=1, index=256),
    Case(
        Condition.IR_21,
        "above-the-host-width",
        _above_host_width,
        address=remappable(256),
        index=256,
    ),
    Case(Condition.IR_22, "absent", _remapped(P=0)),
    Case(Condition.IR_22, "absent-whatever-else", _remapped(P=0, RSVD_14_12=1, SVT=3)),
    Case(Condition.IR_23, "unreadable", lambda bench: bench.set_table(BEYOND_RAM)),
    Case(Condition.IR_24, "reserved", _remapped(RSVD_31_24=1)),
    Case(Condition.IR_24, "reserved-high", _remapped(RSVD_127_84=1)),
    Case(Condition.IR_24, "source-check", _remapped(SVT=3)),
    Case(Condition.IR_24, "delivery-mode-3", _remapped(DLM=3)),
    Case(Condition.IR_24, "delivery-mode-6", _remapped(DLM=6)),
    Case(Condition.IR_24, "destination-low", _remapped(DST=0x01)),
    Case(Condition.IR_24, "destination-high", _remapped(DST=0x1_0000)),
    Case(Condition.IR_24, "no-posting", _posted(), changes={"PI": 0}),
    Case(Condition.IR_24, "posted-reserved", _posted(RSVD_7_2=1)),
    Case(
        Condition.IR_24,
        "posted-above-the-host-width",
        _posted(PDA_address=1 << 39),
        changes={"host_address_width": 39},
    ),
    Case(Condition.IR_25, "not-let-through", address=COMPATIBLE),
    Case(Condition.IR_25, "extended-mode", address=COMPATIBLE, eime=True, compatible=True),
    Case(Condition.IR_26, "other-device", _remapped(SVT=1, SID=SOURCE + 8)),
    Case(Condition.IR_26, "other-bus", _remapped(SVT=2, SID=0x0102)),
    Case(Condition.IR_26, "before-reserved-bits", _remapped(SVT=1, RSVD_14_12=1)),
    Case(Condition.IR_26, "posted", _posted(SVT=1)),
    Case(Condition.IR_27, "unreadable", _posted(PDA_address=BEYOND_RAM)),
    Case(Condition.IR_28, "reserved", _descriptor(RSVD_271_258=1)),
    Case(Condition.IR_28, "destination", _descriptor(NDST=0x1_0000)),
    Case(Condition.IR_2A, "short-destinations", changes={"EIMER": 1}),
    Case(Condition.IR_2A, "compatibility-format", address=COMPATIBLE, changes={"EIMER": 1}),
    Case(Condition.IR_2B, "off", on=False, changes={"IRREQ": 1}),
    Case(Condition.IR_2B, "off-compatible", address=COMPATIBLE, on=False, changes={"IRREQ": 1}),
)

EACH = pytest.mark.parametrize(
    "case",
    [
        pytest.param(
            case,
            id=f"{case.condition.name}-{case.why}",
            marks=pytest.mark.provokes(case.condition.name),
        )
        for case in CASES
    ],
)


@EACH
def test_an_interrupt_that_may_not_be_is_blocked_and_recorded(case: Case) -> None:
    bench = case.bench()
    fault = case.send(bench)
    assert (fault.name, fault.code) == (case.condition.name, case.condition.code)
    assert (fault.answer, fault.recorded) == (Answer.UR, True)
    assert (fault.source_id, fault.address) == (SOURCE, case.address)
    assert bench.taken() == []
    record = bench.fault_record
    assert values(record, "F", "FR", "SID") == (1, case.condition.code, SOURCE)
    if case.condition.name not in INDEX_UNDEFINED:
        assert case.index == record.INDEX
        assert not record.FI_address % (1 << 48)


@EACH
def test_the_entry_can_disable_recording_of_what_is_qualified(case: Case) -> None:
    bench = case.bench()
    where = bench.table + 16 * INDEX
    first = bench.platform.read(where, 1)[0]
    bench.put(where, bytes([first | 0b10]))
    fault = case.send(bench)
    assert fault.name == case.condition.name
    assert fault.recorded is not case.condition.qualified
    assert bool(bench.record().F) is not case.condition.qualified
    assert bool(bench.registers.read(FECTL).IP) is not case.condition.qualified


@pytest.mark.parametrize("fields", [{"RSVD_271_258": 1}, {"RSVD_511_320": 1 << 100}])
def test_a_malformed_descriptor_is_not_written(fields: dict[str, int]) -> None:
    bench = Interrupting()
    bench.write_posted()
    bench.write_descriptor(**fields)
    before = bench.read_descriptor().value
    assert bench.send() is not None
    assert bench.read_descriptor().value == before


def test_blocked_interrupts_and_blocked_memory_requests_share_one_log() -> None:
    bench = Interrupting()
    bench.turn_on()
    bench.send()
    bench.unit.translate(SOURCE, 0x1000)
    assert [bench.record(index).FR for index in (0, 1)] == [0x22, 0x01]
