"""Ranges are cut into the largest pages, and covered by the smallest blocks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vtd_plugin.software.pages import (
    PAGE_1G,
    PAGE_2M,
    PAGE_4K,
    PAGE_SIZES,
    covering_block,
    runs,
    span,
)

page_numbers = st.integers(0, (1 << 22) - 1)


@given(page_numbers, page_numbers, st.integers(1, 3 * PAGE_1G // PAGE_4K))
def test_runs_tile_a_range(first: int, target: int, count: int) -> None:
    iova, address, size = first * PAGE_4K, target * PAGE_4K, count * PAGE_4K
    reached = iova
    for run in runs(iova, address, size, PAGE_SIZES):
        page = span(run.level)
        assert run.iova == reached
        assert run.address - address == run.iova - iova
        assert run.iova % page == run.address % page == 0
        assert run.iova // (512 * page) == (run.iova + (run.count - 1) * page) // (512 * page)
        reached += run.count * page
    assert reached == iova + size


@pytest.mark.parametrize(
    ("iova", "address", "size", "levels"),
    [
        (0, 0, PAGE_1G, [3]),
        (0, PAGE_2M, PAGE_1G, [2]),
        (0, PAGE_4K, PAGE_2M, [1]),
        (PAGE_2M - PAGE_4K, PAGE_2M - PAGE_4K, PAGE_2M + 2 * PAGE_4K, [1, 2, 1]),
    ],
)
def test_the_largest_page_that_fits_is_chosen(
    iova: int, address: int, size: int, levels: list[int]
) -> None:
    assert [run.level for run in runs(iova, address, size, PAGE_SIZES)] == levels


def test_a_range_that_no_page_fits_is_refused() -> None:
    with pytest.raises(ValueError, match="no page of 0x200000 fits"):
        list(runs(0, PAGE_4K, PAGE_2M, (PAGE_2M,)))


@given(st.integers(0, (1 << 64) - 1), st.integers(1, 1 << 40))
def test_the_covering_block_is_the_smallest(iova: int, size: int) -> None:
    size = min(size, (1 << 64) - iova)
    base, mask = covering_block(iova, size)
    block = PAGE_4K << mask
    assert base % block == 0
    assert base <= iova
    assert iova + size <= base + block
    if mask:
        half = base + block // 2
        assert iova < half < iova + size


def test_the_whole_address_space_is_a_block() -> None:
    assert covering_block(0, 1 << 64) == (0, 52)
