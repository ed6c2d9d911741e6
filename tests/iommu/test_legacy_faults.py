"""Every fault condition of legacy mode: the answer on the bus, and what software finds (§7.1.3)."""

from __future__ import annotations

import pytest

from tests.iommu.bench import IOVA, OTHER, PAGE, RAM_IN_USE, SOURCE, Bench, Mapped, values
from tests.iommu.legacy_cases import (
    ATOMIC,
    CASES,
    READ,
    WRITE,
    Case,
    change_context,
    suppressible,
)
from vtd_plugin import VtdConfig
from vtd_plugin.bus import AddressType, Answer, Fault, RequestBlocked, RequestKind
from vtd_plugin.encodings.registers import FECTL

UNTRANSLATED = [case for case in CASES if "ut" in case.columns]
RECOVERABLE = (Answer.NO_RIGHTS, Answer.RIGHTS_LEFT)


def ask(bench: Mapped, case: Case, column: str) -> Fault:
    attributes = case.attributes(column)
    answer = bench.unit.translate(
        SOURCE, case.iova, kind=attributes.kind, address_type=attributes.address_type
    )
    assert isinstance(answer, Fault), f"{answer} is no fault"
    return answer


def _each_column() -> list[object]:
    return [
        pytest.param(
            case,
            column,
            id=f"{case.condition.name}-{column}",
            marks=pytest.mark.provokes(case.condition.name),
        )
        for case in CASES
        for column in case.columns.split()
    ]


EACH_COLUMN = pytest.mark.parametrize(("case", "column"), _each_column())
EACH_WRITE = pytest.mark.parametrize(
    "case", [pytest.param(case, id=case.condition.name) for case in UNTRANSLATED]
)
EACH_READ = pytest.mark.parametrize(
    "case",
    [pytest.param(case, id=case.condition.name) for case in UNTRANSLATED if case.kind is READ],
)


@EACH_COLUMN
def test_a_request_is_answered_as_the_fault_table_says(case: Case, column: str) -> None:
    fault = ask(case.bench(), case, column)
    assert (fault.name, fault.code) == (case.condition.name, case.condition.code)
    assert fault.answer is case.answer(column)
    assert (fault.source_id, fault.address) == (SOURCE, case.iova)


@EACH_COLUMN
def test_what_the_requester_cannot_recover_from_is_recorded(case: Case, column: str) -> None:
    bench = case.bench()
    fault = ask(bench, case, column)
    record = bench.record()
    if case.answer(column) in RECOVERABLE:
        assert not fault.recorded
        assert not record.F
        return
    assert fault.recorded
    assert values(record, "F", "FR", "SID") == (1, case.condition.code, SOURCE)
    assert record.FI_address == case.iova % (1 << 48) & ~(PAGE - 1)
    types = (0, 0) if fault.attributes.kind is WRITE else (1, 0)
    assert values(record, "T1", "T2", "AT") == (*types, fault.attributes.address_type)
    assert values(record, "PP", "PV", "PRIV", "EXE") == (0, 0, 0, 0)
    assert values(bench.fault_status, "PPF", "FRI", "PFO") == (1, 0, 0)


@EACH_COLUMN
def test_fault_processing_disabled_hides_qualified_faults_only(case: Case, column: str) -> None:
    bench = case.bench(fault_processing_disabled=True)
    fault = ask(bench, case, column)
    hidden = case.condition.qualified and suppressible(case)
    recorded = not hidden and case.answer(column) not in RECOVERABLE
    assert (fault.name, fault.answer) == (case.condition.name, case.answer(column))
    assert fault.recorded is recorded
    assert bool(bench.record().F) is recorded
    assert bool(bench.registers.read(FECTL).IP) is recorded


def test_a_cached_context_entry_still_disables_fault_processing() -> None:
    bench = Mapped()
    change_context(bench, FPD=1)
    assert bench.lands_at() is not None
    for iova in (0x7000, 0x7000):
        assert bench.lands_at(iova) is None
    assert bench.port().write(IOVA, b"x").ok
    assert not bench.fault_status.PPF


@EACH_READ
def test_a_blocked_read_returns_no_byte_of_memory(case: Case) -> None:
    bench = case.bench()
    result = bench.port().read(case.iova, 8)
    assert (result.answer, result.data, result.transferred) == (Answer.UR, b"\xff" * 8, 0)
    assert [fault.name for fault in result.faults] == [case.condition.name]


@EACH_WRITE
def test_a_blocked_write_changes_no_byte_of_memory(case: Case) -> None:
    bench = case.bench()
    before = bench.platform.read(0, RAM_IN_USE)
    result = bench.port().write(case.iova, b"intruder")
    assert (result.answer, result.transferred) == (Answer.UR, 0)
    assert bench.platform.read(0, RAM_IN_USE) == before


@pytest.mark.parametrize(("kind", "types"), [(WRITE, (0, 0)), (READ, (1, 0)), (ATOMIC, (1, 1))])
def test_the_record_says_what_kind_of_request_it_was(
    kind: RequestKind, types: tuple[int, int]
) -> None:
    bench = Mapped()
    bench.unit.translate(SOURCE, 0x7000, kind=kind)
    assert values(bench.record(), "T1", "T2") == types


@pytest.mark.provokes("LGN.2", "LGN.3")
@pytest.mark.parametrize(
    ("rights", "kind", "fault"),
    [
        ({"R": 1, "W": 0}, WRITE, "LGN.2"),
        ({"R": 1, "W": 0}, ATOMIC, "LGN.2"),
        ({"R": 0, "W": 1}, READ, "LGN.3"),
        ({"R": 0, "W": 1}, ATOMIC, "LGN.3"),
        ({"R": 0, "W": 0}, WRITE, "LGN.2"),
        ({"R": 0, "W": 0}, READ, "LGN.3"),
        ({"R": 0, "W": 0}, ATOMIC, "LGN.2"),
    ],
)
@pytest.mark.parametrize("level", [1, 2, 3, 4])
def test_a_missing_right_at_any_level_blocks_what_needs_it(
    rights: dict[str, int], kind: RequestKind, fault: str, level: int
) -> None:
    bench = Mapped()
    entry = bench.mine.read_entry(IOVA, level)
    assert entry is not None
    bench.mine.write_entry(IOVA, level, entry & ~3 | rights["W"] << 1 | rights["R"])
    answer = bench.unit.translate(SOURCE, IOVA, kind=kind)
    assert isinstance(answer, Fault)
    assert answer.name == fault


def test_the_record_holds_the_requester_that_asked() -> None:
    bench = Mapped()
    bench.unit.translate(0xABCD, 0x1234_5678)
    assert bench.record().SID == 0xABCD


def test_address_bits_above_the_widest_table_are_not_recorded() -> None:
    bench = Bench(VtdConfig(SAGAW=0b0010, MGAW=38))
    bench.turn_on()
    bench.unit.translate(SOURCE, 0xABCD_EF80_1234_5678)
    assert bench.record().FI_address == 0x1234_5000


def test_a_unit_without_device_tlbs_records_no_address_type() -> None:
    bench = Mapped(VtdConfig(DT=0))
    answer = bench.unit.translate(SOURCE, IOVA, address_type=AddressType.TRANSLATION)
    assert isinstance(answer, Fault)
    assert answer.name == "LCT.5"
    assert values(bench.record(), "F", "AT") == (1, 0)


def test_pages_of_a_run_that_are_mapped_move_beside_one_that_faults() -> None:
    bench = Mapped()
    bench.mine.unmap(IOVA + PAGE, PAGE)
    result = bench.port().write(IOVA, bytes(range(256)) * (3 * PAGE // 256))
    assert (result.answer, result.transferred) == (Answer.UR, 2 * PAGE)
    assert [(fault.name, fault.address) for fault in result.faults] == [("LGN.2", IOVA + PAGE)]
    assert bench.record().FI_address == IOVA + PAGE


def test_a_fault_of_one_requester_does_not_touch_another() -> None:
    bench = Mapped()
    change_context(bench, P=0)
    assert bench.lands_at() is None
    assert bench.lands_at(source_id=OTHER) is not None


def test_observers_hear_of_what_was_blocked() -> None:
    bench = Mapped()
    seen = bench.observe(RequestBlocked)
    fault = bench.port().read(0x7000, 4).fault
    assert [event.fault for event in seen] == [fault]
