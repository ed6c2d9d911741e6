"""Who answers on which bus: two models that drive the same wires are a mistake of the testbench.

A stock slave of cocotbext-axi is known here only once something is attached to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import cocotb
from cocotb.triggers import Event

if TYPE_CHECKING:
    from cocotb.task import Task

_claims: Final[dict[Any, tuple[str, Task[None]]]] = {}
"""By signal; a claim stands while its task does, which no longer runs when its test has ended."""


def claim(owner: str, *signals: Any) -> None:
    """Be the only one who answers on a bus, until the test ends.

    Args:
        owner: Who.
        *signals: What it drives, one for each direction of the bus.

    Raises:
        ValueError: Somebody answers there already.
    """
    for signal in signals:
        standing = _claims.get(signal)
        if standing is not None and not standing[1].done():
            where = signal._path  # noqa: SLF001 - documented
            raise ValueError(f"{owner}: {standing[0]} answers on this bus already, at {where}")
    task = cocotb.start_soon(_for_ever())
    _claims.update((signal, (owner, task)) for signal in signals)


async def _for_ever() -> None:
    await Event().wait()
