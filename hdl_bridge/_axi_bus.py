"""Which signals an AXI bus has; those that it lacks have AXI's default values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cocotbext.axi import AxiBus, AxiReadBus, AxiWriteBus

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_WRITE: Final = {
    "aw": ("awaddr", "awvalid", "awready"),
    "w": ("wdata", "wlast", "wvalid", "wready"),
    "b": ("bvalid", "bready"),
}
_READ: Final = {
    "ar": ("araddr", "arvalid", "arready"),
    "r": ("rdata", "rvalid", "rready"),
}
"""The signals that have no default value, by channel."""


def signal(channel: Any, name: str) -> Any | None:
    """The handle of a signal, None if there is none: then a channel has None, or no attribute."""
    return getattr(channel, name, None)


def width(channel: Any, name: str) -> int:
    """Bits of a signal, 0 if the channel has none."""
    handle = signal(channel, name)
    return 0 if handle is None else len(handle)


def directions(bus: Any) -> tuple[Any | None, Any | None]:
    """The write and the read channels of a bus, each None if it has not that direction.

    Raises:
        TypeError: It is no AXI bus of cocotbext-axi.
        ValueError: It lacks a signal that has no default value.
    """
    if not isinstance(bus, AxiBus | AxiWriteBus | AxiReadBus):
        raise TypeError(f"{bus!r} is no AxiBus, AxiWriteBus or AxiReadBus of cocotbext-axi")
    write = None if isinstance(bus, AxiReadBus) else getattr(bus, "write", bus)
    read = None if isinstance(bus, AxiWriteBus) else getattr(bus, "read", bus)
    missing_write, missing_read = _missing(write, _WRITE), _missing(read, _READ)
    if len(missing_write) == sum(map(len, _WRITE.values())):
        write, missing_write = None, []
    if len(missing_read) == sum(map(len, _READ.values())):
        read, missing_read = None, []
    if missing_write or missing_read:
        raise ValueError(f"the bus lacks {', '.join(missing_write + missing_read)}")
    if write is None and read is None:
        raise ValueError("the bus has no signals of AXI: is its prefix right?")
    return write, read


def _missing(direction: Any, needed: Mapping[str, Iterable[str]]) -> list[str]:
    return [
        name
        for channel, names in needed.items()
        for name in names
        if signal(getattr(direction, channel, None), name) is None
    ]
