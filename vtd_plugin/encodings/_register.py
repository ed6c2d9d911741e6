"""Memory-mapped registers: a layout with an offset, and for each field its access and reset.

Sections 11.2 to 11.4. The accesses are told as masks; storing, locking and the side effects of
a write are the unit's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

from vtd_plugin.encodings import _expression
from vtd_plugin.encodings._field import Field
from vtd_plugin.encodings._layout import Layout

if TYPE_CHECKING:
    from vtd_plugin.encodings.capabilities import Capabilities

_INDEXED: Final = re.compile(r"\w+\[(\w)(?:,(\w))?\]")

_READ_ONLY: Final = frozenset({"RO", "ROS"})
_WRITABLE: Final = frozenset({"RW", "RWL", "RWLV", "WO"})
_WRITE_ONE_TO_CLEAR: Final = frozenset({"RW1C", "RW1CS"})
_STICKY: Final = frozenset({"RW1CS", "ROS"})
_LOCKABLE: Final = frozenset({"RWL", "RWLV"})


@dataclass(frozen=True, slots=True)
class AccessMasks:
    """What software can do to each bit of a register; a bit in no mask is RsvdZ (section 11.3).

    Attributes:
        read_only: Bits that only hardware changes (RO, ROS).
        writable: Bits that a write stores (RW, RWL, RWLV, WO).
        write_one_to_clear: Bits that a written 1 clears (RW1C, RW1CS).
        write_only: Those of `writable` that have no defined read value (WO).
        lockable: Those of `writable` that can be locked by another field (RWL, RWLV).
        sticky: Bits that survive all resets but power-good reset (RW1CS, ROS).
    """

    read_only: int
    writable: int
    write_one_to_clear: int
    write_only: int
    lockable: int
    sticky: int

    @property
    def readable(self) -> int:
        """Bits that can read as 1."""
        return (self.read_only | self.writable | self.write_one_to_clear) & ~self.write_only


class Register(Layout):
    """A memory-mapped register.

    A subclass gives offset, width and fields, the top one first:

        class IQH(Register, offset=0x080, bits=64, section="11.4.9.1", requires="ECAP.QI"):
            RSVD_63_19: int = rsvdz("u45")
            QH: int = ro("u15", "bit 4 always 0 when DW=1; reset to 0 when QI disabled")
            RSVD_3_0: int = rsvdz("u4")

    A subclass of a subclass that declares no fields has those of its parent, at another offset.

    Args:
        value: The bits, as one unsigned integer.
    """

    OFFSET: ClassVar[int | str] = ""
    """Offset in bytes from the register base address, or an expression for it."""

    def __init_subclass__(
        cls,
        *,
        offset: int | str = "",
        name: str = "",
        bits: int = 0,
        section: str | None = None,
        requires: str = "",
    ) -> None:
        cls.OFFSET, cls.REQUIRES = offset, requires or cls.REQUIRES
        super().__init_subclass__(
            name=name or cls.__name__,
            bits=bits or cls.BITS,
            section=cls.SECTION if section is None else section,
        )

    @classmethod
    def present(cls, caps: Capabilities) -> bool:
        """Whether a unit with these capabilities has the register."""
        return caps.satisfies(cls.REQUIRES)

    @classmethod
    def offset_in(cls, caps: Capabilities, index: int = 0, inner: int = 0) -> int:
        """Where the register lies.

        Args:
            caps: What the unit has; some registers lie where capability fields say.
            index: Which one of an array of registers (`n` of `FRCD[n]`).
            inner: The second index (`e` of `PERFCNTREVCAP[c,e]`).

        Returns:
            Offset in bytes from the register base address.

        Raises:
            ValueError: An index is negative, or given for a register that has none; or the
                offset depends on a register whose value `caps` does not give.
        """
        match = _INDEXED.fullmatch(cls.NAME)
        letters = tuple(filter(None, match.groups())) if match else ()
        given = dict(zip(letters, (index, inner), strict=False))
        if min(index, inner) < 0 or any((index, inner)[len(letters) :]):
            raise ValueError(f"{cls.NAME} takes {len(letters)} indices, not ({index}, {inner})")
        if isinstance(cls.OFFSET, int):
            return cls.OFFSET
        return _expression.offset(
            cls.OFFSET, lambda name: given[name] if name in given else caps.number(name)
        )

    @classmethod
    def access_masks(cls, caps: Capabilities) -> AccessMasks:
        """What software can do to each bit of this register on a unit with these capabilities.

        A field whose requirement is not met behaves as RsvdZ, and so does all of a register
        that the unit has not: it reads 0 and takes no write (section 11.3). That includes the
        protected-memory enable of a unit with neither region, which the architecture calls RO.
        """

        def bits(accesses: frozenset[str]) -> int:
            return sum(
                item.mask & ~item.beyond_host_address(caps.haw)
                for item in cls.FIELDS.values()
                if item.access in accesses and caps.satisfies(item.requires)
            )

        return AccessMasks(
            read_only=bits(_READ_ONLY),
            writable=bits(_WRITABLE),
            write_one_to_clear=bits(_WRITE_ONE_TO_CLEAR),
            write_only=bits(frozenset({"WO"})),
            lockable=bits(_LOCKABLE),
            sticky=bits(_STICKY),
        )

    @classmethod
    def reset_value(cls, caps: Capabilities) -> int:
        """The value after power-good reset; fields without a defined one are 0.

        Args:
            caps: What the unit has; its configured values are those of the `impl` fields.
        """
        configured = caps.configured(cls.NAME)
        bits = 0
        for item in cls.FIELDS.values():
            if caps.satisfies(item.requires):
                bits |= configured & item.mask if item.reset == "impl" else _fixed_reset(item)
        return bits


class CapabilityRegister(Register):
    """A register that says what the unit is: it reads as configured, bit for bit.

    A requirement of its fields is a rule for whoever configures the unit, see
    `Capabilities.unmet_requirements`; hiding a field that breaks it would hide the mistake.
    """

    @classmethod
    def access_masks(cls, caps: Capabilities) -> AccessMasks:  # noqa: ARG003 - the same for all
        """All bits can be read and none can be written."""
        return AccessMasks((1 << cls.BITS) - 1, 0, 0, 0, 0, 0)

    @classmethod
    def reset_value(cls, caps: Capabilities) -> int:
        """The value the unit was configured with."""
        return caps.configured(cls.NAME)


def _fixed_reset(item: Field) -> int:
    return item.mask if item.reset == "1" else 0


class _Access:
    """Declares register fields of one access; called in a class body."""

    __slots__ = ("_access", "_note", "_reset")

    def __init__(self, access: str, *, reset: str = "0", note: str = "") -> None:
        self._access, self._reset, self._note = access, reset, note

    def __call__(
        self,
        dtype: str,
        note: str = "",
        *,
        reset: str = "",
        requires: str = "",
        host_address: bool = False,
        address_lsb: int | None = None,
        section: str | None = None,
    ) -> Any:
        """Declare a field.

        Args:
            dtype: bitstring dtype, `u1` to `u128`.
            note: What the field means, in one line.
            reset: `0`, `1`, `impl` (configured) or `undef`; the usual one of this access if empty.
            requires: Capability expression without which the field is RsvdZ.
            host_address: Bits at or above the host address width are not implemented.
            address_lsb: Address bit of the field's lowest bit, if the field holds an address.
            section: Where the field is defined, if not where its register is.

        Returns:
            A declaration that the layout replaces by a property.
        """
        return Field(
            dtype,
            note or self._note,
            requires=requires,
            host_address=host_address,
            address_lsb=address_lsb,
            access=self._access,
            reset=reset or self._reset,
            section=section,
        )


ro: Final = _Access("RO")
impl: Final = _Access("RO", reset="impl")
rw: Final = _Access("RW")
wo: Final = _Access("WO")
rw1c: Final = _Access("RW1C")
rw1cs: Final = _Access("RW1CS")
ros: Final = _Access("ROS")
rwl: Final = _Access("RWL")
rwlv: Final = _Access("RWLV")
rsvdz: Final = _Access("RsvdZ", note="reserved")
rsvdp: Final = _Access("RsvdP", note="reserved")
