"""Pages and ranges: how a range of addresses is cut into the pages that a table can map.

Arithmetic only, no memory and no entry formats (sections 3.6 and 3.7 for the levels).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PAGE_4K: Final = 1 << 12
PAGE_2M: Final = 1 << 21
PAGE_1G: Final = 1 << 30
PAGE_SIZES: Final = (PAGE_4K, PAGE_2M, PAGE_1G)
"""Page sizes in bytes; the one at position n is mapped by a leaf of level n + 1."""

_INDEX_BITS: Final = 9
TABLE_ENTRIES: Final = 1 << _INDEX_BITS


def span(level: int) -> int:
    """Bytes of address space below one entry of a level.

    Args:
        level: 1 for the table that maps 4-KiB pages, and so on up.
    """
    return PAGE_4K << _INDEX_BITS * (level - 1)


def leaf_level(page_size: int) -> int:
    """The level whose leaves map pages of this size.

    Args:
        page_size: Bytes.

    Raises:
        ValueError: There is no such page size.
    """
    check_page_size(page_size, PAGE_SIZES)
    return PAGE_SIZES.index(page_size) + 1


def check_page_size(size: int, allowed: Sequence[int]) -> None:
    """Check that a page size is one of those allowed.

    Args:
        size: Bytes.
        allowed: Bytes of each that is.

    Raises:
        ValueError: It is none of them.
    """
    if size not in allowed:
        names = ", ".join(f"{number:#x}" for number in allowed)
        raise ValueError(f"page size {size:#x} is none of {names}")


@dataclass(frozen=True, slots=True)
class Page:
    """A page that a table maps.

    Attributes:
        iova: Its address as a device sees it.
        address: Its physical address (guest-physical in a nested first stage).
        size: 4 KiB, 2 MiB or 1 GiB, in bytes.
        entry: The bits of the leaf entry.
    """

    iova: int
    address: int
    size: int
    entry: int


@dataclass(frozen=True, slots=True)
class Change:
    """What a change of a table means for the caches of a unit (section 6.5.3.3).

    Attributes:
        pointers_changed: Whether an entry that points to a table was written: cached paging
            structures must then go too (IH=0).
        unlinked: Frames of tables that nothing points to any more. They may be used again once
            the unit was told, see `PageTable.free`.
    """

    pointers_changed: bool
    unlinked: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """Leaves that lie next to each other in one table.

    Attributes:
        level: Level of the table.
        iova: First address that the leaves map.
        address: Physical address that it stands for.
        count: How many leaves, up to the end of the table.
    """

    level: int
    iova: int
    address: int
    count: int


def runs(iova: int, address: int, size: int, page_sizes: Sequence[int]) -> Iterator[Run]:
    """Cut a range into leaves, the largest pages first wherever both addresses allow it.

    Args:
        iova: First address as a device sees it.
        address: Physical address that it stands for.
        size: Bytes.
        page_sizes: The page sizes to choose from.

    Raises:
        ValueError: Some part of the range is too small or too misaligned for every page size.
    """
    while size:
        fitting = [page for page in page_sizes if page <= size and not (iova | address) % page]
        if not fitting:
            names = ", ".join(f"{number:#x}" for number in page_sizes)
            raise ValueError(f"{iova:#x} -> {address:#x}, {size:#x} bytes: no page of {names} fits")
        page = max(fitting)
        # Where a larger page becomes possible there is also the border of a table.
        left_in_table = TABLE_ENTRIES - iova // page % TABLE_ENTRIES
        count = min(left_in_table, size // page)
        yield Run(leaf_level(page), iova, address, count)
        iova, address, size = iova + count * page, address + count * page, size - count * page


def covering_block(iova: int, size: int) -> tuple[int, int]:
    """The smallest naturally aligned power of two of pages that covers a range.

    Args:
        iova: First address.
        size: Bytes, at least 1.

    Returns:
        First address of the block, and its address mask AM: the block has 2^AM pages.
    """
    first, last = iova // PAGE_4K, (iova + size - 1) // PAGE_4K
    mask = (first ^ last).bit_length()
    pages = 1 << mask
    return first // pages * pages * PAGE_4K, mask
