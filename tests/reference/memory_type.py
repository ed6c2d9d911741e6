"""The memory type of the final page of a scalable-mode translation.

Section 3.11. It counts only for devices inside the processor's coherency domain. The type the MTRRs
give the page is told from outside; without ECAP.MTS the type is write-back (no source says so).
"""

from __future__ import annotations

from typing import Final

from tests.reference.model import Leaf, Walk, bits
from tests.reference.scalable_tables import PASS_THROUGH, SECOND_STAGE, PasidEntry

UC: Final = 0
WC: Final = 1
WT: Final = 4
WP: Final = 5
WB: Final = 6
UC_MINUS: Final = 7


def memory_type(walk: Walk, entry: PasidEntry, *, first: Leaf | None, second: Leaf | None) -> int:
    if not walk.caps.memory_types:
        return WB
    if entry.cache_disable:
        return UC
    if entry.translation_type == PASS_THROUGH:
        return WB
    if entry.translation_type == SECOND_STAGE:
        return leaf_type(second) if entry.extended_memory_type and second is not None else WB
    pat = entry.page_attribute(pat_index(first)) if first is not None else WB
    if second is None or not entry.extended_memory_type:
        return combine(walk.host_type, pat)
    ignore_pat = bool(second.entry >> 6 & 1)
    return leaf_type(second) if ignore_pat else combine(leaf_type(second), pat)


def leaf_type(leaf: Leaf) -> int:
    """EMT, bits 5:3 of a second-stage leaf."""
    return bits(leaf.entry, 5, 3)


def pat_index(leaf: Leaf) -> int:
    """4 * PAT + 2 * PCD + PWT; PAT is bit 7 of a 4-KiB leaf, bit 12 of a larger one."""
    pat_bit = 7 if leaf.size == 4096 else 12
    return 4 * (leaf.entry >> pat_bit & 1) + 2 * (leaf.entry >> 4 & 1) + (leaf.entry >> 3 & 1)


def combine(host: int, pat: int) -> int:
    """The effective type of a page whose host or EMT type is `host` (3.11.3)."""
    if pat in (UC, WC):
        return pat
    if host == UC:
        return UC
    if pat == UC_MINUS:
        return WC if host in (WC, WP) else UC
    if pat == WT:
        return UC if host == WC else WT
    if pat == WP:
        return UC if host == WC else WP
    return host
