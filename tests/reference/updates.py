"""Setting accessed and dirty bits in the entries a translation uses.

Sections 3.6.2, 3.7.2 and 3.10. An entry that points to a table is marked as soon as it is used,
even if the walk faults further down: whoever keeps such entries in a cache has to, and hardware may
(3.6.2). The entry of the page is marked when the request has passed every other check.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.reference.model import Blocked, Place, Walk

if TYPE_CHECKING:
    from typing import Literal


def mark(walk: Walk, place: Place, entry: int, bits: int) -> None:
    """Set bits of an entry that was read as `entry`, if it does not have them all."""
    if entry & bits == bits:
        return
    if not place.snooped:
        raise Blocked(_by_stage(place.stage, first="SFS.9", second="SSS.5"))
    if not place.writable:
        raise Blocked("SFS.8")
    marked = walk.entry(place.address, 8, "unreadable") | bits
    if not walk.write(place.address, marked.to_bytes(8, "little")):
        raise Blocked(_by_stage(place.stage, first="SFS.10", second="SSS.6"))


def _by_stage(stage: Literal["first", "second"], *, first: str, second: str) -> str:
    return first if stage == "first" else second
