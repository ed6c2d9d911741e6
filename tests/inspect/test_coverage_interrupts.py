"""Interrupts are counted by their format, the entry they need, and what becomes of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.inspect.coverage_run import Run
from tests.iommu.bench import SOURCE
from tests.iommu.interrupt_bench import COMPATIBLE, INDEX, Interrupting, remappable
from tests.iommu.test_interrupt_faults import CASES
from vtd_plugin import Platform
from vtd_plugin.bus.testing import FakeUnit
from vtd_plugin.encodings.structures import RemapMsiAddress
from vtd_plugin.inspect.coverage import Coverage
from vtd_plugin.inspect.coverage.bins import INTERRUPTS
from vtd_plugin.inspect.coverage.report import contradictions

if TYPE_CHECKING:
    from collections.abc import Callable

REMAPPABLE = "remappable"
SUBHANDLE = "remappable with subhandle"
WITH_SUBHANDLE = RemapMsiAddress.mask("SHV")


def test_the_first_interrupt_of_an_entry_reads_the_table_and_the_next_does_not() -> None:
    bench = Interrupting()
    bench.write()
    run = Run(bench)
    for _ in range(3):
        bench.send()
    assert run.counted(INTERRUPTS) == {
        (REMAPPABLE, "table read", "remapped"): 1,
        (REMAPPABLE, "cached", "remapped"): 2,
    }


def test_a_subhandle_is_a_format_of_its_own() -> None:
    bench = Interrupting()
    bench.write()
    run = Run(bench)
    bench.send(sub=0)
    assert run.counted(INTERRUPTS) == {(SUBHANDLE, "table read", "remapped"): 1}


def test_posting_with_and_without_a_notification() -> None:
    bench = Interrupting()
    bench.write_posted()
    run = Run(bench)
    bench.send()
    bench.send()  # the first notification is outstanding
    assert run.counted(INTERRUPTS) == {
        (REMAPPABLE, "table read", "posted, notified"): 1,
        (REMAPPABLE, "cached", "posted, no notification"): 1,
    }


@pytest.mark.parametrize("address", [COMPATIBLE, remappable(INDEX)])
def test_while_remapping_is_off_there_is_one_format(address: int) -> None:
    bench = Interrupting(on=False)
    run = Run(bench)
    bench.send_to(address)
    assert run.counted(INTERRUPTS) == {("compatibility", "no entry", "remapping off"): 1}


def test_the_compatibility_format_passes_or_is_blocked() -> None:
    for compatible, fate in ((True, "passed"), (False, "IR.25")):
        bench = Interrupting(compatible=compatible)
        run = Run(bench)
        bench.send_to(COMPATIBLE)
        assert run.counted(INTERRUPTS) == {("compatibility", "no entry", fate): 1}


def test_what_is_no_interrupt_request_is_malformed() -> None:
    bench = Interrupting()
    bench.turn_on()
    run = Run(bench)
    bench.port().read(COMPATIBLE, 4)
    bench.port().write(COMPATIBLE, bytes(8))
    bench.port().read(COMPATIBLE, 0)  # answered, though nothing is there (§3.15)
    assert run.counted(INTERRUPTS) == {("malformed", "no entry", "IR.29"): 2}


def test_messages_of_a_unit_and_of_requesters_of_other_units_do_not_count() -> None:
    platform = Platform(load_entry_points=False)
    platform.add_unit(FakeUnit())
    coverage = Coverage(platform)
    platform.requester(SOURCE).write(COMPATIBLE, bytes(4))
    assert not coverage.hits[INTERRUPTS.name]


# --- every bin, to see that what cannot be is all ruled out

ENTRIES: tuple[Callable[[Interrupting], object], ...] = (
    lambda bench: bench.write(),
    lambda bench: bench.write_posted(URG=1),
    lambda bench: bench.write_posted(),
)
"""An entry that remaps, and two that post to a descriptor with notifications suppressed."""


def _each_fate() -> Coverage:
    """What is remapped or posted, by an entry that is cached and by one that is not."""
    merged = Coverage()
    for write in ENTRIES:
        for sub in (None, 0):
            bench = Interrupting()
            write(bench)
            run = Run(bench)
            for _ in range(2):
                bench.write_descriptor(SN=1)
                bench.send(sub=sub)
            merged.merge(run.coverage)
    return merged


def _each_condition() -> Coverage:
    """What is blocked, in both formats that name an entry, twice with a unit that caches it."""
    merged = Coverage()
    for case in CASES:
        for caching in ({}, {"CM": 1}):
            for address in (case.address, case.address | WITH_SUBHANDLE):
                bench = replace(case, changes={**case.changes, **caching}).bench()
                run = Run(bench)
                for _ in range(2):
                    bench.send_to(address, case.data)
                merged.merge(run.coverage)
    return merged


def _without_an_entry() -> Coverage:
    merged = Coverage()
    for bench in (Interrupting(on=False), Interrupting(compatible=True)):
        bench.turn_on()
        run = Run(bench)
        bench.send_to(COMPATIBLE)
        bench.port().read(COMPATIBLE, 4)
        merged.merge(run.coverage)
    return merged


def test_every_interrupt_that_is_not_ruled_out_can_be() -> None:
    merged = Coverage()
    merged.merge(_each_fate(), _each_condition(), _without_an_entry())
    assert contradictions(merged) == []
    assert set(INTERRUPTS.bins) - set(merged.hits[INTERRUPTS.name]) == set()


def test_an_entry_that_a_new_table_makes_bad_counts_as_cached() -> None:
    bench = Interrupting(ESIRTPS=0, eime=True)
    bench.write(DST=0x1_0000)
    bench.send()
    run = Run(bench)
    bench.set_table(EIME=0)
    bench.send()
    assert run.counted(INTERRUPTS) == {(REMAPPABLE, "cached", "IR.24"): 1}
