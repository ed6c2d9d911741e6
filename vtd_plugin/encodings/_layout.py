"""Layouts: an integer seen as the fields of a register or of a structure in memory.

A class body lists the fields from the top bit down, as the figures of the architecture do;
creating the class turns each into a property that shifts and masks one integer. bitstring is the
second form of every layout, for dumps and tests; it takes no part in reading a field.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar, Self

import bitstring

from vtd_plugin.encodings._field import Alias, Field
from vtd_plugin.encodings._slot import ADDRESS_SUFFIX, Place, Slot, places_of, reader, slots_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vtd_plugin.encodings.capabilities import Capabilities


class _Slotted(type):
    """Gives every layout class empty `__slots__`, so that a misspelt assignment is an error."""

    @classmethod
    def __prepare__(
        cls, _name: str, _bases: tuple[type, ...], /, **_keywords: object
    ) -> dict[str, object]:
        return {"__slots__": ()}


class Layout(metaclass=_Slotted):
    """An integer and the names of its bits.

    A subclass gives its name in the architecture's tables, its width, and its fields from the
    top bit down:

        class RootEntry(Layout, name="root_entry", bits=128, modes="legacy", section="9.1"):
            RSVD_127_64: int = field("u64", "reserved")
            CTP: int = field("u52", "bits >=HAW are reserved(0)", host_address=True)
            RSVD_11_1: int = field("u11", "reserved")
            P: int = field("u1", "P=0: all other fields ignored")
            CTP_address: int

    Each field becomes a read-only property. A field that holds the upper bits of an address has
    a second one, `<FIELD>_address`, which is the byte address; it is annotated in the body.

    Args:
        value: The bits, as one unsigned integer.

    Raises:
        ValueError: `value` is negative or wider than the layout.
    """

    __slots__ = ("value",)

    NAME: ClassVar[str]
    """Name in the architecture's tables."""
    BITS: ClassVar[int] = 0
    """Width in bits."""
    MODES: ClassVar[str] = ""
    """Where a structure is used; empty for registers."""
    SECTION: ClassVar[str] = ""
    """Section of revision 5.10; empty: not in that revision."""
    REQUIRES: ClassVar[str] = ""
    """What a unit must have for a register to exist; empty: nothing, and for structures."""
    FIELDS: ClassVar[Mapping[str, Field]] = MappingProxyType({})
    """The fields by name, top bit first."""

    _DECLARED: ClassVar[Mapping[str, Field | Alias]] = MappingProxyType({})
    _SLOTS: ClassVar[Mapping[str, Slot]] = MappingProxyType({})
    # What `pack` needs of the names that are one run of bits, which is all but a few.
    _PLACES: ClassVar[Mapping[str, Place]] = MappingProxyType({})
    _FIXED: ClassVar[int] = 0

    value: int

    def __init_subclass__(
        cls, *, name: str = "", bits: int = 0, modes: str = "", section: str = ""
    ) -> None:
        super().__init_subclass__()
        own = {name: item for name, item in vars(cls).items() if isinstance(item, Field | Alias)}
        cls._DECLARED = own or cls._DECLARED
        if cls._DECLARED:
            cls.NAME, cls.BITS, cls.MODES, cls.SECTION = name, bits, modes, section
            cls._compile()

    @classmethod
    def _compile(cls) -> None:
        """Replace the declarations of the class body by properties."""
        declared = {name: item for name, item in cls._DECLARED.items() if isinstance(item, Field)}
        aliases = {name: item for name, item in cls._DECLARED.items() if isinstance(item, Alias)}
        fields = _place(cls.__name__, cls.BITS, declared, cls.REQUIRES, cls.SECTION)
        slots = slots_of(fields, aliases)
        cls._check_addresses(slots)
        for slot_name, slot in slots.items():
            setattr(cls, slot_name, property(reader(slot), doc=slot.note))
        cls.FIELDS = MappingProxyType(fields)
        cls._SLOTS = slots
        cls._PLACES = places_of(slots, cls.BITS)
        cls._FIXED = sum(item.fixed << item.lsb for item in fields.values())

    @classmethod
    def _check_addresses(cls, slots: Mapping[str, Slot]) -> None:
        """Compare the address properties with the annotations that type checkers go by."""
        made = {name for name in slots if name.endswith(ADDRESS_SUFFIX)}
        annotated = {
            name
            for base in cls.__mro__
            for name in vars(base).get("__annotations__", ())
            if name.endswith(ADDRESS_SUFFIX)
        }
        if made != annotated:
            raise ValueError(
                f"{cls.__name__}: the class body annotates {sorted(annotated)}, not {sorted(made)}"
            )

    def __init__(self, value: int) -> None:
        if value >> self.BITS:
            raise ValueError(f"{value:#x} does not fit {self.BITS} bits of {self.NAME}")
        self.value = value

    @classmethod
    def pack(cls, **fields: int) -> int:
        """Build the integer from fields, aliases and addresses.

        Args:
            **fields: Values by name. A field that is not named takes the value that the
                architecture fixes for it (a descriptor's type, say), else 0.

        Returns:
            The bits of the structure as one integer.

        Raises:
            TypeError: There is no field of that name.
            ValueError: A value does not fit its field, or an address is not aligned.
        """
        return cls._deposit(cls._FIXED, fields)

    def replace(self, **fields: int) -> int:
        """Build the integer that differs from this one in the fields named.

        Args:
            **fields: Values by name, as for `pack`.

        Returns:
            The bits of the structure as one integer.

        Raises:
            TypeError: There is no field of that name.
            ValueError: A value does not fit its field, or an address is not aligned.
        """
        return self._deposit(self.value, fields)

    @classmethod
    def _deposit(cls, value: int, numbers: Mapping[str, int]) -> int:
        places = cls._PLACES
        for name, number in numbers.items():
            place = places.get(name)
            if place is None:
                value = cls._slot(name).insert(value, number, f"{cls.NAME}.{name}")
                continue
            forbidden, keep, down, lsb = place
            if number & forbidden:
                cls._slot(name).check(number, f"{cls.NAME}.{name}")
            value = value & keep | number >> down << lsb
        return value

    @classmethod
    def _slot(cls, name: str) -> Slot:
        try:
            return cls._SLOTS[name]
        except KeyError:
            allowed = ", ".join(cls._SLOTS)
            raise TypeError(f"{cls.NAME} has no field {name!r}; it has {allowed}") from None

    @classmethod
    def mask(cls, *names: str) -> int:
        """The bits of some fields, in place.

        Args:
            *names: Fields, aliases or addresses.

        Raises:
            TypeError: There is no field of that name.
        """
        bits = 0
        for name in names:
            bits |= cls._slot(name).mask
        return bits

    @classmethod
    def reserved(cls, caps: Capabilities, *, ssirwe: bool = False) -> int:
        """The bits, in place, that must be 0 on a unit with these capabilities.

        These are the reserved fields, fields whose capability is absent, address bits at or
        above the host address width, and domain-id bits beyond CAP.ND. That some of them are
        ignored for some types of an entry is for the reader of the entry to know. Meant to be
        computed once for a unit, not for each entry.

        Args:
            caps: What the unit has.
            ssirwe: RTADDR.SSIRWE as latched by the last set-root-table-pointer (section 11.4.5).
        """
        bits = 0
        for item in cls.FIELDS.values():
            bits |= item.must_be_zero(caps, ssirwe=ssirwe)
        return bits

    def address_of(self, name: str) -> int:
        """The byte address that a field holds the upper bits of.

        Args:
            name: The field, such as `CTP`. Where the name is known beforehand, the property
                `CTP_address` is the faster way.

        Raises:
            TypeError: There is no field of that name, or it holds no address.
        """
        self._slot(name + ADDRESS_SUFFIX)
        address: int = getattr(self, name + ADDRESS_SUFFIX)
        return address

    def fields(self) -> dict[str, int]:
        """The value of every field by name, top bit first, reserved and ignored ones too."""
        return {name: getattr(self, name) for name in self.FIELDS}

    @classmethod
    def format(cls) -> str:
        """The layout in bitstring's syntax, from the top bit down: `u64=RSVD_127_64, u52=CTP`."""
        return ", ".join(f"{item.dtype}={item.name}" for item in cls.FIELDS.values())

    def to_bits(self) -> bitstring.Bits:
        """The bits, the top bit first."""
        return bitstring.Bits(uint=self.value, length=self.BITS)

    @classmethod
    def from_bits(cls, bits: bitstring.Bits) -> Self:
        """See bits, the top bit first, as this layout.

        Args:
            bits: As many bits as the layout has.

        Raises:
            ValueError: The number of bits is not that of the layout.
        """
        if len(bits) != cls.BITS:
            raise ValueError(f"{cls.NAME} has {cls.BITS} bits, not {len(bits)}")
        return cls(bits.uint)

    def to_bytes(self) -> bytes:
        """The structure as it lies in memory, little-endian."""
        return self.value.to_bytes(self.BITS // 8, "little")

    @classmethod
    def from_bytes(cls, raw: bytes | bytearray | memoryview) -> Self:
        """See bytes of memory, little-endian, as this layout.

        Args:
            raw: As many bytes as the layout has.

        Raises:
            ValueError: The number of bytes is not that of the layout.
        """
        if len(raw) * 8 != cls.BITS:
            raise ValueError(f"{cls.NAME} has {cls.BITS // 8} bytes, not {len(raw)}")
        return cls(int.from_bytes(raw, "little"))

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.value == self.value

    def __hash__(self) -> int:
        return hash((type(self), self.value))

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={number:#x}" for name, number in self.fields().items() if number)
        return f"{type(self).__name__}({shown})"


def _place(
    owner: str, bits: int, declared: Mapping[str, Field], requires: str, section: str
) -> dict[str, Field]:
    """Give each field its position, the first one at the top."""
    total = sum(item.width for item in declared.values())
    if total != bits:
        raise ValueError(f"{owner}: the fields have {total} bits together, the layout {bits}")
    fields, lsb = {}, bits
    for name, item in declared.items():
        lsb -= item.width
        fields[name] = item.placed(name, lsb, requires, section)
    return fields
