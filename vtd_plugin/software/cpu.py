"""What a processor gives to software: reads and writes of physical addresses.

Registers and memory are reached the same way, and nothing else is. A `vtd_plugin.Platform` is a
`Cpu`. Processor caches are not modelled: where a unit does not snoop them (ECAP.C=0) real software
also flushes the lines that it wrote (section 3.10).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, TypeVar

if TYPE_CHECKING:
    from vtd_plugin.encodings._layout import Layout

_ATOMIC_BYTES: Final = 16
"""The largest piece of an entry that is read and written in one access (section 9)."""

LayoutT = TypeVar("LayoutT", bound="Layout")


class Cpu(Protocol):
    """A processor, as far as a driver of the unit needs one."""

    def read(self, address: int, size: int, /) -> bytes:
        """Read `size` bytes at a physical address."""

    def write(self, address: int, data: bytes, /) -> object:
        """Write bytes at a physical address."""


def read_entry(cpu: Cpu, address: int, layout: type[LayoutT]) -> LayoutT:
    """Read a structure from memory.

    Args:
        cpu: The processor to read with.
        address: Physical address of the structure.
        layout: What it is.
    """
    return layout.from_bytes(cpu.read(address, layout.BITS // 8))


def write_entry(cpu: Cpu, address: int, layout: type[Layout], value: int) -> None:
    """Write a structure whose bit 0 says whether it is present.

    Of an entry wider than 128 bits hardware may see each 16-byte piece on its own (section 9).
    Therefore the piece with the present bit goes last when the entry becomes present, and first
    when it becomes absent.

    Args:
        cpu: The processor to write with.
        address: Physical address of the structure.
        layout: What it is.
        value: Its new bits.

    Raises:
        ValueError: `value` is wider than the layout.
    """
    raw = layout(value).to_bytes()
    offsets = range(0, len(raw), _ATOMIC_BYTES)
    becomes_present = raw[0] & 1
    for offset in reversed(offsets) if becomes_present else offsets:
        cpu.write(address + offset, raw[offset : offset + _ATOMIC_BYTES])
