"""Page requests that are refused: the answer, and what software finds (§7.1.3, §7.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.iommu.bench import SOURCE, Mapped, values
from tests.iommu.page_request_bench import PAGE_ASKED, Requesting
from tests.iommu.scalable_bench import (
    PASID,
    Scalable,
    scalable_config,
)
from tests.iommu.scalable_cases import CASES, OUTSIDE_DIRECTORY, Case
from vtd_plugin import VtdConfig
from vtd_plugin.bus import RequestBlocked
from vtd_plugin.encodings.codes import TableMode
from vtd_plugin.encodings.faults import Condition
from vtd_plugin.encodings.registers import PQT
from vtd_plugin.iommu.page_requests import PageRequestOutcome
from vtd_plugin.software.commands import Command

if TYPE_CHECKING:
    from tests.iommu.bench import Machine


def _reached_by(case: Case) -> list[int | None]:
    """The PASIDs of page requests that get into the condition of a case."""
    columns = case.reached_by
    return [None] * ("ut" in columns) + [case.pasid] * ("ut_pasid" in columns)


REFUSALS: Final = [
    pytest.param(
        case,
        pasid,
        id=f"{case.label}-{'without' if pasid is None else 'with'}",
        marks=pytest.mark.provokes(case.condition.name),
    )
    for case in (*CASES, Case(Condition.SCT_8, lambda bench: bench.change_context(PRE=0)))
    if case.condition.answer_columns["pr_resp"] != "NA"
    for pasid in (_reached_by(case) or [None, PASID])
]


@pytest.mark.parametrize("last", [True, False])
@pytest.mark.parametrize(("case", "pasid"), REFUSALS)
def test_a_request_that_cannot_be_looked_up_is_refused_and_recorded(
    case: Case, pasid: int | None, last: bool
) -> None:
    bench = case.bench()
    outcome = bench.unit.request_page(SOURCE, PAGE_ASKED, pasid=pasid, write=True, last=last)
    _check_refusal(bench, case.condition, outcome, last=last)
    assert values(bench.record(), "PP", "PV") == (int(pasid is not None), pasid or 0)


def test_observers_are_told_of_a_refused_request() -> None:
    bench = Requesting()
    bench.change_context(PRE=0)
    blocked = bench.observe(RequestBlocked)
    bench.ask()
    assert [event.fault.name for event in blocked] == ["SCT.8"]


def _check_refusal(
    bench: Machine, condition: Condition, outcome: PageRequestOutcome, *, last: bool
) -> None:
    answers = {"IR": PageRequestOutcome.INVALID_REQUEST, "drop": PageRequestOutcome.DROPPED}
    column = "pr_resp" if last else "pr_noresp"
    assert outcome is answers[condition.answer_columns[column]]
    record = bench.record()
    assert values(record, "F", "FR", "SID", "T1", "T2") == (1, condition.code, SOURCE, 0, 1)
    assert record.FI_address == PAGE_ASKED
    assert bench.registers.read(PQT).value == 0


ROOT_MODES: Final[tuple[tuple[Condition, TableMode, dict[str, int]], ...]] = (
    (Condition.RTA_1_1, TableMode.ABORT, {}),
    (Condition.RTA_1_2, TableMode.RESERVED, {}),
    (Condition.RTA_3, TableMode.LEGACY, {}),
    (Condition.RTA_4, TableMode.ABORT, {"ADMS": 1}),
)


@pytest.mark.parametrize("last", [True, False])
@pytest.mark.parametrize(
    ("condition", "mode", "changes"),
    [
        pytest.param(*row, id=row[0].name, marks=pytest.mark.provokes(row[0].name))
        for row in ROOT_MODES
    ],
)
def test_page_requests_are_for_scalable_mode_only(
    condition: Condition, mode: TableMode, changes: dict[str, int], last: bool
) -> None:
    bench = Scalable(scalable_config(**changes))
    bench.set_root(TTM=mode)
    outcome = bench.unit.request_page(SOURCE, PAGE_ASKED, pasid=PASID, last=last)
    _check_refusal(bench, condition, outcome, last=last)


@pytest.mark.provokes("RTA.1.3")
def test_scalable_mode_of_a_unit_without_it_refuses_page_requests_too() -> None:
    bench = Mapped(VtdConfig(DT=1))
    bench.set_root(TTM=TableMode.SCALABLE)
    outcome = bench.unit.request_page(SOURCE, PAGE_ASKED)
    _check_refusal(bench, Condition.RTA_1_3, outcome, last=True)


@pytest.mark.parametrize("last", [True, False])
def test_a_pasid_wider_than_the_unit_is_looked_up_as_far_as_the_directory_goes(last: bool) -> None:
    # The fault table has SGN.10 for no page request (§7.1.3).
    case = Case(Condition.SCT_7, pasid=OUTSIDE_DIRECTORY, changes={"PSS": 9})
    bench = case.bench()
    outcome = bench.unit.request_page(SOURCE, PAGE_ASKED, pasid=case.pasid, last=last)
    _check_refusal(bench, Condition.SCT_7, outcome, last=last)


@pytest.mark.parametrize("where", ["context", "directory", "entry"])
def test_disabled_fault_processing_hides_refusals_too(where: str) -> None:
    bench = Requesting()
    change = {
        "context": bench.change_context,
        "directory": bench.change_directory,
        "entry": bench.change_entry,
    }[where]
    change(FPD=1)
    bench.change_entry(P=0)
    assert bench.ask() is PageRequestOutcome.INVALID_REQUEST
    assert not bench.fault_status.PPF


@pytest.mark.parametrize(
    ("last", "outcome"),
    [(True, PageRequestOutcome.INVALID_REQUEST), (False, PageRequestOutcome.DROPPED)],
)
def test_while_translation_is_off_page_requests_are_refused_without_a_record(
    last: bool, outcome: PageRequestOutcome
) -> None:
    bench = Requesting()
    bench.commands.run(Command.TRANSLATION, on=False)
    assert bench.ask(last=last) is outcome
    assert not bench.fault_status.PPF
    assert bench.registers.read(PQT).value == 0
