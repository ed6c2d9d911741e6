"""The API reference shows every public name once, and nothing private; its page tells the truth."""

from __future__ import annotations

import doctest
import importlib
import re
from collections import Counter
from dataclasses import fields
from inspect import signature
from pathlib import Path
from types import FunctionType

import pytest

from tests.docs.reference import write
from vtd_plugin import VtdConfig
from vtd_plugin.bus import Attributes, RequestOptions

PAGE = Path(__file__).parents[2] / "docs" / "reference.md"


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reference")
    write(folder)
    return folder


@pytest.fixture(scope="module")
def shown(reference: Path) -> Counter[object]:
    """How often each class and function is described."""
    found: Counter[object] = Counter()
    for page in reference.rglob("*.html"):
        module = ".".join(page.relative_to(reference).with_suffix("").parts)
        for name in re.findall(r'<section id="(\w+)">', page.read_text()):
            described = getattr(importlib.import_module(module), name)
            if isinstance(described, type | FunctionType):
                found[described] += 1
    return found


@pytest.mark.parametrize(
    "module", ["vtd_plugin", "vtd_plugin.bus", "vtd_plugin.iommu", "vtd_plugin.software"]
)
def test_public_names_are_shown(shown: Counter[object], module: str) -> None:
    public = importlib.import_module(module)
    classes = [each for name in public.__all__ if isinstance(each := getattr(public, name), type)]
    assert classes
    assert [each for each in classes if each not in shown] == []


def test_nothing_is_shown_twice(shown: Counter[object]) -> None:
    assert {each: times for each, times in shown.items() if times > 1} == {}


def test_private_modules_have_no_page(reference: Path) -> None:
    pages = [page.relative_to(reference).as_posix() for page in reference.rglob("*.html")]
    assert "hdl_bridge/axi.html" in pages
    assert [page for page in pages if "/_" in page] == []


@pytest.mark.parametrize(
    ("page", "member"),
    [
        ("vtd_plugin/bus", "Requester.begin_atomic"),
        ("vtd_plugin/bus", "Platform.add_observer"),
        ("vtd_plugin/iommu", "VtdConfig.from_registers"),
        ("vtd_plugin/software", "AddressSpaceControl.create_domain"),
        ("hdl_bridge/axi", "attach"),
    ],
)
def test_what_users_call_has_its_place(reference: Path, page: str, member: str) -> None:
    assert f'id="{member}"' in (reference / f"{page}.html").read_text()


def test_the_bases_of_a_class_are_shown(reference: Path) -> None:
    """What a class inherits is described with the class that has it, so that one must be there."""
    software = (reference / "vtd_plugin/software.html").read_text()
    bases = re.findall(r'<span class="base">(.+?)</span>', software)
    assert bases
    assert [base for base in bases if "vtd_plugin" in base and "href" not in base] == []


def test_the_examples_of_the_page_are_true() -> None:
    results = doctest.testfile(str(PAGE), module_relative=False)
    assert results.attempted > 40
    assert results.failed == 0


def test_the_page_names_every_option_of_a_unit() -> None:
    options = set(signature(VtdConfig.from_registers).parameters) - {"cap", "ecap"}
    assert {option for option in options if f"`{option}`" not in PAGE.read_text()} == set()


def test_the_page_names_what_requests_carry() -> None:
    text = PAGE.read_text()
    carried = {*RequestOptions.__annotations__, *(each.name for each in fields(Attributes))}
    assert {name for name in carried if f"`{name}`" not in text} == set()
