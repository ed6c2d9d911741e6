"""Invalidations are counted by what they name, and by what is in flight that they cover."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.inspect.coverage_run import Run
from tests.iommu.bench import DOMAIN, HOST, IOVA, OTHER_DOMAIN, PAGE, PAGES, SOURCE, Mapped
from tests.iommu.interrupt_bench import INDEX
from tests.iommu.queue_bench import wait
from tests.iommu.scalable_bench import FIRST, PASID, Scalable, scalable_config
from vtd_plugin.bus import DirectSpace, Lease
from vtd_plugin.encodings.codes import ContextGranularity, HptGranularity, IotlbGranularity
from vtd_plugin.encodings.registers import CCMD, IOTLB
from vtd_plugin.encodings.structures import HptInvalidate
from vtd_plugin.inspect.coverage.bins import INVALIDATIONS, REQUESTS, WAITS
from vtd_plugin.software import descriptors
from vtd_plugin.software.commands import Command

if TYPE_CHECKING:
    from collections.abc import Callable

    from vtd_plugin.encodings._layout import Layout

CAPABILITIES = scalable_config(IR=1).capabilities
NOTHING, OTHERS, COVERED = "nothing in flight", "others in flight", "covered in flight"


def _permissions(granularity: HptGranularity, domain_id: int) -> HptInvalidate:
    return HptInvalidate(HptInvalidate.pack(G=granularity, HPTDID=domain_id))


COMMANDS: dict[tuple[str, str], Callable[[int], Layout]] = {
    ("context cache", "global"): lambda _: descriptors.context_cache(),
    ("context cache", "domain"): descriptors.context_cache,
    ("context cache", "device"): lambda domain: descriptors.context_cache(domain, SOURCE),
    ("PASID cache", "global"): lambda _: descriptors.pasid_cache(),
    ("PASID cache", "domain"): descriptors.pasid_cache,
    ("PASID cache", "PASID"): lambda domain: descriptors.pasid_cache(domain, PASID),
    ("IOTLB", "global"): lambda _: descriptors.iotlb(),
    ("IOTLB", "domain"): descriptors.iotlb,
    ("IOTLB", "page"): lambda domain: descriptors.iotlb_pages(CAPABILITIES, domain, IOVA, PAGE),
    ("IOTLB", "PASID"): lambda domain: descriptors.pasid_iotlb(domain, PASID),
    ("IOTLB", "PASID page"): lambda domain: descriptors.pasid_iotlb_pages(
        domain, PASID, IOVA, PAGE
    ),
    ("interrupt entry cache", "global"): lambda _: descriptors.interrupt_entries(),
    ("interrupt entry cache", "index"): lambda _: descriptors.interrupt_entries(INDEX),
    ("HPT cache", "global"): lambda domain: _permissions(HptGranularity.GLOBAL, domain),
    ("HPT cache", "domain"): lambda domain: _permissions(HptGranularity.DOMAIN, domain),
    ("HPT cache", "page"): lambda domain: _permissions(HptGranularity.PAGE, domain),
    ("device-TLB", "global"): lambda _: descriptors.device_tlb(SOURCE),
    ("device-TLB", "page"): lambda _: descriptors.device_tlb(SOURCE, None, IOVA, PAGE),
    ("device-TLB", "PASID"): lambda _: descriptors.device_tlb(SOURCE, PASID),
    ("device-TLB", "PASID page"): lambda _: descriptors.device_tlb(SOURCE, PASID, IOVA, PAGE),
}
"""By cache and granularity, a command that names a domain."""


@pytest.mark.parametrize(("cache", "granularity", "in_flight"), INVALIDATIONS.bins)
def test_each_invalidation_has_its_bin(cache: str, granularity: str, in_flight: str) -> None:
    bench = Scalable(scalable_config(IR=1), FIRST)
    queue = bench.start_queue(wide=True)
    if in_flight != NOTHING:
        bench.port().begin(IOVA, 8, pasid=PASID)
    run = Run(bench)
    domain = OTHER_DOMAIN if in_flight == OTHERS else DOMAIN
    queue.submit(COMMANDS[cache, granularity](domain))
    assert run.counted(INVALIDATIONS) == {(cache, granularity, in_flight): 1}


@pytest.mark.parametrize("iova", [IOVA, IOVA + PAGE])
@pytest.mark.parametrize("domain", [DOMAIN, OTHER_DOMAIN])
@pytest.mark.parametrize(
    "granularity", [granularity for cache, granularity in COMMANDS if cache == "IOTLB"]
)
def test_what_is_covered_is_what_a_wait_waits_for(granularity: str, domain: int, iova: int) -> None:
    bench = Scalable(kind=FIRST)
    queue = bench.start_queue(wide=True)
    bench.port().begin(iova, 8, pasid=PASID)
    run = Run(bench)
    queue.submit(COMMANDS["IOTLB", granularity](domain), wait())
    ((_, _, in_flight),) = run.counted(INVALIDATIONS)
    ((_, _, drain),) = run.counted(WAITS)
    assert (in_flight == COVERED) is (drain == "drains transfers")


def test_invalidations_by_register_count_as_those_by_queue() -> None:
    bench = Mapped()
    bench.port().begin(IOVA, 8)
    run = Run(bench)
    bench.registers.write(CCMD, CCMD.pack(ICC=1, CIRG=ContextGranularity.GLOBAL))
    bench.registers.write(IOTLB, IOTLB.pack(IVT=1, IIRG=IotlbGranularity.DOMAIN, DID=DOMAIN))
    assert run.counted(INVALIDATIONS) == {
        ("context cache", "global", OTHERS): 1,
        ("IOTLB", "domain", COVERED): 1,
    }


def test_what_began_before_translation_was_on_is_covered_by_all() -> None:
    bench = Mapped(on=False)
    assert isinstance(bench.port().space, DirectSpace)
    bench.port().begin(HOST, 8)
    bench.commands.start(Command.TRANSLATION)
    run = Run(bench)
    bench.start_queue().submit(descriptors.iotlb(OTHER_DOMAIN))
    assert run.counted(INVALIDATIONS) == {("IOTLB", "domain", COVERED): 1}


def test_a_lease_is_in_flight_until_it_is_recalled() -> None:
    bench = Mapped()
    run = Run(bench)
    bench.port().lease(bench.port().begin(IOVA, 4), Lease.end)
    queue = bench.start_queue()
    for _ in range(2):
        queue.submit(descriptors.iotlb(DOMAIN))
    assert run.counted(INVALIDATIONS) == {
        ("IOTLB", "domain", COVERED): 1,
        ("IOTLB", "domain", NOTHING): 1,
    }
    assert sum(run.counted(REQUESTS).values()) == 1


@pytest.mark.parametrize("iova", [IOVA + PAGES * PAGE, 0xFEE0_0000])
def test_what_is_blocked_or_an_interrupt_is_not_in_flight_here(iova: int) -> None:
    bench = Mapped()
    bench.port().begin(iova, 4, write=True)
    run = Run(bench)
    bench.start_queue().submit(descriptors.iotlb())
    assert run.counted(INVALIDATIONS) == {("IOTLB", "global", NOTHING): 1}
