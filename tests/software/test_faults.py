"""Fault records are read in order, decoded, and cleared."""

from __future__ import annotations

import pytest

from tests.software.bench import DEVICE, IOVA, SCALABLE, make_bench
from vtd_plugin.bus import AddressType, Answer, Fault, InterruptMessage
from vtd_plugin.encodings.registers import FECTL, FRCD, FSTS
from vtd_plugin.encodings.structures import FaultRecord, PasidDirectoryEntry, PasidTableEntry
from vtd_plugin.software import Event, FaultedRequest, QueueStopped, decode_fault, descriptors
from vtd_plugin.software.scalable import ScalableDevices


def record(**fields: int) -> FaultRecord:
    return FaultRecord(FaultRecord.pack(F=1, **fields))


@pytest.mark.parametrize(
    ("kind", "request_"),
    [
        (0, FaultedRequest.WRITE),
        (1, FaultedRequest.PAGE_REQUEST),
        (2, FaultedRequest.READ),
        (3, FaultedRequest.ATOMIC),
    ],
)
def test_a_record_says_what_kind_of_request_it_was(kind: int, request_: FaultedRequest) -> None:
    report = decode_fault(record(FR=0x02, SID=0x20, FI_address=0x5000, TYPE=kind))
    assert report.request is request_
    assert (report.code, report.name, report.source_id) == (0x02, "LCT.2", 0x20)
    assert (report.address, report.pasid, report.interrupt_index) == (0x5000, None, None)


def test_a_record_with_pasid_says_how_it_was_asked() -> None:
    report = decode_fault(
        record(FR=0x59, SID=0x20, FI_address=0x5000, TYPE=2, PP=1, PV=0x12345, PRIV=1, EXE=1, AT=1)
    )
    assert (report.pasid, report.privileged, report.execute) == (0x12345, True, True)
    assert report.address_type is AddressType.TRANSLATION
    assert str(report) == (
        "SPT.2 (0x59): 00:04.0 read at 0x5000 PASID 0x12345: PASID-table entry P=0"
    )


def test_a_code_with_several_causes_names_them_all() -> None:
    report = decode_fault(record(FR=0x04))
    assert report.name == "LGN.1.1|LGN.1.2|LGN.1.3"
    assert report.text.count(" | ") == 2
    assert str(report).splitlines() == [
        "LGN.1.1|LGN.1.2|LGN.1.3 (0x04): 00:00.0 write at 0x0:",
        *(f"  {condition.name}: {condition.text}" for condition in report.conditions),
    ]


def test_an_unassigned_code_is_told_as_such() -> None:
    report = decode_fault(record(FR=0xF0))
    assert (report.conditions, report.name, report.text) == ((), "unassigned", "no such reason")


@pytest.mark.parametrize(("code", "index"), [(0x22, 0x1234), (0x25, None), (0x29, None)])
def test_an_interrupt_fault_has_an_index_and_no_address(code: int, index: int | None) -> None:
    report = decode_fault(record(FR=code, SID=0x20, INDEX=0x1234, TYPE=3, PP=1, AT=2))
    assert report.request is FaultedRequest.INTERRUPT
    assert (report.address, report.interrupt_index) == (None, index)
    assert (report.pasid, report.address_type) == (None, AddressType.UNTRANSLATED)


def test_faults_are_taken_oldest_first_and_once() -> None:
    bench = make_bench()
    bench.driver.enable()
    for number in range(5):
        bench.port.read(IOVA + number * 0x1000, 4)
    bench.port.write(IOVA, b"data")
    reports = bench.driver.handle_faults()
    assert [report.address for report in reports] == [
        *(IOVA + number * 0x1000 for number in range(5)),
        IOVA,
    ]
    assert {report.name for report in reports} == {"LRT.2"}
    assert [report.request for report in reports[-2:]] == [
        FaultedRequest.READ,
        FaultedRequest.WRITE,
    ]
    assert bench.driver.handle_faults() == []
    assert bench.driver.registers.read(FSTS).value & ~FSTS.mask("FRI") == 0


def test_records_are_taken_round_the_end_of_their_array() -> None:
    bench = make_bench(NFR=3)
    bench.driver.enable()
    for lap in range(5):
        for number in range(3):
            bench.port.read(IOVA + (lap * 3 + number) * 0x1000, 4)
        reports = bench.driver.handle_faults()
        assert [report.address for report in reports] == [
            IOVA + (lap * 3 + number) * 0x1000 for number in range(3)
        ]


def test_records_of_before_and_after_translation_was_off_are_all_taken() -> None:
    bench = make_bench(NFR=7)
    bench.driver.enable()
    for number in range(3):
        bench.port.read(IOVA + number * 0x1000, 4)
    assert len(bench.driver.handle_faults()) == 3
    bench.port.read(IOVA + 3 * 0x1000, 4)
    bench.driver.disable()
    bench.driver.enable()
    for number in (4, 5):  # into the first two records; the third is empty, the fourth pending
        bench.port.read(IOVA + number * 0x1000, 4)
    reports = bench.driver.handle_faults()
    assert [report.address for report in reports] == [
        IOVA + number * 0x1000 for number in (3, 4, 5)
    ]
    assert bench.driver.handle_faults() == []


def test_faults_that_were_lost_are_counted() -> None:
    bench = make_bench(NFR=1)
    bench.driver.enable()
    for number in range(5):
        bench.port.read(IOVA + number * 0x1000, 4)
    assert [report.address for report in bench.driver.handle_faults()] == [IOVA, IOVA + 0x1000]
    assert bench.driver.fault_overflows == 1
    bench.port.read(IOVA, 4)
    assert len(bench.driver.handle_faults()) == 1
    assert bench.driver.fault_overflows == 1


def test_a_fault_is_reported_where_the_driver_wants() -> None:
    bench = make_bench()
    messages: list[InterruptMessage] = []
    bench.platform.add_interrupt_sink(messages.append)
    bench.driver.enable()
    bench.driver.program_event(Event.FAULT, 0xFEE0_1000, 0x41)
    bench.port.read(IOVA, 4)
    assert [(message.address, message.data) for message in messages] == [(0xFEE0_1000, 0x41)]
    bench.driver.handle_faults()
    bench.driver.registers.update(FECTL, IM=1)
    bench.port.read(IOVA, 4)
    assert len(messages) == 1
    assert bench.driver.registers.read(FECTL).IP


def test_the_address_of_an_event_fits_the_unit() -> None:
    plain, extended = make_bench(), make_bench(EIM=1, IR=1)
    with pytest.raises(ValueError, match="0x1fee01000 has more than the 32 bits"):
        plain.driver.program_event(Event.FAULT, 0x1_FEE0_1000, 0x41)
    extended.driver.program_event(Event.FAULT, 0x1_FEE0_1000, 0x41)
    messages: list[InterruptMessage] = []
    extended.platform.add_interrupt_sink(messages.append)
    extended.driver.enable()
    extended.platform.requester(DEVICE).read(IOVA, 4)
    assert [message.address for message in messages] == [0x1_FEE0_1000]


@pytest.mark.parametrize("sticky", [True, False])
def test_faults_survive_a_warm_reset_only(sticky: bool) -> None:
    bench = make_bench()
    bench.driver.enable()
    bench.port.read(IOVA, 4)
    bench.platform.reset("warm" if sticky else "cold")
    bench.driver.recover_after_reset()
    assert bench.fault_names() == (["LRT.2"] if sticky else [])
    bench.port.read(IOVA, 4)
    assert bench.fault_names() == ["LRT.2"]


def test_a_stopped_queue_is_an_event_too_and_only_the_first_of_several() -> None:
    bench = make_bench()
    messages: list[InterruptMessage] = []
    bench.platform.add_interrupt_sink(messages.append)
    bench.driver.enable()
    bench.driver.program_event(Event.FAULT, 0xFEE0_1000, 0x41)
    queue = bench.driver.queue
    assert queue is not None
    queue.submit(0xC)
    assert len(messages) == 1
    bench.port.read(IOVA, 4)
    assert len(messages) == 1
    with pytest.raises(QueueStopped):
        bench.driver.invalidate(descriptors.iotlb())
    queue.recover()
    assert bench.fault_names() == ["LRT.2"]
    bench.port.read(IOVA, 4)
    assert len(messages) == 2


@pytest.mark.parametrize("where", ["context entry", "directory", "absent entry", "entry"])
def test_a_device_can_be_silenced_at_each_step_of_its_tables(where: str) -> None:
    bench = make_bench(**SCALABLE)
    bench.driver.enable("scalable")
    bench.driver.add_device(DEVICE, FPD=int(where == "context entry"))
    devices = bench.driver.devices
    assert isinstance(devices, ScalableDevices)
    tables = devices.pasid_tables(0x20)
    domain = bench.driver.create_first_stage_domain()
    if where == "entry":
        bench.driver.attach_pasid(DEVICE, 5, first_stage=domain, FPD=1)
    elif where == "absent entry":
        tables.write_entry(5, PasidTableEntry.pack(FPD=1))
    elif where == "directory":
        tables.write_directory_entry(5, PasidDirectoryEntry.pack(FPD=1))
    result = bench.port.read(IOVA, 4, pasid=5)
    assert not result.ok
    assert result.fault is not None
    assert not result.fault.recorded
    assert bench.fault_names() == []
    assert bench.driver.fault_overflows == 0


def test_an_overflow_ends_when_it_is_cleared_and_not_before() -> None:
    bench = make_bench(NFR=0)
    bench.driver.enable()
    for number in range(3):
        bench.port.read(IOVA + number * 0x1000, 4)
    registers = bench.driver.registers
    registers.write(FRCD, FRCD.pack(F=1), 0)
    bench.port.read(IOVA, 4)
    assert not registers.read(FRCD).F  # PFO=1: nothing is recorded
    assert bench.driver.handle_faults() == []
    assert bench.driver.fault_overflows == 1
    bench.port.read(IOVA, 4)
    assert bench.fault_names() == ["LRT.2"]


def test_recoverable_faults_are_the_device_s_own_business() -> None:
    bench = make_bench(**SCALABLE, DT=1)
    bench.driver.enable("scalable")
    domain = bench.driver.create_first_stage_domain()
    bench.driver.add_device(DEVICE, device_tlb=True)
    bench.driver.attach_pasid(DEVICE, 5, first_stage=domain)
    answer = bench.port.request_translation(IOVA, pasid=5)
    assert isinstance(answer, Fault)
    assert (answer.name, answer.answer) == ("SFS.2", Answer.NO_RIGHTS)
    assert bench.fault_names() == []
