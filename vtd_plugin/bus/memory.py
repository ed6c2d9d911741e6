"""Physical memory: RAM regions, each over a buffer that the caller may share with others.

A region can be a bytearray, an mmap, the `buf` of a `SharedMemory`, a NumPy array: anything
writable and contiguous. There is no ROM, no caching attribute and no locking here; an address that
is not RAM is answered with None, never with an exception.
"""

from __future__ import annotations

import mmap
from bisect import bisect_right
from dataclasses import dataclass
from struct import Struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Buffer

_U32: Final = Struct("<I")
_U64: Final = Struct("<Q")
_ADDRESS_LIMIT: Final = 1 << 64

_NOTHING: Final = memoryview(b"")

_MAP_NORESERVE: Final = 0x4000
"""Of Linux, count no page that is not written; `mmap` of Python 3.11 has no name for it."""


@dataclass(frozen=True, slots=True)
class Region:
    """A run of RAM.

    Attributes:
        base: Its first address.
        size: Its length in bytes.
    """

    base: int
    size: int


def anonymous_ram(size: int) -> mmap.mmap:
    """Zeroed RAM that takes host memory only where it has been written.

    Args:
        size: Bytes.

    Raises:
        TypeError: The size is no number.
        ValueError: The size is not positive.
    """
    if not isinstance(size, int):
        raise TypeError(
            f"a {type(size).__name__} as the size of RAM: it must be a number of bytes; "
            "a buffer is given as ram=buffer"
        )
    if size <= 0:
        raise ValueError(f"RAM of {size} bytes: the size must be positive")
    return mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | _MAP_NORESERVE)


def writable_bytes(buffer: Buffer) -> memoryview:
    """The bytes of a buffer that can be RAM.

    Raises:
        TypeError: It is no buffer.
        ValueError: It is read-only, empty, or not contiguous.
    """
    try:
        view = memoryview(buffer)
    except TypeError:
        raise TypeError(
            f"RAM over a {type(buffer).__name__}: it must be a writable buffer, such as a "
            "bytearray; hdl_bridge.axi.attach gives an AxiRam the RAM that a platform has"
        ) from None
    if view.readonly:
        raise ValueError(f"RAM over a read-only {type(buffer).__name__}: it must be writable")
    if not view.c_contiguous:
        raise ValueError(f"RAM over a {type(buffer).__name__} with gaps: it must be contiguous")
    if view.nbytes == 0:
        raise ValueError(f"RAM over an empty {type(buffer).__name__}: it must hold a byte")
    return view.cast("B")


class Memory:
    """The RAM of a platform, little-endian.

    Table walks live on `read_u64`, so the region that served the last access is kept at hand: as
    long as accesses stay inside it nothing is looked up.
    """

    __slots__ = ("_base", "_bases", "_size", "_view", "_views")

    def __init__(self) -> None:
        self._bases: list[int] = []
        self._views: list[memoryview] = []
        self._base = 0
        self._size = 0
        self._view = _NOTHING

    def add(self, base: int, buffer: Buffer) -> None:
        """Put a buffer at an address.

        Args:
            base: Physical address of its first byte.
            buffer: A writable, contiguous buffer. It is used, not copied.

        Raises:
            TypeError: It is no buffer.
            ValueError: It is read-only, empty, not contiguous, overlaps a region, or ends above
                64 bits of address.
        """
        view = writable_bytes(buffer)
        last = base + len(view) - 1
        if base < 0 or last >= _ADDRESS_LIMIT:
            raise ValueError(f"RAM from {base:#x} to {last:#x} is not within 64 bits of address")
        for region in self.regions:
            if base < region.base + region.size and region.base <= last:
                raise ValueError(
                    f"RAM from {base:#x} to {last:#x} overlaps the region from {region.base:#x} "
                    f"to {region.base + region.size - 1:#x}"
                )
        index = bisect_right(self._bases, base)
        self._bases.insert(index, base)
        self._views.insert(index, view)

    @property
    def regions(self) -> tuple[Region, ...]:
        """The regions, by rising address."""
        return tuple(
            Region(base, len(view)) for base, view in zip(self._bases, self._views, strict=True)
        )

    def close(self) -> None:
        """Let go of every buffer, so that their owners can close them; no RAM is left."""
        self._focus_on(0, _NOTHING)
        for view in self._views:
            view.release()
        self._bases.clear()
        self._views.clear()

    def read(self, address: int, size: int) -> bytes | None:
        """Read `size` bytes, or None if they are not all RAM."""
        offset = address - self._base
        if 0 <= offset <= offset + size <= self._size:
            return bytes(self._view[offset : offset + size])
        pieces = self._pieces(address, size)
        return None if pieces is None else b"".join(pieces)

    def write(self, address: int, data: Buffer) -> bool:
        """Write all bytes of `data`, or none and answer False if they are not all RAM."""
        source = memoryview(data).cast("B")
        offset = address - self._base
        end = offset + len(source)
        if 0 <= offset <= end <= self._size:
            self._view[offset:end] = source
            return True
        pieces = self._pieces(address, len(source))
        if pieces is None:
            return False
        for piece in pieces:
            piece[:] = source[: len(piece)]
            source = source[len(piece) :]
        return True

    def read_u32(self, address: int) -> int | None:
        """Read a 32-bit number at any alignment, or None if it is not all RAM."""
        offset = address - self._base
        if 0 <= offset <= self._size - 4:
            value: int = _U32.unpack_from(self._view, offset)[0]
            return value
        return self.read_int(address, 4)

    def read_u64(self, address: int) -> int | None:
        """Read a 64-bit number at any alignment, or None if it is not all RAM."""
        offset = address - self._base
        if 0 <= offset <= self._size - 8:
            value: int = _U64.unpack_from(self._view, offset)[0]
            return value
        return self.read_int(address, 8)

    def read_int(self, address: int, size: int) -> int | None:
        """Read a number of `size` bytes, or None if it is not all RAM."""
        data = self.read(address, size)
        return None if data is None else int.from_bytes(data, "little")

    def write_u32(self, address: int, value: int) -> bool:
        """Write a 32-bit number, or nothing and answer False if it is not all RAM."""
        return self.write(address, _U32.pack(value))

    def write_u64(self, address: int, value: int) -> bool:
        """Write a 64-bit number, or nothing and answer False if it is not all RAM."""
        return self.write(address, _U64.pack(value))

    def compare_exchange_u64(self, address: int, expected: int, new: int) -> bool | None:
        """Replace a 64-bit number if it is what the caller last saw.

        Args:
            address: Of its first byte.
            expected: What must be there.
            new: What to write then.

        Returns:
            Whether it was written; None if it is not all RAM.
        """
        found = self.read_u64(address)
        if found is None:
            return None
        return found == expected and self.write_u64(address, new)

    def view(self, address: int, size: int) -> memoryview | None:
        """A writable view of `size` bytes of one region, or None if no region holds them all."""
        if size < 0 or not self._focus(address):
            return None
        offset = address - self._base
        return self._view[offset : offset + size] if offset + size <= self._size else None

    def covers(self, address: int, size: int) -> bool:
        """Whether `size` bytes from `address` on are all RAM."""
        offset = address - self._base
        if 0 <= offset <= offset + size <= self._size:
            return True
        return self._pieces(address, size) is not None

    def _pieces(self, address: int, size: int) -> list[memoryview] | None:
        """The parts of regions that adjoin to make up the bytes, or None."""
        if size < 0:
            raise ValueError(f"an access of {size} bytes: the size must not be negative")
        pieces = list(self._walk(address, size))
        return pieces if sum(map(len, pieces)) == size and pieces else None

    def _walk(self, address: int, size: int) -> Iterator[memoryview]:
        end = address + size
        while self._focus(address):
            offset = address - self._base
            piece = self._view[offset : offset + end - address]
            yield piece
            address += len(piece)
            if address == end:
                return

    def _focus(self, address: int) -> bool:
        """Bring the region of an address to hand, if there is one."""
        if 0 <= address - self._base < self._size:
            return True
        index = bisect_right(self._bases, address) - 1
        if index < 0 or address - self._bases[index] >= len(self._views[index]):
            return False
        self._focus_on(self._bases[index], self._views[index])
        return True

    def _focus_on(self, base: int, view: memoryview) -> None:
        self._base, self._size, self._view = base, len(view), view
