"""Fault conditions are counted with the kinds of requests that meet them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tests.inspect.coverage_run import Run
from tests.iommu import legacy_cases, scalable_cases, test_interrupt_faults
from tests.iommu.bench import IOVA, PAGE, PAGES, SOURCE, Machine, Mapped
from tests.iommu.interrupt_bench import COMPATIBLE, INDEX, Interrupting, remappable
from tests.iommu.scalable_bench import FIRST, NESTED, PASID, Scalable, scalable_config
from tests.iommu.test_root_modes import MODES
from vtd_plugin import VtdConfig
from vtd_plugin.bus import AddressType, Attributes, RequestKind
from vtd_plugin.encodings.faults import Condition
from vtd_plugin.inspect.coverage import Coverage
from vtd_plugin.inspect.coverage.bins import FAULTS
from vtd_plugin.inspect.coverage.report import contradictions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from vtd_plugin.bus import RequesterPort, RequestOptions

BEYOND = IOVA + PAGES * PAGE
WITHOUT, WITH = "without PASID", "with PASID"


def test_a_blocked_request_counts_once_whatever_kind_it_is() -> None:
    bench = Scalable(kind=FIRST)
    run = Run(bench)
    bench.port().read(BEYOND, 8)
    bench.port().write(BEYOND, bytes(8), pasid=PASID)
    bench.port().request_translation(BEYOND)
    assert run.counted(FAULTS) == {
        ("SFS.2", "read", WITHOUT): 1,
        ("SFS.2", "write", WITH): 1,
        ("SFS.2", "translation request", WITHOUT): 1,
    }


def test_refused_page_requests_count() -> None:
    bench = Scalable(scalable_config())
    bench.change_context(PRE=0)
    run = Run(bench)
    bench.unit.request_page(SOURCE, IOVA)
    bench.unit.request_page(SOURCE, IOVA, pasid=PASID, last=False)
    assert run.counted(FAULTS) == {
        ("SCT.8", "page request", WITHOUT): 1,
        ("SCT.8", "page request", WITH): 1,
    }


def test_blocked_interrupts_count_as_writes() -> None:
    bench = Interrupting()
    bench.turn_on()
    run = Run(bench)
    bench.port().write(remappable(INDEX), bytes(4))
    bench.port().read(COMPATIBLE, 4)
    assert run.counted(FAULTS) == {
        ("IR.22", "write", WITHOUT): 1,
        ("IR.29", "read", WITHOUT): 1,
    }


def test_what_the_bus_refuses_is_no_fault_of_the_unit() -> None:
    bench = Mapped(on=False)
    run = Run(bench)
    bench.port().request_translation(IOVA)
    bench.port().read(COMPATIBLE, 4)
    assert run.counted(FAULTS) == {}


# --- every bin, to see that what cannot be is all ruled out


KINDS = (
    (RequestKind.READ, 8),
    (RequestKind.READ, 0),
    (RequestKind.WRITE, 8),
    (RequestKind.ATOMIC, 8),
)
"""Kinds of memory requests, and the bytes that they ask for."""


def _ask(port: RequesterPort, address: int, attributes: Attributes, size: int) -> None:
    """Put a request on the bus, whatever kind it is of."""
    pasid, privileged, execute = attributes.pasid, attributes.privileged, attributes.execute
    if attributes.address_type is AddressType.TRANSLATION:
        port.request_translation(address, pasid=pasid, privileged=privileged, execute=execute)
        return
    options: RequestOptions = {
        "pasid": pasid,
        "privileged": privileged,
        "execute": execute,
        "address_type": attributes.address_type,
    }
    if attributes.kind is RequestKind.ATOMIC:
        port.atomic(address, 1, **options)
    elif attributes.kind is RequestKind.WRITE:
        port.write(address, bytes(size), **options)
    else:
        port.read(address, size, **options)


def _ask_in_every_way(
    bench: Machine, asks: Iterable[tuple[int, Attributes]], pasid: int
) -> Coverage:
    run = Run(bench)
    for address, attributes in asks:
        for kind, size in KINDS:
            _ask(bench.port(), address, replace(attributes, kind=kind), size)
    for named in (None, pasid):
        bench.unit.request_page(SOURCE, IOVA, pasid=named)
    return run.coverage


PLAIN = [
    (IOVA, Attributes(RequestKind.READ, address_type, pasid))
    for address_type in (AddressType.UNTRANSLATED, AddressType.TRANSLATION, AddressType.TRANSLATED)
    for pasid in (None, PASID)
]
"""An address asked for in all ways."""

LEGACY_WRITE_ONLY = legacy_cases.Case(
    Condition.LGN_3, lambda bench: legacy_cases.change_leaf(bench, R=0)
)
WRITE_ONLY = (
    scalable_cases.Case(
        Condition.SGN_7,
        lambda bench: bench.change_second(1, R=0),
        columns="ut ut_pasid",
        changes={"ZLR": 0},
    ),
    # What the first stage lets be read only the second lets be written only.
    scalable_cases.Case(
        Condition.SGN_7,
        scalable_cases.steps(
            lambda bench: bench.change_first(1, RW=0), lambda bench: bench.change_second(1, R=0)
        ),
        NESTED,
    ),
)


def _through_broken_tables() -> Iterator[Coverage]:
    for case in (*scalable_cases.CASES, *WRITE_ONLY):
        asks = [(case.asked(each), case.attributes(each)) for each in scalable_cases.COLUMNS]
        yield _ask_in_every_way(case.bench(), asks, case.pasid)
    for legacy in (*legacy_cases.CASES, LEGACY_WRITE_ONLY):
        asks = [(legacy.iova, attributes) for _, attributes in PLAIN]
        yield _ask_in_every_way(legacy.bench(), asks, PASID)


def _in_modes_that_cannot_be() -> Iterator[Coverage]:
    for mode in MODES:
        bench = Mapped(VtdConfig(DT=1, **mode.capabilities))
        bench.set_root(**mode.root)
        yield _ask_in_every_way(bench, PLAIN, PASID)


def _of_interrupts() -> Iterator[Coverage]:
    for case in test_interrupt_faults.CASES:
        bench = case.bench()
        bench.turn_on()
        window = [(COMPATIBLE, Attributes(RequestKind.READ))]
        yield _ask_in_every_way(bench, window, PASID)
        run = Run(bench)
        case.send(bench)
        yield run.coverage


def test_every_fault_that_is_not_ruled_out_can_be() -> None:
    merged = Coverage()
    merged.merge(*_through_broken_tables(), *_in_modes_that_cannot_be(), *_of_interrupts())
    assert contradictions(merged) == []
    assert set(FAULTS.bins) - set(merged.hits[FAULTS.name]) == set()
