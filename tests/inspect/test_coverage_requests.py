"""Requests are counted by kind, tables, page size and where the answer came from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.inspect.coverage_run import Run, protect
from tests.iommu.bench import ELSEWHERE, HOST, IOVA, PAGE, PAGES, SOURCE, Bench, Machine, Mapped
from tests.iommu.scalable_bench import FIRST, NESTED, PASID, SECOND, THROUGH, Scalable
from tests.software.bench import DEVICE, SCALABLE, make_bench
from tests.software.bench import IOVA as DRIVER_IOVA
from vtd_plugin import Platform, VtdConfig
from vtd_plugin.bus import AddressType, RequesterPort
from vtd_plugin.bus.testing import FakeUnit
from vtd_plugin.encodings.codes import PageTableType, TranslationType
from vtd_plugin.inspect.coverage import Coverage
from vtd_plugin.inspect.coverage.bins import FAULTS, REQUESTS
from vtd_plugin.inspect.coverage.report import contradictions
from vtd_plugin.software.commands import Command
from vtd_plugin.software.pages import PAGE_1G, PAGE_2M, PAGE_4K

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


BEYOND = IOVA + PAGES * PAGE
"""An address after the last that is mapped."""

KINDS = {
    FIRST: "first-stage",
    SECOND: "second-stage",
    NESTED: "nested",
    THROUGH: "pass-through",
}

ASKS: dict[str, Callable[[RequesterPort, int], object]] = {
    "read": lambda port, iova: port.read(iova, 8),
    "write": lambda port, iova: port.write(iova, bytes(8)),
    "atomic": lambda port, iova: port.atomic(iova, 1),
    "zero-length read": lambda port, iova: port.read(iova, 0),
    "translation request": lambda port, iova: port.request_translation(iova),
    "translated request": lambda port, iova: port.read(
        iova, 8, address_type=AddressType.TRANSLATED
    ),
}


def _with_device_tlb(**fields: Any) -> Bench:
    bench = Mapped(VtdConfig(DT=1), on=False)
    bench.attach(SOURCE, bench.mine, TT=1, **fields)
    bench.turn_on()
    return bench


def test_the_first_request_to_a_page_walks_and_the_next_hits() -> None:
    bench = Mapped()
    run = Run(bench)
    for _ in range(3):
        bench.port().read(IOVA, 8)
    assert run.counted(REQUESTS) == {
        ("read", "legacy second-stage", "4K", "walk"): 1,
        ("read", "legacy second-stage", "4K", "IOTLB hit"): 2,
    }


@pytest.mark.parametrize("kind", ["read", "write", "atomic", "zero-length read"])
def test_kinds_of_untranslated_requests(kind: str) -> None:
    bench = Mapped()
    run = Run(bench)
    ASKS[kind](bench.port(), IOVA)
    ASKS[kind](bench.port(), IOVA)
    ASKS[kind](bench.port(), BEYOND)
    assert run.counted(REQUESTS) == {
        (kind, "legacy second-stage", "4K", "walk"): 1,
        (kind, "legacy second-stage", "4K", "IOTLB hit"): 1,
        (kind, "legacy second-stage", "none", "fault"): 1,
    }


def test_requests_of_a_device_tlb_never_hit() -> None:
    bench = _with_device_tlb()
    run = Run(bench)
    for _ in range(2):
        ASKS["translation request"](bench.port(), IOVA)
        ASKS["translated request"](bench.port(), HOST)
    assert run.counted(REQUESTS) == {
        ("translation request", "legacy second-stage", "4K", "walk"): 2,
        ("translated request", "legacy second-stage", "none", "walk"): 2,
    }


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("pasid", [None, PASID])
def test_tables_of_scalable_mode(kind: PageTableType, pasid: int | None) -> None:
    bench = Scalable(kind=kind)
    run = Run(bench)
    bench.port().write(IOVA, bytes(8), pasid=pasid)
    bench.port().write(IOVA, bytes(8), pasid=pasid)
    size = "none" if kind is THROUGH else "4K"
    assert run.counted(REQUESTS) == {
        ("write", KINDS[kind], size, "walk"): 1,
        ("write", KINDS[kind], size, "IOTLB hit"): 1,
    }


@pytest.mark.parametrize("kind", [FIRST, SECOND, NESTED])
def test_a_blocked_request_has_tables_though_it_has_no_page(kind: PageTableType) -> None:
    bench = Scalable(kind=kind)
    run = Run(bench)
    bench.port().read(BEYOND, 8)
    assert run.counted(REQUESTS) == {("read", KINDS[kind], "none", "fault"): 1}


def test_a_request_blocked_by_a_cached_page_has_the_tables_of_that() -> None:
    bench = Scalable(kind=SECOND)
    bench.change_second(1, W=0)
    run = Run(bench)
    bench.port().read(IOVA, 8)
    bench.port().write(IOVA, bytes(8))
    assert run.counted(REQUESTS) == {
        ("read", "second-stage", "4K", "walk"): 1,
        ("write", "second-stage", "none", "fault"): 1,
    }


def test_a_request_blocked_before_its_tables_are_known_is_a_fault_only() -> None:
    bench = Scalable()
    bench.change_context(P=0)
    run = Run(bench)
    bench.port().read(IOVA, 8)
    assert run.counted(REQUESTS) == {}
    assert run.counted(FAULTS) == {("SCT.2", "read", "without PASID"): 1}


def test_legacy_pass_through_is_told_from_an_identity_map() -> None:
    bench = Mapped(on=False)
    bench.pass_through(SOURCE)
    bench.turn_on()
    run = Run(bench)
    for _ in range(2):
        bench.port().read(HOST, 8)
    assert run.counted(REQUESTS) == {
        ("read", "legacy pass-through", "none", "walk"): 1,
        ("read", "legacy pass-through", "none", "IOTLB hit"): 1,
    }


def test_while_translation_is_off_nothing_is_looked_up() -> None:
    bench = Mapped(on=False)
    run = Run(bench)
    bench.port().read(HOST, 8)
    ASKS["translation request"](bench.port(), IOVA)
    assert run.counted(REQUESTS) == {
        ("read", "direct", "none", "not looked up"): 1,
        ("translation request", "direct", "none", "fault"): 1,
    }
    assert run.counted(FAULTS) == {}  # the bus refused it, not the unit


@pytest.mark.parametrize(("page", "size"), [(PAGE_4K, "4K"), (PAGE_2M, "2M"), (PAGE_1G, "1G")])
@pytest.mark.parametrize("stage", ["first-stage", "second-stage"])
def test_page_sizes(stage: str, page: int, size: str) -> None:
    bench = make_bench(**SCALABLE)
    bench.driver.enable("scalable")
    first = stage == "first-stage"
    domain = bench.driver.create_first_stage_domain() if first else bench.driver.create_domain()
    domain.map(DRIVER_IOVA, 0, page, page_size=page)
    bench.driver.attach(DEVICE, domain)
    coverage = Coverage(bench.platform)
    bench.port.read(DRIVER_IOVA + page - 8, 4)
    assert coverage.hits[REQUESTS.name] == {("read", stage, size, "walk"): 1}


def test_each_page_of_a_transfer_is_a_request() -> None:
    bench = Mapped()
    run = Run(bench)
    bench.port().read(IOVA, 8)
    bench.port().begin(IOVA, 3 * PAGE).end()
    assert run.counted(REQUESTS) == {
        ("read", "legacy second-stage", "4K", "walk"): 3,
        ("read", "legacy second-stage", "4K", "IOTLB hit"): 1,
    }


def test_asking_the_unit_itself_is_no_request() -> None:
    bench = Mapped()
    run = Run(bench)
    bench.unit.translate(SOURCE, IOVA)
    assert run.counted(REQUESTS) == {}
    bench.port().read(IOVA, 1)
    assert run.counted(REQUESTS) == {("read", "legacy second-stage", "4K", "IOTLB hit"): 1}


def test_interrupts_and_requesters_of_other_units_are_no_requests() -> None:
    bench = Mapped()
    run = Run(bench)
    bench.port().write(0xFEE0_0000, bytes(4))
    bench.port().read(0xFEE0_0000, 0)
    assert run.counted(REQUESTS) == {}
    platform = Platform(load_entry_points=False)
    unit = platform.add_unit(FakeUnit())
    coverage = Coverage(platform)
    platform.requester(SOURCE).read(0, 8)
    unit.refresh("translation on")
    assert not any(coverage.hits.values())


def test_a_translated_request_into_the_interrupt_window_is_a_blocked_request() -> None:
    bench = _with_device_tlb()
    run = Run(bench)
    ASKS["translated request"](bench.port(), HOST)
    ASKS["translated request"](bench.port(), 0xFEE0_0000)
    assert run.counted(REQUESTS) == {
        ("translated request", "legacy second-stage", "none", "walk"): 1,
        ("translated request", "legacy second-stage", "none", "fault"): 1,
    }
    assert run.counted(FAULTS) == {("LGN.4", "translated request", "without PASID"): 1}


def test_protected_regions_block_with_translation_on_and_off() -> None:
    bench = Mapped(VtdConfig(PLMR=1))
    run = Run(bench)
    protect(bench)
    bench.port().read(IOVA, 8)
    bench.commands.run(Command.TRANSLATION, on=False)
    bench.port().read(HOST, 8)
    assert run.counted(REQUESTS) == {
        ("read", "legacy second-stage", "none", "fault"): 1,
        ("read", "direct", "none", "fault"): 1,
    }


@pytest.mark.parametrize(
    "machine", [*KINDS, "legacy", "device-TLB", "pass-through", "off"], ids=str
)
def test_every_request_is_in_a_bin_that_can_be(machine: PageTableType | str) -> None:
    if isinstance(machine, PageTableType):
        bench: Machine = Scalable(kind=machine)
    elif machine == "device-TLB":
        bench = _with_device_tlb()
    else:
        bench = mapped = Mapped(on=False)
        if machine == "pass-through":
            mapped.pass_through(SOURCE)
        if machine != "off":
            mapped.turn_on()
    run = Run(bench)
    places = (IOVA, IOVA, BEYOND, HOST, 1 << 55)
    for ask in ASKS.values():
        for place in places:
            ask(bench.port(), place)
    assert contradictions(run.coverage) == []
    assert sum(run.counted(REQUESTS).values()) == len(ASKS) * len(places)


# --- every bin of the requests, to see that what cannot be is all ruled out

SMALL_AT, MEDIUM_AT, LARGE_AT = IOVA, 0x8000_0000, 0x1_0000_0000
"""Addresses of pages of three sizes; one with the interrupt window in it would be cut up."""

TOO_HIGH = 1 << 55
"""An address that no tables take and no memory has."""


def _map_large_pages(bench: Scalable | Mapped) -> None:
    for at, address, size in ((MEDIUM_AT, ELSEWHERE, PAGE_2M), (LARGE_AT, 0, PAGE_1G)):
        if isinstance(bench, Mapped):
            bench.mine.map(at, address, size, page_size=size)
        else:
            bench.second.map(at, address, size, page_size=size)
            bench.first.map(at, at if bench.kind is NESTED else address, size, page_size=size)


def _ask_everywhere(bench: Scalable | Mapped, ask: str) -> Coverage:
    """A walk and a hit of each page size, and a fault."""
    run = Run(bench)
    # Host addresses are for translated requests, and for those that no tables translate.
    for address in (SMALL_AT, MEDIUM_AT, LARGE_AT + ELSEWHERE, HOST):
        for _ in range(2):
            ASKS[ask](bench.port(), address)
    ASKS[ask](bench.port(), TOO_HIGH)
    return run.coverage


def _machines() -> Iterator[Scalable | Mapped]:
    for kind in KINDS:
        yield Scalable(kind=kind)
    for translation_type in TranslationType.DEVICE_TLB, TranslationType.PASS_THROUGH:
        bench = Mapped(VtdConfig(DT=1), on=False)
        bench.attach(SOURCE, bench.mine, TT=translation_type)
        bench.turn_on()
        yield bench
    yield Mapped(on=False)
    protected = Mapped(VtdConfig(PLMR=1), on=False)
    protect(protected)
    yield protected


def test_every_request_that_is_not_ruled_out_can_be() -> None:
    merged = Coverage()
    for ask in ASKS:
        for bench in _machines():
            _map_large_pages(bench)
            merged.merge(_ask_everywhere(bench, ask))
    assert contradictions(merged) == []
    assert set(REQUESTS.bins) - set(merged.hits[REQUESTS.name]) == set()
