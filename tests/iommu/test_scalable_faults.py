"""Every fault condition of scalable mode: the answer, and what software finds (§7.1.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.iommu.bench import HOST, IOVA, PAGE, SOURCE, values
from tests.iommu.scalable_bench import FIRST, NESTED, PASID, Scalable, scalable_config
from tests.iommu.scalable_cases import (
    ATOMIC,
    CASES,
    OUTSIDE_DIRECTORY,
    READ,
    WRITE,
    Case,
    entries_read,
)
from vtd_plugin.bus import AddressType, Answer, Fault, RequestKind
from vtd_plugin.encodings.registers import FECTL

if TYPE_CHECKING:
    from collections.abc import Callable

    from vtd_plugin.encodings.codes import PageTableType

RECOVERABLE: Final = (Answer.NO_RIGHTS, Answer.RIGHTS_LEFT)

DISABLE: Final[dict[str, Callable[[Scalable], object]]] = {
    "context": lambda bench: bench.change_context(FPD=1),
    "directory": lambda bench: bench.change_directory(FPD=1),
    "entry": lambda bench: bench.change_entry(FPD=1),
}
"""Where fault processing can be disabled."""


def ask(bench: Scalable, case: Case, column: str) -> Fault:
    attributes = case.attributes(column)
    answer = bench.unit.translate(
        SOURCE,
        case.asked(column),
        pasid=attributes.pasid,
        size=case.size,
        kind=attributes.kind,
        address_type=attributes.address_type,
        privileged=attributes.privileged,
        execute=attributes.execute,
    )
    assert isinstance(answer, Fault), f"{answer} is no fault"
    return answer


def answer_to(case: Case, column: str) -> Answer:
    return Answer(case.condition.answer_columns[column])


def is_recorded(case: Case, column: str) -> bool:
    """Successful completions are no record, but for an accessed bit that could not be set."""
    return answer_to(case, column) not in RECOVERABLE or case.condition.name == "SFS.10"


def _each_column() -> list[object]:
    return [
        pytest.param(
            case,
            column,
            id=f"{case.label}-{column}",
            marks=pytest.mark.provokes(case.condition.name),
        )
        for case in CASES
        for column in case.reached_by
    ]


EACH_COLUMN = pytest.mark.parametrize(("case", "column"), _each_column())
ONE_COLUMN = pytest.mark.parametrize("case", [pytest.param(case, id=case.label) for case in CASES])


@EACH_COLUMN
def test_a_request_is_answered_as_the_fault_table_says(case: Case, column: str) -> None:
    fault = ask(case.bench(), case, column)
    assert (fault.name, fault.code) == (case.condition.name, case.condition.code)
    assert fault.answer is answer_to(case, column)
    assert (fault.source_id, fault.address) == (SOURCE, case.asked(column))
    assert fault.attributes == case.attributes(column)


@EACH_COLUMN
def test_what_the_requester_cannot_recover_from_is_recorded(case: Case, column: str) -> None:
    bench = case.bench()
    fault = ask(bench, case, column)
    record, attributes = bench.record(), case.attributes(column)
    assert fault.recorded is is_recorded(case, column)
    assert bool(record.F) is fault.recorded
    if not fault.recorded:
        return
    types = {READ: (1, 0), WRITE: (0, 0), ATOMIC: (1, 1)}[attributes.kind]
    assert values(record, "FR", "SID") == (case.condition.code, SOURCE)
    assert values(record, "T1", "T2", "AT") == (*types, attributes.address_type)
    assert record.FI_address == case.asked(column) % (1 << 48) & -PAGE
    with_pasid = attributes.pasid is not None
    assert values(record, "PP", "PV") == (with_pasid, attributes.pasid or 0)
    assert values(record, "PRIV", "EXE") == (attributes.privileged, attributes.execute)


@ONE_COLUMN
@pytest.mark.parametrize("where", DISABLE)
def test_fault_processing_can_be_disabled_in_each_entry_that_was_read(
    case: Case, where: str
) -> None:
    column = next((name for name in case.reached_by if is_recorded(case, name)), "")
    bench = case.bench(DISABLE[where])
    fault = ask(bench, case, column)
    hidden = case.condition.qualified and where in entries_read(case.condition)
    assert (fault.name, fault.answer) == (case.condition.name, answer_to(case, column))
    assert fault.recorded is not hidden
    assert bool(bench.record().F) is not hidden
    assert bool(bench.registers.read(FECTL).IP) is not hidden


@pytest.mark.parametrize(
    ("where", "pasid", "name"),
    [
        ("context", OUTSIDE_DIRECTORY, "SCT.7"),
        ("context", PASID, "SSS.2"),
        ("directory", PASID, "SSS.2"),
        ("entry", PASID, "SSS.2"),
    ],
)
def test_a_cached_entry_still_disables_fault_processing(where: str, pasid: int, name: str) -> None:
    bench = Scalable()
    DISABLE[where](bench)
    assert bench.lands_at(pasid=PASID) == HOST
    fault = bench.unit.translate(SOURCE, 0x7000, pasid=pasid)
    assert isinstance(fault, Fault)
    assert (fault.name, fault.recorded) == (name, False)


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, id=case.label)
        for case in CASES
        if case.kind is WRITE and "ut_pasid" in case.reached_by
    ],
)
def test_a_blocked_write_changes_no_byte_that_was_asked_for(case: Case) -> None:
    bench = case.bench()
    before = bench.platform.read(HOST, PAGE)
    result = bench.port().write(case.asked("ut_pasid"), b"intruder", pasid=case.pasid)
    assert (result.answer, result.transferred) == (Answer.UR, 0)
    assert bench.platform.read(HOST, PAGE) == before


@pytest.mark.parametrize("kind", [READ, WRITE, ATOMIC])
@pytest.mark.parametrize("privileged", [False, True])
@pytest.mark.parametrize("pasid", [None, PASID])
def test_the_record_says_who_asked_for_what(
    kind: RequestKind, privileged: bool, pasid: int | None
) -> None:
    bench = Scalable()
    bench.change_entry(P=0)
    bench.unit.translate(SOURCE, IOVA, kind=kind, pasid=pasid, privileged=privileged)
    record = bench.record()
    assert values(record, "PP", "PV") == (int(pasid is not None), pasid or 0)
    assert bool(record.PRIV) is (privileged and pasid is not None)
    assert values(record, "T1", "T2") == {READ: (1, 0), WRITE: (0, 0), ATOMIC: (1, 1)}[kind]


@pytest.mark.parametrize("address_type", [AddressType.UNTRANSLATED, AddressType.TRANSLATION])
@pytest.mark.parametrize("caching_mode", [0, 1])
def test_where_pasids_are_not_enabled_that_is_the_fault_of_a_request_with_one(
    address_type: AddressType, caching_mode: int
) -> None:
    bench = Scalable(scalable_config(CM=caching_mode))
    bench.change_context(PASIDE=0)
    for pasid, name in ((None, "SCT.4.3"), (PASID, "SCT.6"), (None, "SCT.4.3")):
        fault = bench.unit.translate(SOURCE, IOVA, pasid=pasid, address_type=address_type)
        assert isinstance(fault, Fault)
        assert fault.name == name


def test_a_device_without_translation_requests_learns_that_before_its_pasid_is_judged() -> None:
    bench = Scalable()
    bench.change_context(PASIDE=0, DTE=0, PRE=0)
    fault = bench.port().request_translation(IOVA, pasid=PASID)
    assert isinstance(fault, Fault)
    assert fault.name == "SCT.5"


@pytest.mark.parametrize(("version", "name"), [(0x50, "SPT.5"), (0x80, "RTA.5")])
def test_a_cached_page_does_not_let_execute_requests_pass(version: int, name: str) -> None:
    bench = Scalable(scalable_config(version=version))
    assert bench.lands_at(pasid=PASID) == HOST
    fault = bench.unit.translate(SOURCE, IOVA, pasid=PASID, execute=True)
    assert isinstance(fault, Fault)
    assert fault.name == name


def test_execute_requests_of_a_unit_that_supports_them_are_reads() -> None:
    bench = Scalable(scalable_config(ERS=1))
    assert bench.port().read(IOVA, 8, pasid=PASID, execute=True).ok


@pytest.mark.parametrize("kind", [FIRST, NESTED])
def test_a_translation_request_learns_of_no_page_without_a_record(kind: PageTableType) -> None:
    bench = Scalable(kind=kind)
    bench.change_first(1, P=0)
    answer = bench.port().request_translation(IOVA, pasid=PASID)
    assert isinstance(answer, Fault)
    assert answer.answer is Answer.NO_RIGHTS
    assert answer.attributes.address_type is AddressType.TRANSLATION
    assert not bench.fault_status.PPF


def test_where_one_stage_only_reads_and_the_other_only_writes_nothing_is_allowed() -> None:
    bench = Scalable(kind=NESTED)
    bench.change_first(1, RW=0)
    bench.change_second(1, R=0)
    port = bench.port()
    # A read of no bytes comes first: nothing of it may stay in the IOTLB (§3.14).
    faults = [port.read(IOVA, 0).fault, port.read(IOVA, 8).fault, port.write(IOVA, b"w").fault]
    assert [fault and fault.name for fault in faults] == ["SGN.7", "SGN.7", "SGN.6"]
    answer = port.request_translation(IOVA)
    assert isinstance(answer, Fault)
    assert (answer.name, answer.answer, answer.recorded) == ("SGN.7", Answer.RIGHTS_LEFT, False)
