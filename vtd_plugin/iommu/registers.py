"""The register set as software reads and writes it (chapter 11).

One table of masks, compiled from the register layouts, decides what an access may see and change:
no register has access code of its own. What a write *means* is not decided here: a room that cares
registers a handler, which runs after the written bits are in place.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeVar

from vtd_plugin.bus import ResetKind
from vtd_plugin.encodings.registers import FRCD, IOTLB, IVA, REGISTERS, Register

if TYPE_CHECKING:
    from vtd_plugin.encodings.capabilities import Capabilities

R = TypeVar("R", bound=Register)
Handler = Callable[[], None]

WINDOW: Final = 0x1000
"""Bytes of the register set: one 4-KiB page (§11.1)."""

_WORD: Final = 0xFFFF_FFFF


def placed_registers(caps: Capabilities) -> list[tuple[type[Register], int, int]]:
    """Every register this unit has, as (layout, index, byte offset).

    Registers that nothing of the unit requires are left out, so that their place is free.
    Counter arrays of performance monitoring are absent: their number comes from PERFCAP, which
    reports none.
    """
    fixed = [
        (register, 0, register.OFFSET)
        for register in REGISTERS
        if isinstance(register.OFFSET, int)
        and any(caps.satisfies(field.requires) for field in register.FIELDS.values())
    ]
    movable = [(IVA, 0), (IOTLB, 0), *((FRCD, index) for index in range(caps.CAP.NFR + 1))]
    return [*fixed, *((layout, index, layout.offset_in(caps, index)) for layout, index in movable)]


class RegisterFile:
    """Storage and access rules of all registers, in 32-bit words.

    Accesses are aligned dwords and qwords; a qword is two dwords, the low one first (§11.2).
    Smaller aligned reads return the bytes asked for. Smaller writes, misaligned accesses and
    offsets with no register read 0 and change nothing.

    Args:
        caps: What the unit is; it decides which fields exist.
    """

    __slots__ = (
        "_clearable",
        "_handlers",
        "_offsets",
        "_readable",
        "_reset",
        "_sticky",
        "_words",
        "_writable",
    )

    def __init__(self, caps: Capabilities) -> None:
        count = WINDOW // 4
        self._words = [0] * count
        self._readable = [0] * count
        self._writable = [0] * count
        self._clearable = [0] * count
        self._sticky = [0] * count
        self._reset = [0] * count
        self._handlers: dict[int, Handler] = {}
        self._offsets: dict[tuple[str, int], int] = {}
        for register, index, offset in placed_registers(caps):
            self._place(register, index, offset, caps)
        self.reset(ResetKind.COLD)

    def _place(self, register: type[Register], index: int, offset: int, caps: Capabilities) -> None:
        self._offsets[register.NAME, index] = offset
        masks = register.access_masks(caps)
        for table, mask in (
            (self._readable, masks.readable),
            (self._writable, masks.writable),
            (self._clearable, masks.write_one_to_clear),
            (self._sticky, masks.sticky),
            (self._reset, register.reset_value(caps)),
        ):
            for word in range(register.BITS // 32):
                table[offset // 4 + word] |= mask >> 32 * word & _WORD

    def reset(self, kind: ResetKind) -> None:
        """Give every register its reset value; sticky fields survive but a cold reset (§11.3)."""
        for word, value in enumerate(self._reset):
            kept = 0 if kind is ResetKind.COLD else self._words[word] & self._sticky[word]
            self._words[word] = value & ~self._sticky[word] | kept if kept else value

    def on_write(
        self, register: type[Register], field: str, handler: Handler, index: int = 0
    ) -> None:
        """Run `handler` after every write of the dword in which `field` lies."""
        offset = self._offsets.get((register.NAME, index))
        if offset is not None:
            self._handlers[offset // 4 + register.FIELDS[field].lsb // 32] = handler

    # --- as software sees it

    def read(self, offset: int, size: int) -> int:
        """Read `size` bytes (1, 2, 4, 8) at byte `offset`, as software does."""
        if offset % size or offset + size > WINDOW or offset < 0:
            return 0
        word = offset >> 2
        value = self._words[word] & self._readable[word]
        if size == 8:
            return value | (self._words[word + 1] & self._readable[word + 1]) << 32
        return value >> 8 * (offset & 3) & (1 << 8 * size) - 1

    def write(self, offset: int, value: int, size: int) -> None:
        """Write `size` bytes (1, 2, 4, 8) at byte `offset`, as software does."""
        if offset % size or size < 4 or offset + size > WINDOW or offset < 0:
            return
        word = offset >> 2
        self._write_word(word, value & _WORD)
        if size == 8:
            self._write_word(word + 1, value >> 32 & _WORD)

    def _write_word(self, word: int, value: int) -> None:
        writable = self._writable[word]
        stored = self._words[word] & ~writable | value & writable
        self._words[word] = stored & ~(value & self._clearable[word])
        handler = self._handlers.get(word)
        if handler is not None:
            handler()

    # --- as the unit sees it; a register that it does not have holds 0

    def load(self, register: type[R], index: int = 0) -> R:
        """The register as the unit holds it, write-only fields included."""
        offset = self._offsets.get((register.NAME, index))
        if offset is None:
            return register(0)
        word = offset >> 2
        value = 0
        for step in range(register.BITS // 32):
            value |= self._words[word + step] << 32 * step
        return register(value)

    def store(self, register: Register, index: int = 0) -> None:
        """Put a register, whatever software may write of it."""
        offset = self._offsets.get((register.NAME, index))
        if offset is None:
            return
        word = offset >> 2
        for step in range(register.BITS // 32):
            self._words[word + step] = register.value >> 32 * step & _WORD

    def update(self, register: type[Register], index: int = 0, **fields: int) -> None:
        """Change some fields of a register, whatever software may write of it."""
        self.store(register(self.load(register, index).replace(**fields)), index)
