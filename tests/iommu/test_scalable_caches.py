"""Staleness in scalable mode: PASID cache, both stages, and their tags (§6.2, §6.5.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.iommu.bench import DOMAIN, ELSEWHERE, HOST, IOVA, PAGE, SOURCE
from tests.iommu.scalable_bench import (
    FIRST,
    NESTED,
    PASID,
    RID_PASID,
    SECOND,
    THROUGH,
    Scalable,
    scalable_config,
)
from vtd_plugin.encodings.structures import PasidCacheInvalidate
from vtd_plugin.iommu import CacheSizes
from vtd_plugin.software.descriptors import (
    context_cache,
    iotlb,
    iotlb_pages,
    pasid_cache,
    pasid_iotlb,
    pasid_iotlb_pages,
)

if TYPE_CHECKING:
    from vtd_plugin.encodings._layout import Layout
    from vtd_plugin.encodings.codes import PageTableType

TABLES_ONLY: Final = CacheSizes(iotlb=0, paging_structure=0)
"""Without these the PASID cache and the context cache can be seen."""


def invalidate(bench: Scalable, *descriptors: Layout) -> None:
    queue = bench.start_queue(wide=True)
    queue.run(*descriptors)
    queue.disable()


def pages(iova: int = IOVA, domain: int = DOMAIN, *, leaves_only: bool = False) -> Layout:
    capabilities = scalable_config().capabilities
    return iotlb_pages(capabilities, domain, iova, PAGE, leaves_only=leaves_only)


def move(bench: Scalable) -> None:
    """Move the page at `IOVA`; nothing is invalidated."""
    if bench.kind is FIRST:
        bench.change_first(1, ADDR_address=ELSEWHERE)
    else:
        bench.change_second(1, ADDR_address=ELSEWHERE)
    bench.put(ELSEWHERE, ELSEWHERE.to_bytes(8, "little"))


# --- the IOTLB: which descriptor reaches entries of which tables


@pytest.mark.parametrize(
    ("descriptor", "dropped_kinds"),
    [
        pytest.param(iotlb(), {FIRST, SECOND, NESTED}, id="global"),
        pytest.param(iotlb(DOMAIN), {FIRST, SECOND, NESTED}, id="domain"),
        pytest.param(iotlb(DOMAIN + 1), set(), id="other-domain"),
        pytest.param(pages(), {FIRST, SECOND, NESTED}, id="page"),
        pytest.param(pages(IOVA + PAGE), {FIRST, NESTED}, id="other-page"),
        pytest.param(pages(domain=DOMAIN + 1), set(), id="page-of-other-domain"),
        pytest.param(pasid_iotlb(DOMAIN, PASID), {FIRST, SECOND, NESTED}, id="pasid"),
        pytest.param(pasid_iotlb(DOMAIN, RID_PASID), set(), id="other-pasid"),
        pytest.param(pasid_iotlb(DOMAIN + 1, PASID), set(), id="pasid-of-other-domain"),
        pytest.param(
            pasid_iotlb_pages(DOMAIN, PASID, IOVA, PAGE), {FIRST, NESTED}, id="pasid-page"
        ),
        pytest.param(
            pasid_iotlb_pages(DOMAIN, PASID, IOVA + PAGE, PAGE), set(), id="pasid-other-page"
        ),
        pytest.param(
            pasid_iotlb_pages(DOMAIN, PASID, IOVA, 4 * PAGE), {FIRST, NESTED}, id="pasid-pages"
        ),
        pytest.param(
            pasid_iotlb_pages(DOMAIN, RID_PASID, IOVA, PAGE), set(), id="page-of-other-pasid"
        ),
        pytest.param(context_cache(), set(), id="context-cache"),
        pytest.param(pasid_cache(), set(), id="pasid-cache"),
    ],
)
@pytest.mark.parametrize("kind", [FIRST, SECOND, NESTED])
def test_a_descriptor_drops_pages_of_the_tables_it_is_for(
    kind: PageTableType, descriptor: Layout, dropped_kinds: set[PageTableType]
) -> None:
    bench = Scalable(kind=kind)
    assert bench.lands_at(pasid=PASID) == HOST
    move(bench)
    assert bench.lands_at(pasid=PASID) == HOST
    invalidate(bench, descriptor)
    assert bench.lands_at(pasid=PASID) == (ELSEWHERE if kind in dropped_kinds else HOST)


@pytest.mark.parametrize("kind", [FIRST, SECOND, NESTED])
def test_pages_of_requests_without_pasid_go_by_the_pasid_they_are_given(
    kind: PageTableType,
) -> None:
    bench = Scalable(kind=kind)
    assert (bench.lands_at(), bench.lands_at(pasid=PASID)) == (HOST, HOST)
    move(bench)
    invalidate(bench, pasid_iotlb(DOMAIN, RID_PASID))
    assert (bench.lands_at(), bench.lands_at(pasid=PASID)) == (ELSEWHERE, HOST)


def test_supervisor_and_user_requests_have_entries_of_their_own() -> None:
    bench = Scalable(kind=FIRST)
    bench.change_first(1, US=0)
    assert bench.port().read(IOVA, 8, pasid=PASID, privileged=True).ok
    assert bench.lands_at(pasid=PASID) is None
    assert bench.port().read(IOVA, 8, pasid=PASID, privileged=True).ok


# --- accessed and dirty bits through the IOTLB (§3.6.2)


@pytest.mark.parametrize("kind", [FIRST, NESTED])
def test_a_page_that_was_read_is_walked_again_to_be_written(kind: PageTableType) -> None:
    bench = Scalable(kind=kind)
    assert bench.lands_at(pasid=PASID) == HOST
    entry = bench.first.read_entry(IOVA, 1)
    assert entry is not None
    layout = bench.first.LEAVES[1]
    assert (layout(entry).A, layout(entry).D) == (1, 0)  # type: ignore[attr-defined]
    assert bench.port().write(IOVA, b"x", pasid=PASID).ok
    assert layout(bench.first.read_entry(IOVA, 1) or 0).D  # type: ignore[attr-defined]


# --- paging-structure caches (§6.2.5)


def _move_first(bench: Scalable) -> None:
    """Another last table for the same addresses, to other memory."""
    table = bench.frames.allocate()
    leaf = bench.first.LEAVES[1].pack(P=1, RW=1, US=1, ADDR_address=ELSEWHERE)
    bench.put(table, leaf.to_bytes(8, "little") * 512)
    bench.put(ELSEWHERE, ELSEWHERE.to_bytes(8, "little"))
    bench.change_first(2, ADDR_address=table)


@pytest.mark.parametrize(
    ("descriptor", "dropped"),
    [
        pytest.param(iotlb(), True, id="global"),
        pytest.param(iotlb(DOMAIN), True, id="domain"),
        pytest.param(pages(IOVA + PAGE), True, id="page"),
        pytest.param(pages(IOVA + (1 << 40), leaves_only=True), True, id="second-stage-leaf"),
        pytest.param(pasid_iotlb(DOMAIN, PASID), True, id="pasid"),
        pytest.param(pasid_iotlb(DOMAIN, PASID + 1), False, id="other-pasid"),
        pytest.param(pasid_iotlb_pages(DOMAIN, PASID, IOVA, PAGE), True, id="pasid-page"),
        pytest.param(
            pasid_iotlb_pages(DOMAIN, PASID, IOVA, PAGE, leaves_only=True),
            False,
            id="pasid-page-leaf-only",
        ),
        pytest.param(
            pasid_iotlb_pages(DOMAIN, PASID, IOVA + (1 << 21), PAGE), False, id="other-table"
        ),
    ],
)
def test_first_stage_tables_are_used_from_the_cache_until_they_are_named(
    descriptor: Layout, dropped: bool
) -> None:
    bench = Scalable(kind=FIRST)
    assert bench.lands_at(pasid=PASID) == HOST
    _move_first(bench)
    invalidate(bench, descriptor)
    expected = ELSEWHERE if dropped else HOST + PAGE
    assert bench.lands_at(IOVA + PAGE, PASID) == expected


def test_invalidating_a_pasid_leaves_second_stage_tables_cached() -> None:
    bench = Scalable(kind=SECOND)
    assert bench.lands_at(pasid=PASID) == HOST
    table = bench.frames.allocate()
    bench.put(table, bytes(PAGE))
    bench.change_second(2, ADDR_address=table)
    invalidate(bench, pasid_iotlb(DOMAIN, PASID))
    assert bench.lands_at(IOVA + PAGE, PASID) == HOST + PAGE
    invalidate(bench, iotlb(DOMAIN))
    assert bench.lands_at(IOVA + PAGE, PASID) is None


# --- the PASID cache (§6.2.3, §6.5.2.2)


@pytest.mark.parametrize(
    ("descriptor", "dropped"),
    [
        pytest.param(pasid_cache(), True, id="global"),
        pytest.param(pasid_cache(DOMAIN), True, id="domain"),
        pytest.param(pasid_cache(DOMAIN + 1), False, id="other-domain"),
        pytest.param(pasid_cache(DOMAIN, PASID), True, id="pasid"),
        pytest.param(pasid_cache(DOMAIN, PASID + 1), False, id="other-pasid"),
        pytest.param(pasid_cache(DOMAIN + 1, PASID), False, id="pasid-of-other-domain"),
        pytest.param(iotlb(), False, id="iotlb"),
        pytest.param(pasid_iotlb(DOMAIN, PASID), False, id="pasid-iotlb"),
        pytest.param(context_cache(), False, id="context-cache"),
    ],
)
@pytest.mark.parametrize("kind", [FIRST, SECOND, THROUGH])
def test_a_pasid_entry_is_used_from_the_cache_until_it_is_named(
    kind: PageTableType, descriptor: Layout, dropped: bool
) -> None:
    bench = Scalable(scalable_config(cache_sizes=TABLES_ONLY), kind)
    address = HOST if kind is THROUGH else IOVA
    assert bench.lands_at(address, PASID) == HOST
    bench.change_entry(P=0)
    assert bench.lands_at(address, PASID) == HOST
    invalidate(bench, descriptor)
    assert bench.lands_at(address, PASID) == (None if dropped else HOST)


def test_a_granularity_of_the_pasid_cache_names_the_pasid_it_says() -> None:
    bench = Scalable(scalable_config(cache_sizes=TABLES_ONLY))
    assert (bench.lands_at(), bench.lands_at(pasid=PASID)) == (HOST, HOST)
    bench.change_entry(P=0)
    fields = {"G": 1, "DID": DOMAIN, "PASID": RID_PASID}
    invalidate(bench, PasidCacheInvalidate(PasidCacheInvalidate.pack(**fields)))
    assert (bench.lands_at(), bench.lands_at(pasid=PASID)) == (None, HOST)


@pytest.mark.parametrize("caching_mode", [0, 1])
@pytest.mark.parametrize("broken", [{"P": 0}, {"PGTT": 7}, {"RSVD_95_91": 1}])
def test_a_faulty_pasid_entry_is_cached_in_caching_mode_under_domain_0(
    caching_mode: int, broken: dict[str, int]
) -> None:
    bench = Scalable(scalable_config(CM=caching_mode))
    whole = bench.pasids.read_entry(PASID).value
    bench.change_entry(**broken)
    assert bench.lands_at(pasid=PASID) is None
    bench.pasids.write_entry(PASID, whole)
    assert bench.lands_at(pasid=PASID) == (None if caching_mode else HOST)
    invalidate(bench, pasid_cache(DOMAIN))
    assert bench.lands_at(pasid=PASID) == (None if caching_mode else HOST)
    invalidate(bench, pasid_cache(0))
    assert bench.lands_at(pasid=PASID) == HOST


# --- the context cache (§6.4)


@pytest.mark.parametrize(
    ("descriptor", "dropped"),
    [
        pytest.param(context_cache(), True, id="global"),
        pytest.param(context_cache(DOMAIN + 7), True, id="domain-is-global"),
        pytest.param(context_cache(DOMAIN + 7, SOURCE), True, id="device-whatever-domain"),
        pytest.param(context_cache(DOMAIN, SOURCE + 8), False, id="other-device"),
        pytest.param(context_cache(DOMAIN, SOURCE + 4, 1), True, id="function-mask"),
        pytest.param(pasid_cache(), False, id="pasid-cache"),
        pytest.param(iotlb(), False, id="iotlb"),
    ],
)
def test_a_scalable_context_entry_goes_by_device_whatever_the_domain(
    descriptor: Layout, dropped: bool
) -> None:
    bench = Scalable(scalable_config(cache_sizes=TABLES_ONLY))
    assert bench.lands_at(pasid=PASID) == HOST
    bench.change_context(PASIDE=0, EPTR=0)
    invalidate(bench, descriptor)
    assert bench.lands_at(pasid=PASID) == (None if dropped else HOST)


@pytest.mark.parametrize("caching_mode", [0, 1])
def test_an_absent_scalable_context_entry_is_cached_in_caching_mode_only(
    caching_mode: int,
) -> None:
    bench = Scalable(scalable_config(CM=caching_mode))
    bench.change_context(P=0)
    assert bench.lands_at(pasid=PASID) is None
    bench.change_context(P=1)
    assert bench.lands_at(pasid=PASID) == (None if caching_mode else HOST)
    invalidate(bench, context_cache(DOMAIN, SOURCE))
    assert bench.lands_at(pasid=PASID) == HOST


# --- absent pages in caching mode (§6.1, §6.2.4.1)


@pytest.mark.parametrize("pasid", [None, PASID])
@pytest.mark.parametrize("named", [True, False])
def test_an_absent_second_stage_page_is_cached_under_its_pasid(
    pasid: int | None, named: bool
) -> None:
    bench = Scalable(scalable_config(CM=1))
    bench.change_second(1, R=0, W=0)
    assert bench.lands_at(pasid=pasid) is None
    bench.change_second(1, R=1)
    assert bench.lands_at(pasid=pasid) is None
    used = RID_PASID if pasid is None else pasid
    invalidate(bench, pasid_iotlb(DOMAIN, used if named else used + 1))
    assert bench.lands_at(pasid=pasid) == (HOST if named else None)


def test_first_stage_faults_are_not_even_cached_in_caching_mode() -> None:
    bench = Scalable(scalable_config(CM=1), FIRST)
    bench.change_first(1, P=0)
    assert bench.lands_at(pasid=PASID) is None
    bench.change_first(1, P=1)
    assert bench.lands_at(pasid=PASID) == HOST
