"""Resets are counted by the half of the platform that comes first."""

from __future__ import annotations

import pytest

from tests.inspect.coverage_run import Run
from tests.iommu.bench import HOST, Mapped
from vtd_plugin.bus import ResetOrder
from vtd_plugin.inspect.coverage.bins import RESETS
from vtd_plugin.software.commands import Command


def test_halves_are_one_reset_though_masters_work_in_between() -> None:
    bench = Mapped()
    run = Run(bench)
    bench.platform.reset_units("warm")
    bench.port().read(HOST, 8)
    bench.platform.reset_masters("warm")
    assert run.counted(RESETS) == {("warm", "units first"): 1}


def test_halves_are_two_resets_if_software_ran_in_between() -> None:
    bench = Mapped()
    run = Run(bench)
    bench.platform.reset_units("warm")
    bench.commands.start(Command.SET_ROOT_TABLE)
    bench.platform.reset_masters("warm")
    assert run.counted(RESETS) == {("warm", "units only"): 1, ("warm", "masters only"): 1}


def test_halves_of_different_kinds_are_two_resets() -> None:
    bench = Mapped()
    run = Run(bench)
    bench.platform.reset_masters("warm")
    bench.platform.reset_units("cold")
    assert run.counted(RESETS) == {("warm", "masters only"): 1, ("cold", "units only"): 1}


@pytest.mark.parametrize(
    ("half", "order", "expected"),
    [
        ("units", ResetOrder.MASTERS_FIRST, {"units only": 1, "masters first": 1}),
        ("units", ResetOrder.UNITS_FIRST, {"units only": 1, "units first": 1}),
        ("masters", ResetOrder.UNITS_FIRST, {"masters only": 1, "units first": 1}),
        ("masters", ResetOrder.MASTERS_FIRST, {"masters only": 1, "masters first": 1}),
    ],
)
@pytest.mark.parametrize("half_first", [True, False])
def test_a_half_is_no_part_of_the_whole_reset_beside_it(
    half: str, order: ResetOrder, expected: dict[str, int], half_first: bool
) -> None:
    bench = Mapped()
    run = Run(bench)
    reset_half = bench.platform.reset_units if half == "units" else bench.platform.reset_masters
    if half_first:
        reset_half()
    bench.platform.reset("warm", order)
    if not half_first:
        reset_half()
    assert run.counted(RESETS) == {("warm", each): count for each, count in expected.items()}


@pytest.mark.parametrize(("kind", "order"), RESETS.bins)
def test_every_reset_that_is_not_ruled_out_can_be(kind: str, order: str) -> None:
    bench = Mapped()
    run = Run(bench)
    if kind == "function":
        bench.port().reset()
    elif order == "masters only":
        bench.platform.reset_masters(kind)
    elif order == "units only":
        bench.platform.reset_units(kind)
    else:
        bench.platform.reset(kind, order.replace(" ", "-"))
    assert run.counted(RESETS) == {(kind, order): 1}
