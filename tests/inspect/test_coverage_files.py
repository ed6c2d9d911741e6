"""Reports of coverage, the files it is saved in, and what cocotb-coverage makes of them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
from cocotb_coverage.coverage import (
    CoverCross,
    CoverPoint,
    coverage_db,
    coverage_section,
    merge_coverage,
)
from rich.console import Console

from tests.iommu.bench import IOVA, PAGE, PAGES, Mapped
from tests.iommu.scalable_bench import FIRST, Scalable
from vtd_plugin.inspect.coverage import Coverage
from vtd_plugin.inspect.coverage.bins import COVERGROUPS, REQUESTS, RESETS
from vtd_plugin.inspect.coverage.files import write_xml
from vtd_plugin.inspect.coverage.report import contradictions, coverpoints, holes, table
from vtd_plugin.inspect.coverage.waivers import Waiver

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from vtd_plugin.encodings.capabilities import Capabilities
    from vtd_plugin.inspect.coverage.model import Covergroup
    from vtd_plugin.inspect.coverage.report import Hits


@pytest.fixture
def legacy() -> Coverage:
    """A run in legacy mode."""
    bench = Mapped()
    bench.port()
    coverage = Coverage(bench.platform)
    for _ in range(3):
        bench.port().read(IOVA, 8)
    bench.port().read(IOVA + PAGES * PAGE, 8)
    bench.platform.reset("warm", "units-first")
    return coverage


@pytest.fixture
def scalable() -> Coverage:
    """A run in scalable mode."""
    bench = Scalable(kind=FIRST)
    bench.port()
    coverage = Coverage(bench.platform)
    bench.port().write(IOVA, bytes(8))
    bench.platform.reset("cold")
    return coverage


@dataclass(frozen=True)
class Counted:
    """Hits without a run."""

    hits: Hits
    units: tuple[Capabilities, ...] = ()


# --- reports


def _row(coverage: Coverage, title: str) -> list[str]:
    console = Console(width=100)
    with console.capture() as capture:
        console.print(table(coverage))
    (line,) = [line for line in capture.get().splitlines() if line.split()[:1] == [title]]
    return line.split()[1:]


@pytest.mark.parametrize(
    ("title", "cells"),
    [
        ("requests.kind", ["1", "6", "16.7", "0", "0"]),
        ("requests.outcome", ["3", "4", "75.0", "0", "0"]),
        ("requests.cross", ["3", "54", "5.6", "122", "0"]),
        ("faults.condition", ["1", "23", "4.3", "76", "0"]),
        ("resets.cross", ["1", "9", "11.1", "0", "0"]),
        ("page_responses.code", ["0", "0", "-", "3", "0"]),
    ],
)
def test_the_table_has_hits_bins_percent_and_what_does_not_count(
    legacy: Coverage, title: str, cells: list[str]
) -> None:
    assert _row(legacy, title) == cells


def test_the_last_row_is_about_all_coverpoints(legacy: Coverage) -> None:
    points = coverpoints(legacy)
    covered, size, _, not_applicable, _ = _row(legacy, "all")
    assert int(covered) == sum(point.covered for point in points)
    assert int(size) == sum(len(point.hits) for point in points)
    assert int(not_applicable) == sum(point.not_applicable for point in points)


def test_holes_leave_out_crosses_of_what_is_a_hole_already(legacy: Coverage) -> None:
    found = holes(legacy)
    assert "requests.tables: legacy pass-through" in found
    assert not [line for line in found if line.startswith("requests.cross") and "through" in line]
    assert "resets.kind: cold" in found
    assert "faults.condition: LGN.2" in found
    assert "faults.condition: LGN.3" not in found


def test_a_missed_cross_of_values_that_were_hit_is_a_hole(
    legacy: Coverage, scalable: Coverage
) -> None:
    legacy.merge(scalable)
    found = holes(legacy)
    assert "resets.cross: cold, units first" in found
    assert "resets.cross: warm, units first" not in found
    assert "requests.cross: write, legacy second-stage, 4K, IOTLB hit" in found


def test_nothing_is_a_hole_when_every_bin_was_hit() -> None:
    counted = Counted({group.name: dict.fromkeys(group.bins, 1) for group in COVERGROUPS})
    assert holes(counted) == []


def test_a_hit_of_what_cannot_be_is_told_and_in_no_number() -> None:
    counted = Counted({RESETS.name: {("function", "units only"): 2}})
    (line,) = contradictions(counted)
    assert line == (
        "resets: function, units only: hit 2 times, but a reset of one function reaches no unit"
    )
    assert sum(point.covered for point in coverpoints(counted)) == 0


def test_what_cannot_be_and_was_hit_no_times_is_no_contradiction() -> None:
    assert contradictions(Counted({RESETS.name: {("function", "units only"): 0}})) == []


# --- JSON


def test_what_is_saved_can_be_loaded(legacy: Coverage, tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    legacy.save(path)
    loaded = Coverage.load(path)
    assert (loaded.hits, loaded.units) == (legacy.hits, legacy.units)
    assert len(legacy.units) == 1
    assert sum(legacy.hits[REQUESTS.name].values()) == 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": "something"}, "no saved functional coverage"),
        ({"version": 1}, "format version 1; this program reads version 3"),
        ({"bins": [{"group": "colours", "bin": {}, "hits": 1}]}, "covergroup 'colours'"),
        (
            {"bins": [{"group": "faults", "bin": {"condition": "XYZ.1"}, "hits": 1}]},
            "no bin .*XYZ.1",
        ),
        ({"bins": [{"group": "faults"}]}, "bin 1: {'group': 'faults'} is no object with"),
        ({"bins": [7]}, "bin 1: 7 is no object with"),
        ({"bins": 5}, "'bins' is no list"),
        ({"units": None}, "'units' is no list"),
        ({"units": [{"VER": "0x50"}]}, "unit 1: .* is no object with VER, CAP, ECAP, HAW: 'CAP'"),
        (
            {"units": [{"VER": "0x50", "CAP": "0x0", "ECAP": "0x0", "HAW": "99"}]},
            "unit 1: .*host address width 99",
        ),
    ],
    ids=str,
)
def test_other_files_are_refused_by_name(
    legacy: Coverage, tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    path = tmp_path / "run.json"
    legacy.save(path)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ValueError, match=f"run.json: .*{message}"):
        Coverage.load(path)


@pytest.mark.parametrize("hits", [-5, 1.5, True, "3", None])
def test_hits_that_are_no_number_are_refused(
    legacy: Coverage, tmp_path: Path, hits: object
) -> None:
    path = tmp_path / "run.json"
    legacy.save(path)
    document = json.loads(path.read_text())
    document["bins"][0]["hits"] = hits
    path.write_text(json.dumps(document))
    with pytest.raises(ValueError, match=f"run.json: bin 1: hits are {hits!r}"):
        Coverage.load(path)


@pytest.mark.parametrize("text", ["no JSON", "[1, 2]", 100_000 * "["], ids=["text", "list", "deep"])
def test_what_is_no_coverage_at_all_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "run.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"run\.json: no "):
        Coverage.load(path)


# --- cocotb-coverage


@pytest.fixture
def database() -> Iterator[None]:
    """An empty database of cocotb-coverage: there is one in a process."""
    coverage_db.clear()
    yield
    coverage_db.clear()


def _declare(group: Covergroup) -> Any:
    """A function that samples a covergroup, declared in the terms of cocotb-coverage."""
    name = f"top.vtd.{group.name}"
    items = [
        CoverPoint(
            f"{name}.{axis.name}",
            xf=lambda *values, number=number: values[number],
            bins=[
                value for value in axis.bins if any(value == each[number] for each in group.bins)
            ],
        )
        for number, axis in enumerate(group.axes)
    ]
    if len(group.axes) > 1:
        crosses = [f"{name}.{axis.name}" for axis in group.axes]
        items.append(CoverCross(f"{name}.cross", items=crosses, ign_bins=_excluded(group)))

    def sample(*_: str) -> None:
        pass

    return coverage_section(*items)(sample)


def _excluded(group: Covergroup) -> list[tuple[str, ...]]:
    everything = type(group)(group.name, group.axes).bins
    return [each for each in everything if group.why_excluded(each) is not None]


def _elements(path: Path) -> list[tuple[str, dict[str, str]]]:
    return [(element.tag, element.attrib) for element in ET.parse(path).iter()]  # noqa: S314


@pytest.mark.usefixtures("database")
def test_the_xml_is_what_cocotb_coverage_writes_of_the_same_hits(
    legacy: Coverage, scalable: Coverage, tmp_path: Path
) -> None:
    legacy.merge(scalable)
    for group in COVERGROUPS:
        sample = _declare(group)
        for values, count in legacy.hits[group.name].items():
            for _ in range(count):
                sample(*values)
    coverage_db.export_to_xml(str(tmp_path / "theirs.xml"))
    write_xml(Counted(legacy.hits), tmp_path / "ours.xml")
    assert _elements(tmp_path / "ours.xml") == _elements(tmp_path / "theirs.xml")


def test_cocotb_coverage_merges_the_xml_of_like_units_as_coverage_is_merged(
    legacy: Coverage, tmp_path: Path
) -> None:
    files = [tmp_path / "reads.xml", tmp_path / "writes.xml"]
    bench = Mapped()
    writes = Coverage(bench.platform)
    bench.port().write(IOVA, bytes(8))
    write_xml(legacy, files[0])
    write_xml(writes, files[1])
    merge_coverage(lambda _: None, str(tmp_path / "theirs.xml"), *map(str, files))
    legacy.merge(writes)
    write_xml(legacy, tmp_path / "ours.xml")
    assert _elements(tmp_path / "theirs.xml") == _elements(tmp_path / "ours.xml")


def test_the_xml_has_what_counts_and_each_bin_has_the_same_name_everywhere(
    legacy: Coverage, tmp_path: Path
) -> None:
    write_xml(legacy, tmp_path / "some.xml", [Waiver("requests.kind: atomic", "no atomics")])
    write_xml(Counted(legacy.hits), tmp_path / "all.xml")
    some, everything = (
        {
            attributes["abs_name"]: attributes["bin"]
            for _, attributes in _elements(path)
            if "bin" in attributes and ".requests." in attributes["abs_name"]
        }
        for path in (tmp_path / "some.xml", tmp_path / "all.xml")
    )
    assert some.items() < everything.items()
    assert not [tag for tag, _ in _elements(tmp_path / "some.xml") if tag == "page_responses"]
    assert not {"atomic", "nested"} & set(some.values())


@pytest.mark.usefixtures("database")
def test_cocotb_coverage_merges_it_with_that_of_a_testbench(
    legacy: Coverage, tmp_path: Path
) -> None:
    def sample(_: int) -> None:
        pass

    CoverPoint("top.dut.length", bins=[1, 2])(sample)(1)
    coverage_db.export_to_xml(str(tmp_path / "dut.xml"))
    write_xml(legacy, tmp_path / "vtd.xml")
    merged = tmp_path / "merged.xml"
    merge_coverage(
        lambda _: None, str(merged), str(tmp_path / "dut.xml"), str(tmp_path / "vtd.xml")
    )
    points = coverpoints(legacy)
    _, root = _elements(merged)[0]
    assert int(root["size"]) == 2 + sum(len(point.hits) for point in points)
    assert int(root["coverage"]) == 1 + sum(point.covered for point in points)
