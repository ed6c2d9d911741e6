"""The registers of one unit, read and written by the names of the architecture.

A register is named by its class in `vtd_plugin.encodings.registers`, whose view a read returns. The
access rules of section 11.2 are kept: a 32-bit register is one aligned dword access, a wider one is
aligned qword accesses, low qword first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from vtd_plugin.encodings.capabilities import Capabilities
from vtd_plugin.encodings.registers import CAP, ECAP, VER, Register
from vtd_plugin.software.polling import Pending, Poller, Timeout

if TYPE_CHECKING:
    from collections.abc import Callable

    from vtd_plugin.software.cpu import Cpu

DEFAULT_BASE: Final = 0xFED90000
"""Where the registers of a unit usually lie; firmware reports it in the DMAR table."""

WIDEST_HOST_ADDRESS: Final = 52

_QWORD: Final = 8

_NO_VERSION: Final = (0, 0xFFFF_FFFF)
"""What VER reads where RAM is, or nothing (section 11.4.1)."""

RegisterT = TypeVar("RegisterT", bound=Register)


def _nothing_to_check(_view: Register) -> None:
    """Finished is finished."""


class Registers:
    """The register set of a unit, through a processor.

    Reads VER, CAP and ECAP once, since other registers lie where these say.

    Args:
        cpu: The processor to access them with.
        base: Physical address of the register set.
        host_address_width: Physical address bits of the platform, as firmware reports it.
        poller: How to wait for status.

    Attributes:
        base: Physical address of the register set.
        capabilities: What the unit says it can do.
        poller: How to wait for status.

    Raises:
        ValueError: Nothing that could be a unit answers there.
    """

    __slots__ = ("_cpu", "base", "capabilities", "poller")

    def __init__(
        self,
        cpu: Cpu,
        base: int = DEFAULT_BASE,
        *,
        host_address_width: int = WIDEST_HOST_ADDRESS,
        poller: Poller | None = None,
    ) -> None:
        self._cpu = cpu
        self.base = base
        self.poller = poller or Poller()
        self.capabilities = Capabilities(0, 0, 0, host_address_width)
        version, cap, ecap = (self.read(register).value for register in (VER, CAP, ECAP))
        if version in _NO_VERSION:
            raise ValueError(
                f"no unit has its registers at {base:#x} (VER reads {version:#x}): "
                "give the base that add_unit, or the DMAR table, gave it"
            )
        self.capabilities = Capabilities(version, cap, ecap, host_address_width)

    def address(self, register: type[Register], index: int = 0) -> int:
        """Physical address of a register.

        Args:
            register: Its class.
            index: Which one of an array of registers.

        Raises:
            ValueError: The unit has no such register.
        """
        return self.base + register.offset_in(self.capabilities, index)

    def read(self, register: type[RegisterT], index: int = 0) -> RegisterT:
        """Read a register.

        Args:
            register: Its class, such as `GSTS`.
            index: Which one of an array of registers.

        Returns:
            A view with a property for each field.
        """
        address = self.address(register, index)
        size = register.BITS // 8
        pieces = range(address, address + size, _QWORD)
        raw = b"".join(self._cpu.read(piece, min(size, _QWORD)) for piece in pieces)
        return register.from_bytes(raw)

    def write(self, register: type[Register], value: int, index: int = 0) -> None:
        """Write all of a register.

        Args:
            register: Its class, such as `RTADDR`.
            value: The bits, usually from `register.pack(...)`.
            index: Which one of an array of registers.

        Raises:
            ValueError: `value` is wider than the register.
        """
        address = self.address(register, index)
        raw = register(value).to_bytes()
        for offset in range(0, len(raw), _QWORD):
            self._cpu.write(address + offset, raw[offset : offset + _QWORD])

    def update(self, register: type[Register], **fields: int) -> None:
        """Read a register, change some fields, and write it.

        Only for registers whose fields are plain storage (RW): a field that is cleared by writing
        1 would be cleared, and GCMD cannot be read.

        Args:
            register: Its class, such as `FECTL`.
            **fields: New values by name.
        """
        self.write(register, self.read(register).replace(**fields))

    def pending(
        self,
        register: type[RegisterT],
        check: Callable[[RegisterT], None] = _nothing_to_check,
        /,
        **fields: int,
    ) -> Pending:
        """Something that is finished when all these fields have these values.

        Args:
            register: The register to poll, such as `GSTS`.
            check: Called with the register when it is finished; raises what went wrong.
            **fields: The values by name, such as `TES=1`.
        """
        mask = register.mask(*fields)
        wanted = register.pack(**fields) & mask

        def done() -> bool:
            view = self.read(register)
            if view.value & mask != wanted:
                return False
            check(view)
            return True

        def timeout() -> Timeout:
            words = ", ".join(f"{name}={number:#x}" for name, number in fields.items())
            return Timeout(register.NAME, self.read(register).value, words, self.poller)

        return Pending(self.poller, done, timeout)
