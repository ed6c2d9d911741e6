"""Which signals an AXI bus has; those that it lacks have AXI's default values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cocotbext.axi import (
    AxiBus,
    AxiLiteBus,
    AxiLiteReadBus,
    AxiLiteWriteBus,
    AxiReadBus,
    AxiWriteBus,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hdl_bridge.burst_port import BurstPort

_WRITE: Final = {
    "aw": ("awaddr", "awvalid", "awready"),
    "w": ("wdata", "wvalid", "wready"),
    "b": ("bvalid", "bready"),
}
_READ: Final = {
    "ar": ("araddr", "arvalid", "arready"),
    "r": ("rdata", "rvalid", "rready"),
}
"""The signals that have no default value, by channel; WLAST has none where there is AWLEN."""

_WRITE_ONLY: Final = (AxiWriteBus, AxiLiteWriteBus)
_READ_ONLY: Final = (AxiReadBus, AxiLiteReadBus)
_BOTH: Final = (AxiBus, AxiLiteBus)


def signal(channel: Any, name: str) -> Any | None:
    """The handle of a signal, None if there is none: then a channel has None, or no attribute."""
    return getattr(channel, name, None)


def _has(channel: Any, name: str) -> bool:
    return signal(channel, name) is not None


def directions(bus: Any) -> tuple[Any | None, Any | None]:
    """The write and the read channels of a bus, each None if it has not that direction.

    Raises:
        TypeError: It is no AXI4 or AXI4-Lite bus of cocotbext-axi.
        ValueError: It lacks a signal that has no default value.
    """
    if not isinstance(bus, _BOTH + _WRITE_ONLY + _READ_ONLY):
        raise TypeError(
            f"{bus!r} is no AxiBus or AxiLiteBus of cocotbext-axi, nor a direction of one"
        )
    write = None if isinstance(bus, _READ_ONLY) else getattr(bus, "write", bus)
    read = None if isinstance(bus, _WRITE_ONLY) else getattr(bus, "read", bus)
    (write, no_write), (read, no_read) = _look_up(write, _WRITE), _look_up(read, _READ)
    if write is not None and _has(write.aw, "awlen") and not _has(write.w, "wlast"):
        no_write.append("wlast")
    if missing := no_write + no_read:
        raise ValueError(f"the bus lacks {', '.join(missing)}")
    if write is None and read is None:
        raise ValueError("the bus has no signals of AXI: is its prefix right?")
    return write, read


def _look_up(direction: Any, needed: Mapping[str, Iterable[str]]) -> tuple[Any | None, list[str]]:
    """A direction, None if the bus has nothing of it; and the signals of it that are missing."""
    names = [(channel, name) for channel in needed for name in needed[channel]]
    missing = [name for channel, name in names if not _has(getattr(direction, channel, None), name)]
    return (None, []) if len(missing) == len(names) else (direction, missing)


def ready_signals(write: Any | None, read: Any | None) -> list[Any]:
    """AWREADY and ARREADY, of the directions there are: whoever answers on a bus drives them."""
    ready = [] if write is None else [write.aw.awready]
    return ready if read is None else [*ready, read.ar.arready]


def require_user(port: BurstPort, write: Any | None, read: Any | None) -> None:
    """Refuse a layout of AxUSER that a bus cannot carry; see `BurstPort.require_user`.

    Args:
        port: Who has the layout.
        write: The write channels of the bus, if it has any.
        read: The read channels, if it has any.
    """
    for direction, channel in ((write, "aw"), (read, "ar")):
        if direction is not None:
            name = f"{channel}user"
            handle = signal(getattr(direction, channel), name)
            port.require_user(name, 0 if handle is None else len(handle))
