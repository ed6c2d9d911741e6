"""Setting accessed and dirty bits in the entries a translation has used.

Sections 3.6.2, 3.7.2 and 3.10. The architecture lets hardware set accessed bits during a walk that
faults later; this one sets bits only when the request has passed every other check, in the order in
which the entries were used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.reference.model import Blocked, Update, Walk

if TYPE_CHECKING:
    from collections.abc import Iterable


def needed_updates(walk: Walk, used: Iterable[Update]) -> list[Update]:
    """Those that would change their entry."""
    needed = []
    for update in used:
        raw = walk.read(update.address, 8)
        if raw is None or update.bits & ~int.from_bytes(raw, "little"):
            needed.append(update)
    return needed


def require_possible(needed: Iterable[Update], *, snooped: bool) -> None:
    """An update needs page walks that snoop, and a first-stage one the right to write there."""
    for update in needed:
        if not snooped:
            raise Blocked("SSS.5" if update.stage == "second" else "SFS.9")
        if not update.allowed:
            raise Blocked("SFS.8")


def apply_updates(walk: Walk, needed: Iterable[Update]) -> tuple[tuple[int, int], ...]:
    """Set the bits; answers each changed entry once, with its last value."""
    values: dict[int, int] = {}
    for update in needed:
        old = values.get(update.address)
        if old is None:
            old = int.from_bytes(walk.read(update.address, 8) or bytes(8), "little")
        new = old | update.bits
        values[update.address] = new
        if walk.write is not None and not walk.write(update.address, new.to_bytes(8, "little")):
            raise Blocked("SSS.6" if update.stage == "second" else "SFS.10")
    return tuple(values.items())
