"""The message-signalled interrupts of cocotbext-pcie, sent the way that a unit sees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import cocotb

from hdl_bridge.pcie.structure import require_platform, require_root_complex
from vtd_plugin.bus import INTERRUPT_WINDOW_BASE, InterruptMessage, Platform

if TYPE_CHECKING:
    from cocotbext.pcie.core import RootComplex

_ATTRIBUTES: Final = ("msi_alloc_vectors", "msi_region.msi_vectors", "msi_region.write")


def route_msi(root_complex: RootComplex, platform: Platform) -> None:
    """Send the message-signalled interrupts of cocotbext-pcie through the interrupt window.

    Vectors allocated from now on have an address in the window instead of 0x8000_0000, so that
    their messages pass the unit. One that leaves it with the data of a vector sets the vector's
    event and runs its callbacks, as ever.

    Args:
        root_complex: A `RootComplex` of cocotbext-pcie.
        platform: The platform that it is attached to.

    Raises:
        TypeError: `root_complex` is no root complex of cocotbext-pcie, or `platform` no platform.
        ValueError: Its interrupts are routed already.
        RuntimeError: This release of cocotbext-pcie lacks what is needed.
    """
    require_root_complex(root_complex, *_ATTRIBUTES)
    require_platform(platform)
    if "msi_alloc_vectors" in vars(root_complex):
        raise ValueError(f"the interrupts of {root_complex!r} are routed already")
    region = root_complex.msi_region
    allocate = root_complex.msi_alloc_vectors

    def allocate_in_window(count: int) -> Any:
        vectors = allocate(count)
        for vector in vectors:
            vector.addr = INTERRUPT_WINDOW_BASE
        return vectors

    def deliver(message: InterruptMessage) -> None:
        if message.data in region.msi_vectors:
            cocotb.start_soon(region.write(0, message.data.to_bytes(4, "little")))

    root_complex.msi_alloc_vectors = allocate_in_window
    platform.add_interrupt_sink(deliver)
