"""The examples of the page on software are true."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import vtd_plugin.software

PAGE = Path(__file__).parents[2] / "docs" / "software.md"
PACKAGE = Path(vtd_plugin.software.__file__).parent


def test_the_examples_of_the_page_are_true() -> None:
    results = doctest.testfile(str(PAGE), module_relative=False)
    assert results.attempted > 50
    assert results.failed == 0


def test_every_module_is_on_the_page() -> None:
    table = PAGE.read_text().partition("| module | has |")[2]
    named = set(re.findall(r"`(\w+)`", table))
    modules = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"}
    assert modules - named == set()
