"""Bins that no observed unit can hit do not count, nor do those that are waived."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.inspect.coverage_run import Run
from tests.iommu.bench import IOVA, SOURCE, Mapped
from vtd_plugin import Platform, VtdConfig
from vtd_plugin.encodings.codes import TableMode
from vtd_plugin.inspect.coverage import Coverage
from vtd_plugin.inspect.coverage.bins import (
    COVERGROUPS,
    FAULTS,
    INTERRUPTS,
    PAGE_REQUESTS,
    REQUESTS,
)
from vtd_plugin.inspect.coverage.report import coverpoints, exclusions, needless
from vtd_plugin.inspect.coverage.scope import Scope
from vtd_plugin.inspect.coverage.waivers import Waiver

if TYPE_CHECKING:
    from vtd_plugin.inspect.coverage.model import Bin, Covergroup
    from vtd_plugin.inspect.coverage.scope import Coverpoint

POSTED: Bin = ("remappable", "cached", "posted, notified")
REMAPPED: Bin = ("remappable", "cached", "remapped")
NESTED: Bin = ("read", "nested", "4K", "walk")
LARGE: Bin = ("read", "legacy second-stage", "1G", "walk")


def _scope(*configs: VtdConfig) -> Scope:
    return Scope([config.capabilities for config in configs])


@pytest.mark.parametrize(
    ("group", "cross", "config", "missing"),
    [
        (INTERRUPTS, POSTED, VtdConfig(), ("ECAP.IR", "CAP.PI")),
        (INTERRUPTS, POSTED, VtdConfig(IR=1), ("CAP.PI",)),
        (INTERRUPTS, POSTED, VtdConfig(IR=1, PI=1), ()),
        (REQUESTS, NESTED, VtdConfig(SMTS=1, FSTS=1, SSTS=1), ("ECAP.NEST",)),
        (REQUESTS, LARGE, VtdConfig(SSLPS=1), ("CAP.SSLPS[1]",)),
        (REQUESTS, LARGE, VtdConfig(SSLPS=3), ()),
        (FAULTS, ("RTA.1.3", "read", "without PASID"), VtdConfig(), ()),
        (FAULTS, ("RTA.1.3", "read", "without PASID"), VtdConfig(SMTS=1), ("no ECAP.SMTS",)),
    ],
)
def test_what_a_bin_needs_is_said(
    group: Covergroup, cross: Bin, config: VtdConfig, missing: tuple[str, ...]
) -> None:
    assert _scope(config).missing(group, cross) == missing


def test_of_several_units_one_must_have_all_that_a_bin_needs() -> None:
    few, many = VtdConfig(), VtdConfig(IR=1, PI=1)
    assert _scope(few, many).missing(INTERRUPTS, POSTED) == ()
    assert _scope(few, VtdConfig(IR=1)).missing(INTERRUPTS, POSTED) == ("CAP.PI",)


def test_what_is_refused_for_want_of_a_capability_can_be_hit() -> None:
    bench = Mapped(VtdConfig(DT=1))
    run = Run(bench)
    bench.set_root(TTM=TableMode.SCALABLE)
    bench.unit.request_page(SOURCE, IOVA)
    bench.port().write(IOVA, bytes(8), pasid=1)
    assert run.counted(PAGE_REQUESTS) == {("last of its group", "without PASID", "blocked"): 1}
    assert set(run.counted(FAULTS)) == {
        ("RTA.1.3", "page request", "without PASID"),
        ("RTA.1.3", "write", "with PASID"),
    }


def test_where_no_unit_is_known_all_bins_count() -> None:
    coverage = Coverage(Platform())
    assert not coverage.units
    assert exclusions(coverage) == []


def test_merged_runs_count_what_any_of_their_units_can_hit() -> None:
    runs = [Coverage(Mapped(config).platform) for config in (VtdConfig(), VtdConfig(IR=1))]
    alone = {point.title: len(point.hits) for point in coverpoints(runs[0])}
    runs[0].merge(runs[1])
    merged = {point.title: len(point.hits) for point in coverpoints(runs[0])}
    assert len(runs[0].units) == 2
    assert (alone["interrupts.fate"], merged["interrupts.fate"]) == (2, 11)
    assert alone["requests.cross"] == merged["requests.cross"]


def test_equal_units_are_one() -> None:
    run = Coverage(Mapped().platform)
    run.merge(Coverage(Mapped().platform))
    assert len(run.units) == 1


def _point(coverage: Coverage, title: str, *waivers: Waiver) -> Coverpoint:
    (point,) = [each for each in coverpoints(coverage, waivers) if each.title == title]
    return point


def test_a_waived_value_takes_its_crosses_with_it() -> None:
    coverage = Coverage(Mapped().platform)
    waiver = Waiver("requests.kind: atomic", "none here")
    cross = _point(coverage, "requests.cross", waiver)
    assert not [each for each in cross.hits if each[0] == "atomic"]
    assert cross.waived == len([each for each in cross.left_out if each[0] == "atomic"]) - (
        len([each for each in _point(coverage, "requests.cross").left_out if each[0] == "atomic"])
    )
    assert _point(coverage, "requests.kind", waiver).waived == 1


def test_waiving_all_crosses_of_a_value_waives_the_value() -> None:
    coverage = Coverage(Mapped().platform)
    waiver = Waiver("resets.cross: cold, *", "no power cycles")
    assert _point(coverage, "resets.kind", waiver).waived == 1
    assert _point(coverage, "resets.order", waiver).waived == 0


def test_what_no_unit_can_hit_needs_no_waiver() -> None:
    coverage = Coverage(Mapped().platform)
    point = _point(coverage, "requests.tables", Waiver("requests.tables: nested", "none"))
    assert (point.not_applicable, point.waived) == (4, 0)


def test_a_waiver_of_what_was_hit_is_needless() -> None:
    bench = Mapped()
    coverage = Coverage(bench.platform)
    bench.port().read(IOVA, 8)
    waivers = [Waiver("requests.kind: read", "so"), Waiver("requests.kind: atomic", "so")]
    assert needless(coverage, waivers) == ["requests.kind: read: hit 1 times; waived: so"]


@pytest.mark.parametrize("group", COVERGROUPS, ids=lambda group: group.name)
def test_every_line_of_a_report_can_be_waived_as_it_stands(group: Covergroup) -> None:
    for cross in group.bins:
        assert Waiver(f"{group.name}.cross: {', '.join(cross)}", "so").crosses(group) == [cross]


def test_a_bin_that_needs_a_capability_twice_says_so_once() -> None:
    scope = _scope(VtdConfig())
    for group in COVERGROUPS:
        for cross in group.bins:
            missing = scope.missing(group, cross)
            assert len(missing) == len(set(missing))
