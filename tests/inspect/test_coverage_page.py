"""The page on coverage is true."""

from __future__ import annotations

import doctest
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from vtd_plugin.inspect.coverage import Coverage
from vtd_plugin.inspect.coverage.bins import COVERGROUPS, REQUESTS

if TYPE_CHECKING:
    from vtd_plugin.inspect.coverage.model import Covergroup

PAGE = Path(__file__).parents[2] / "docs" / "coverage.md"


def test_the_example_of_the_page_is_true(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    results = doctest.testfile(str(PAGE), module_relative=False)
    assert results.attempted > 15
    assert results.failed == 0
    assert Coverage.load(tmp_path / "boot.json").hits[REQUESTS.name]


@pytest.mark.parametrize("group", COVERGROUPS, ids=lambda group: group.name)
def test_the_page_names_every_group_and_axis(group: Covergroup) -> None:
    (row,) = [
        line for line in PAGE.read_text().splitlines() if line.startswith(f"| `{group.name}`")
    ]
    assert all(f"`{axis.name}`" in row for axis in group.axes)
