"""The memory that an AXI slave of cocotbext-axi was made with, as RAM of a platform.

The `SparseMemory` that an AxiRam makes for itself is changed in place, so that whoever has it
reaches the platform: both directions, another AxiRam that shares it, the testbench.
"""

from __future__ import annotations

import sys
from operator import or_
from typing import TYPE_CHECKING, Any, Final

from cocotbext.axi import MemoryRegion, SparseMemoryRegion
from cocotbext.axi.memory import Memory as StockMemory
from cocotbext.axi.sparse_memory import SparseMemory

from hdl_bridge._structure import require
from hdl_bridge.axi.stock import TESTED_VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vtd_plugin.bus import Memory

_ATTRIBUTES: Final = ("read", "write", "clear", "size", "segs")
_CHUNK: Final = 1 << 20


def share(memory: Memory, *interfaces: Any) -> None:
    """Let what AXI slaves were made with be a platform's RAM from now on.

    What was written to a `SparseMemory` before moves to the platform. A buffer that is the
    platform's RAM already stays as it is.

    Args:
        memory: The RAM.
        *interfaces: The write or the read interfaces of AXI slaves, None for one there is not.

    Raises:
        ValueError: What a slave was made with cannot be that RAM, or holds bytes for which there
            is no room; nothing has changed then.
        RuntimeError: This cocotbext-axi is not built as the one we know.
    """
    found = [_own_memory(interface) for interface in interfaces if interface is not None]
    different = {id(own): own for own in found if own is not None and not _is_ram(own, memory)}
    moves = [move for own in different.values() for move in _moves(own, memory)]
    for address, data in moves:
        memory.write(address, data)
    for own in different.values():
        _Ram(memory).take_place_of(own)


class _Ram:
    """RAM with the calls of a `SparseMemory`; its slices and dumps are built on these."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory

    def take_place_of(self, own: Any) -> None:
        own.segs.clear()
        own.read, own.write, own.clear = self.read, self.write, self.clear
        own.size = sys.maxsize  # all addresses that a length can have: slices are not cut short

    def read(self, address: int, length: int, **_: Any) -> bytes:
        """Read RAM; ValueError if it is not all RAM."""
        data = self.memory.read(address, length)
        if data is None:
            raise _no_ram("read", address, length)
        return data

    def write(self, address: int, data: Any, **_: Any) -> None:
        """Write RAM; nothing and ValueError if it is not all RAM."""
        data = bytes(data)
        if not self.memory.write(address, data):
            raise _no_ram("write", address, len(data))

    def clear(self) -> None:
        """Zero all RAM, and let what is zero take no host memory."""
        zeros = bytes(_CHUNK)
        for region in self.memory.regions:
            for base in range(region.base, region.base + region.size, _CHUNK):
                size = min(_CHUNK, region.base + region.size - base)
                if self.memory.read(base, size) != zeros[:size]:
                    self.memory.write(base, zeros[:size])


def _no_ram(verb: str, address: int, size: int) -> ValueError:
    return ValueError(f"{verb} of {size} bytes at {address:#x}: they are not all RAM")


def _own_memory(interface: Any) -> Any | None:
    """What an interface reads or writes by itself; None if there is nothing.

    Raises:
        ValueError: It is something that is more than bytes.
    """
    if isinstance(interface, StockMemory):
        return interface.mem
    target = interface.target
    if isinstance(target, MemoryRegion | SparseMemoryRegion):
        return target.mem
    if target is not None:
        raise ValueError(
            f"an AxiSlave with {target!r}, which would be asked no more: make it without a target, "
            "and give the platform what is to answer, by add_ram or add_mmio(..., dma=True)"
        )
    return None


def _is_ram(own: Any, memory: Memory) -> bool:
    """Whether something is RAM of that platform already.

    Raises:
        ValueError: It cannot be made RAM of it.
        RuntimeError: This cocotbext-axi is not built as the one we know.
    """
    if type(own) is SparseMemory:
        require("cocotbext-axi", TESTED_VERSION, own, *_ATTRIBUTES)
        behind = getattr(own.read, "__self__", None)
        if isinstance(behind, _Ram) and behind.memory is not memory:
            raise ValueError("the memory of this slave is RAM of another platform")
        return isinstance(behind, _Ram)
    if not _is_shared(own, memory):
        raise ValueError(
            f"a slave over a {type(own).__name__} of its own, which would be used no more: let "
            "the platform have it, Platform(ram=ram.mem), or make the AxiRam with a size"
        )
    return True


def _is_shared(own: Any, memory: Memory) -> bool:
    """Whether something is a buffer that is among the RAM."""
    try:
        buffer = memoryview(own).obj
    except TypeError:
        return False
    views = (memory.view(region.base, region.size) for region in memory.regions)
    return any(view is not None and view.obj is buffer for view in views)


def _moves(own: Any, memory: Memory) -> Iterator[tuple[int, bytes]]:
    """What moves to the RAM: (address, bytes).

    A `SparseMemory` knows which pieces of 4 KiB were written. In them, bytes that are zero count as
    never written, and leave the RAM as it is.

    Raises:
        ValueError: There is no RAM, or other bytes are there.
    """
    for base, block in own.segs.items():
        data = bytes(block).lstrip(b"\0")
        address = base + len(block) - len(data)
        data = data.rstrip(b"\0")
        if data:
            yield address, _joined(address, data, memory.read(address, len(data)))


def _joined(address: int, data: bytes, there: bytes | None) -> bytes:
    """Bytes that move to where others are: at each address one of the two is zero, or both equal.

    Raises:
        ValueError: They are not, or nothing can be there.
    """
    if there is None:
        raise ValueError(
            f"the slave holds bytes from {address:#x} to {address + len(data) - 1:#x}, where the "
            "platform has no RAM"
        )
    for offset, (new, old) in enumerate(zip(data, there, strict=True)):
        if new and old and new != old:
            raise ValueError(
                f"the slave holds {new:#04x} at {address + offset:#x}, and the RAM of the "
                f"platform {old:#04x}: attach first, then write"
            )
    return bytes(map(or_, data, there))
