"""No fault condition without a test, and `docs/faults.md` says which one it is."""

from __future__ import annotations

import re
import subprocess
import sys
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


def test_the_tests_of_the_page_can_be_run_as_they_stand_there() -> None:
    named = re.findall(r"`(tests/.+?::.+?)` \|$", PAGE.read_text(), re.MULTILINE)
    assert len(named) == len(provoking_tests())
    collect = [sys.executable, "-m", "pytest", "--collect-only", "-q", *named]
    done = subprocess.run(  # noqa: S603  the tests that the page names
        collect, cwd=PAGE.parents[1], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert set(named) <= set(done.stdout.splitlines())
