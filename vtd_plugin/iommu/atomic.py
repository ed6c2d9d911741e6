"""Atomic updates of table entries: accessed, extended-accessed and dirty bits (§3.6.2, §3.7.2).

The entry may belong to memory that another process shares, so a bit is set by compare-and-exchange
on what was read. Losing the race a few times is normal; losing it for ever would be a hang, so the
number of tries is bounded and giving up counts as a failed update.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from vtd_plugin.bus import Memory

_TRIES: Final = 16


def set_bits(memory: Memory, address: int, entry: int, bits: int) -> bool:
    """Set `bits` in the 64-bit entry at `address`, read before as `entry`.

    Args:
        memory: Where the entry is.
        address: Host address of the entry.
        entry: What was read there.
        bits: Bits to be set.

    Returns:
        Whether the entry has them now.
    """
    for _ in range(_TRIES):
        exchanged = memory.compare_exchange_u64(address, entry, entry | bits)
        if exchanged is None:
            return False
        if exchanged:
            return True
        current = memory.read_u64(address)
        if current is None:
            return False
        entry = current
    return False
