"""Staleness in legacy mode: what each invalidation must drop, and what it must leave (§6.2, §6.5).

An entry is used as it was cached, whatever the tables say by now, until an invalidation covers it.
A page that has moved shows which of the two was used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.iommu.bench import (
    DOMAIN,
    ELSEWHERE,
    HOST,
    IOVA,
    OTHER,
    OTHER_DOMAIN,
    OTHER_HOST,
    PAGE,
    SOURCE,
    Mapped,
    leaf,
    values,
)
from vtd_plugin import VtdConfig
from vtd_plugin.encodings.codes import ContextGranularity, IotlbGranularity
from vtd_plugin.encodings.registers import CCMD, IOTLB, IVA
from vtd_plugin.encodings.structures import ContextInvalidate, IotlbInvalidate
from vtd_plugin.iommu import CacheSizes, Replacement
from vtd_plugin.software.pages import PAGE_2M

if TYPE_CHECKING:
    from collections.abc import Callable

NO_IOTLB: Final = CacheSizes(iotlb=0)
"""Without an IOTLB the caches behind it can be seen."""
CONTEXT_ALONE: Final = CacheSizes(iotlb=0, paging_structure=0)


def by_queue(
    bench: Mapped, layout: type[ContextInvalidate | IotlbInvalidate], **fields: int
) -> None:
    queue = bench.start_queue()
    queue.run(layout(layout.pack(**fields)))
    queue.disable()


def iotlb_by_queue(
    bench: Mapped, granularity: int, domain: int, iova: int, am: int, ih: int
) -> None:
    by_queue(bench, IotlbInvalidate, G=granularity, DID=domain, ADDR_address=iova, AM=am, IH=ih)


def iotlb_by_register(
    bench: Mapped, granularity: int, domain: int, iova: int, am: int, ih: int
) -> None:
    bench.registers.write(IVA, IVA.pack(ADDR_address=iova, AM=am, IH=ih))
    bench.registers.write(IOTLB, IOTLB.pack(IVT=1, IIRG=granularity, DID=domain))
    assert values(bench.registers.read(IOTLB), "IVT", "IAIG") == (0, granularity)


def context_by_queue(bench: Mapped, granularity: int, domain: int, source: int, fm: int) -> None:
    by_queue(bench, ContextInvalidate, G=granularity, DID=domain, SID=source, FM=fm)


def context_by_register(bench: Mapped, granularity: int, domain: int, source: int, fm: int) -> None:
    fields = {"CIRG": granularity, "DID": domain, "SID": source, "FM": fm}
    bench.registers.write(CCMD, CCMD.pack(ICC=1, **fields))
    assert values(bench.registers.read(CCMD), "ICC", "CAIG") == (0, granularity)


IOTLB_WAYS: Final = pytest.mark.parametrize("invalidate", [iotlb_by_queue, iotlb_by_register])
CONTEXT_WAYS: Final = pytest.mark.parametrize("invalidate", [context_by_queue, context_by_register])

GLOBAL, DOMAIN_WIDE, BY_PAGE = IotlbGranularity
BY_DEVICE = ContextGranularity.DEVICE


# --- the IOTLB


@IOTLB_WAYS
@pytest.mark.parametrize(
    ("arguments", "dropped"),
    [
        pytest.param((GLOBAL, 0, 0, 0, 0), True, id="global"),
        pytest.param((GLOBAL, OTHER_DOMAIN, 0, 0, 0), True, id="global-whatever-the-domain"),
        pytest.param((DOMAIN_WIDE, DOMAIN, 0, 0, 0), True, id="domain"),
        pytest.param((DOMAIN_WIDE, OTHER_DOMAIN, 0, 0, 0), False, id="other-domain"),
        pytest.param((BY_PAGE, DOMAIN, IOVA, 0, 0), True, id="page"),
        pytest.param((BY_PAGE, DOMAIN, IOVA, 0, 1), True, id="page-leaf-only"),
        pytest.param((BY_PAGE, DOMAIN, IOVA + PAGE, 0, 0), False, id="next-page"),
        pytest.param((BY_PAGE, DOMAIN, IOVA - PAGE, 0, 0), False, id="page-before"),
        pytest.param((BY_PAGE, OTHER_DOMAIN, IOVA, 0, 0), False, id="page-of-other-domain"),
        pytest.param((BY_PAGE, DOMAIN, IOVA + PAGE, 1, 0), True, id="aligned-pair"),
        pytest.param((BY_PAGE, DOMAIN, IOVA + 3 * PAGE, 1, 0), False, id="next-pair"),
        pytest.param((BY_PAGE, DOMAIN, IOVA + 15 * PAGE, 4, 0), True, id="sixteen-pages"),
        pytest.param((BY_PAGE, DOMAIN, IOVA | 1 << 48, 0, 0), True, id="bits-above-mgaw-ignored"),
    ],
)
def test_an_invalidation_drops_the_pages_it_covers_and_no_other(
    invalidate: Callable[..., None], arguments: tuple[int, ...], dropped: bool
) -> None:
    bench = Mapped()
    assert bench.lands_at() == HOST
    bench.remap(IOVA, ELSEWHERE)
    assert bench.lands_at() == HOST
    invalidate(bench, *arguments)
    assert bench.lands_at() == (ELSEWHERE if dropped else HOST)


@IOTLB_WAYS
@pytest.mark.parametrize("offset", [0, 5 * PAGE, PAGE_2M - PAGE])
def test_any_page_within_a_large_one_drops_it(invalidate: Callable[..., None], offset: int) -> None:
    bench = Mapped()
    iova = 0x8000_0000
    bench.mine.map(iova, 0, PAGE_2M, page_size=PAGE_2M)
    bench.put(0, (0x1234).to_bytes(8, "little"))
    assert bench.lands_at(iova) == 0x1234
    bench.mine.unmap(iova, PAGE_2M)
    assert bench.lands_at(iova) == 0x1234
    invalidate(bench, BY_PAGE, DOMAIN, iova + offset, 0, 0)
    assert bench.lands_at(iova) is None


def test_rights_are_cached_with_the_page() -> None:
    bench = Mapped()
    bench.mine.protect(IOVA, PAGE, write=False)
    assert bench.lands_at() == HOST
    bench.mine.protect(IOVA, PAGE)
    assert bench.port().write(IOVA, b"x").fault is not None
    iotlb_by_queue(bench, BY_PAGE, DOMAIN, IOVA, 0, 1)
    assert bench.port().write(IOVA, b"x").ok


def test_a_page_is_cached_for_the_requester_that_used_it() -> None:
    bench = Mapped()
    bench.attach(OTHER, bench.mine, DOMAIN)
    assert bench.lands_at(source_id=SOURCE) == HOST
    bench.remap(IOVA, ELSEWHERE)
    assert bench.lands_at(source_id=SOURCE) == HOST
    assert bench.lands_at(source_id=OTHER) == ELSEWHERE


def test_a_domain_is_dropped_for_all_its_requesters() -> None:
    bench = Mapped()
    bench.attach(OTHER, bench.mine, DOMAIN)
    assert (bench.lands_at(), bench.lands_at(source_id=OTHER)) == (HOST, HOST)
    bench.remap(IOVA, ELSEWHERE)
    iotlb_by_queue(bench, BY_PAGE, DOMAIN, IOVA, 0, 0)
    assert (bench.lands_at(), bench.lands_at(source_id=OTHER)) == (ELSEWHERE, ELSEWHERE)


@pytest.mark.parametrize("caching_mode", [0, 1])
def test_an_absent_page_is_cached_in_caching_mode_only(caching_mode: int) -> None:
    bench = Mapped(VtdConfig(CM=caching_mode))
    iova = IOVA + 0x10_0000
    assert bench.lands_at(iova) is None
    bench.mine.map(iova, ELSEWHERE, PAGE)
    assert bench.lands_at(iova) == (None if caching_mode else ELSEWHERE)
    iotlb_by_queue(bench, BY_PAGE, DOMAIN, iova, 0, 0)
    assert bench.lands_at(iova) == ELSEWHERE


# --- the paging-structure cache (§6.2.5)


def _move_tables(bench: Mapped) -> None:
    """Let the same addresses be translated by another last table, to other memory."""
    table = bench.frames.allocate()
    bench.put(table, b"".join(leaf(ELSEWHERE).to_bytes(8, "little") for _ in range(512)))
    bench.mine.write_entry(IOVA, 2, table | 3)


@IOTLB_WAYS
@pytest.mark.parametrize(
    ("arguments", "dropped"),
    [
        pytest.param((GLOBAL, 0, 0, 0, 0), True, id="global"),
        pytest.param((DOMAIN_WIDE, DOMAIN, 0, 0, 0), True, id="domain"),
        pytest.param((DOMAIN_WIDE, OTHER_DOMAIN, 0, 0, 0), False, id="other-domain"),
        pytest.param((BY_PAGE, DOMAIN, IOVA + PAGE, 0, 0), True, id="page"),
        pytest.param((BY_PAGE, DOMAIN, IOVA + PAGE, 0, 1), False, id="page-leaf-only"),
        pytest.param((BY_PAGE, DOMAIN, IOVA + PAGE_2M, 0, 0), False, id="page-of-other-table"),
        pytest.param((BY_PAGE, OTHER_DOMAIN, IOVA, 0, 0), False, id="page-of-other-domain"),
    ],
)
def test_tables_are_used_from_the_cache_until_they_are_named(
    invalidate: Callable[..., None], arguments: tuple[int, ...], dropped: bool
) -> None:
    bench = Mapped()
    assert bench.lands_at() == HOST
    _move_tables(bench)
    invalidate(bench, *arguments)
    # The next page has never been used: only the tables above it can be cached.
    assert bench.lands_at(IOVA + PAGE) == (ELSEWHERE if dropped else HOST + PAGE)


@pytest.mark.parametrize("size", [0, 512])
def test_without_a_paging_structure_cache_tables_are_read_each_time(size: int) -> None:
    bench = Mapped(VtdConfig(cache_sizes=CacheSizes(paging_structure=size)))
    assert bench.lands_at() == HOST
    _move_tables(bench)
    assert bench.lands_at(IOVA + PAGE) == (HOST + PAGE if size else ELSEWHERE)


def test_requesters_of_one_domain_share_its_cached_tables() -> None:
    bench = Mapped(VtdConfig(cache_sizes=NO_IOTLB))
    bench.attach(OTHER, bench.mine, DOMAIN)
    assert bench.lands_at() == HOST
    _move_tables(bench)
    assert bench.lands_at(source_id=OTHER) == HOST


# --- the context cache (§6.2.2)


def _moved_context(**capabilities: Any) -> Mapped:
    """The context entry of `SOURCE` is cached, and names other tables by now."""
    bench = Mapped(VtdConfig(cache_sizes=CONTEXT_ALONE, **capabilities))
    assert bench.lands_at() == HOST
    bench.attach(SOURCE, bench.others, DOMAIN)
    assert bench.lands_at() == HOST
    return bench


@CONTEXT_WAYS
@pytest.mark.parametrize(
    ("arguments", "dropped"),
    [
        pytest.param((ContextGranularity.GLOBAL, 0, 0, 0), True, id="global"),
        pytest.param((ContextGranularity.DOMAIN, DOMAIN, 0, 0), True, id="domain"),
        pytest.param((ContextGranularity.DOMAIN, OTHER_DOMAIN, 0, 0), False, id="other-domain"),
        pytest.param((BY_DEVICE, DOMAIN, SOURCE, 0), True, id="device"),
        pytest.param((BY_DEVICE, DOMAIN, OTHER, 0), False, id="other-device"),
        pytest.param((BY_DEVICE, OTHER_DOMAIN, SOURCE, 0), False, id="device-of-other-domain"),
        pytest.param((BY_DEVICE, DOMAIN, SOURCE | 1, 0), False, id="other-function"),
        pytest.param((BY_DEVICE, DOMAIN, SOURCE | 4, 1), True, id="function-bit-2-ignored"),
        pytest.param((BY_DEVICE, DOMAIN, SOURCE | 2, 1), False, id="function-bit-1-counts"),
        pytest.param((BY_DEVICE, DOMAIN, SOURCE | 6, 2), True, id="function-bits-2-1-ignored"),
        pytest.param((BY_DEVICE, DOMAIN, SOURCE | 1, 2), False, id="function-bit-0-counts"),
        pytest.param((BY_DEVICE, DOMAIN, SOURCE | 7, 3), True, id="function-ignored"),
        pytest.param((BY_DEVICE, DOMAIN, OTHER, 3), False, id="device-counts"),
    ],
)
def test_an_invalidation_drops_the_context_entries_it_covers_and_no_other(
    invalidate: Callable[..., None], arguments: tuple[int, ...], dropped: bool
) -> None:
    bench = _moved_context()
    invalidate(bench, *arguments)
    assert bench.lands_at() == (OTHER_HOST if dropped else HOST)


@IOTLB_WAYS
@pytest.mark.parametrize("granularity", list(IotlbGranularity))
def test_invalidating_pages_leaves_context_entries(
    invalidate: Callable[..., None], granularity: IotlbGranularity
) -> None:
    bench = _moved_context()
    invalidate(bench, granularity, DOMAIN, IOVA, 0, 0)
    assert bench.lands_at() == HOST


def test_a_context_entry_made_absent_is_used_until_it_is_invalidated() -> None:
    bench = Mapped(VtdConfig(cache_sizes=CONTEXT_ALONE))
    assert bench.lands_at() == HOST
    bench.roots.write_context_entry(SOURCE, 0)
    assert bench.lands_at() == HOST
    context_by_queue(bench, BY_DEVICE, DOMAIN, SOURCE, 0)
    assert bench.lands_at() is None


@pytest.mark.parametrize("caching_mode", [0, 1])
@pytest.mark.parametrize("broken", [{"P": 0}, {"AW": 7}, {"RSVD_11_4": 1}])
def test_a_faulty_context_entry_is_cached_in_caching_mode_under_domain_0(
    caching_mode: int, broken: dict[str, int]
) -> None:
    bench = Mapped(VtdConfig(CM=caching_mode))
    bench.attach(SOURCE, bench.mine, DOMAIN, **broken)
    assert bench.lands_at() is None
    bench.attach(SOURCE, bench.mine, DOMAIN)
    assert bench.lands_at() == (None if caching_mode else HOST)
    context_by_queue(bench, ContextGranularity.DOMAIN, DOMAIN, 0, 0)
    assert bench.lands_at() == (None if caching_mode else HOST)
    context_by_queue(bench, ContextGranularity.DOMAIN, 0, 0, 0)
    assert bench.lands_at() == HOST


@pytest.mark.parametrize("caching_mode", [0, 1])
def test_a_root_entry_is_never_cached(caching_mode: int) -> None:
    bench = Mapped(VtdConfig(CM=caching_mode))
    root = bench.roots.read_root_entry(0).value
    bench.roots.write_root_entry(0, 0)
    assert bench.lands_at() is None
    bench.roots.write_root_entry(0, root)
    assert bench.lands_at() == HOST


# --- sizes and replacement


def _kept(bench: Mapped, used: tuple[int, ...], asked: tuple[int, ...]) -> list[int]:
    """Use pages in an order, move them all, and say which of them are still cached."""
    for page in used:
        assert bench.lands_at(IOVA + page * PAGE) == HOST + page * PAGE
    for page in set(used):
        bench.remap(IOVA + page * PAGE, ELSEWHERE)
    return [page for page in asked if bench.lands_at(IOVA + page * PAGE) != ELSEWHERE]


@pytest.mark.parametrize(
    ("replacement", "kept"), [(Replacement.FIFO, [3, 2, 1]), (Replacement.LRU, [3, 2, 0])]
)
def test_a_full_cache_makes_room_by_its_rule(replacement: Replacement, kept: list[int]) -> None:
    config = VtdConfig(cache_sizes=CacheSizes(iotlb=3), replacement=replacement)
    # Page 0 is the oldest when page 3 comes, but it was used after pages 1 and 2.
    assert _kept(Mapped(config), (0, 1, 2, 0, 3), (3, 2, *kept[2:])) == kept


@pytest.mark.parametrize("replacement", list(Replacement))
@pytest.mark.parametrize("size", [1, 2, 7])
def test_a_cache_never_holds_more_than_its_size(replacement: Replacement, size: int) -> None:
    config = VtdConfig(cache_sizes=CacheSizes(iotlb=size), replacement=replacement)
    kept = _kept(Mapped(config), tuple(range(10)), tuple(reversed(range(10))))
    assert 0 < len(kept) <= size
    if replacement is not Replacement.RANDOM:
        assert kept == list(range(9, 9 - size, -1))


def test_random_replacement_is_the_same_for_the_same_seed() -> None:
    def kept(seed: int) -> list[int]:
        config = VtdConfig(
            cache_sizes=CacheSizes(iotlb=4), replacement=Replacement.RANDOM, seed=seed
        )
        return _kept(Mapped(config), tuple(range(10)), (9, *range(9)))

    assert kept(1) == kept(1)
    assert len({tuple(kept(seed)) for seed in range(8)}) > 1


@pytest.mark.parametrize("cache", ["context", "paging_structure", "iotlb"])
def test_a_unit_works_without_any_one_cache(cache: str) -> None:
    bench = Mapped(VtdConfig(cache_sizes=CacheSizes(**{cache: 0})))
    for _again in range(2):
        assert bench.lands_at() == HOST
        assert bench.lands_at(source_id=OTHER) == OTHER_HOST


def test_a_unit_says_how_many_entries_it_holds() -> None:
    bench = Mapped()
    assert bench.unit.cached == CacheSizes(0, 0, 0, 0, 0)
    assert bench.lands_at() == HOST
    assert bench.unit.cached == CacheSizes(1, 0, 3, 1, 0)
    iotlb_by_register(bench, DOMAIN_WIDE, DOMAIN, 0, 0, 0)
    assert bench.unit.cached == CacheSizes(1, 0, 0, 0, 0)
    assert bench.lands_at() == HOST
    context_by_register(bench, ContextGranularity.GLOBAL, 0, 0, 0)
    assert bench.unit.cached.context == 0
