"""The page on coverage is true."""

from __future__ import annotations

import doctest
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from vtd_plugin.inspect.coverage import Coverage
from vtd_plugin.inspect.coverage.bins import COVERGROUPS, REQUESTS
from vtd_plugin.inspect.coverage.waivers import read_waivers

if TYPE_CHECKING:
    from vtd_plugin.inspect.coverage.model import Covergroup

PAGE = Path(__file__).parents[2] / "docs" / "coverage.md"


def test_the_example_of_the_page_is_true(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    results = doctest.testfile(str(PAGE), module_relative=False)
    assert results.attempted > 15
    assert results.failed == 0
    assert Coverage.load(tmp_path / "boot.json").hits[REQUESTS.name]


def test_the_waivers_of_the_page_are_a_waiver_file(tmp_path: Path) -> None:
    block = PAGE.read_text().partition("```toml\n")[2].partition("```")[0]
    path = tmp_path / "waivers.toml"
    path.write_text(block)
    assert len(read_waivers(path)) == 3


@pytest.mark.parametrize("group", COVERGROUPS, ids=lambda group: group.name)
def test_the_page_names_every_group_and_axis(group: Covergroup) -> None:
    (row,) = [
        line for line in PAGE.read_text().splitlines() if line.startswith(f"| `{group.name}`")
    ]
    assert all(f"`{axis.name}`" in row for axis in group.axes)
