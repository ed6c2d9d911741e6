"""No fault condition without a test, and `docs/faults.md` says which one it is."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tests.iommu.fault_table import NEVER_REPORTED, page, provoking_tests
from vtd_plugin.encodings.codes import QueueError
from vtd_plugin.encodings.faults import CONDITIONS_BY_NAME

PAGE: Final = Path(__file__).parents[2] / "docs" / "faults.md"
QUEUE_ERRORS: Final = {error.name for error in QueueError} - {QueueError.NO_INFO.name}


def test_every_condition_is_provoked_by_a_test() -> None:
    wanted = (set(CONDITIONS_BY_NAME) | QUEUE_ERRORS) - NEVER_REPORTED
    assert sorted(wanted - set(provoking_tests())) == []


def test_tests_name_only_conditions_that_can_be() -> None:
    known = (set(CONDITIONS_BY_NAME) | QUEUE_ERRORS) - NEVER_REPORTED
    assert sorted(set(provoking_tests()) - known) == []


def test_the_page_of_faults_is_up_to_date() -> None:
    assert PAGE.read_text() == page(), "run: python -m tests.iommu.fault_table > docs/faults.md"
