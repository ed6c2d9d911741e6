"""One field of a layout: how it is declared in a class body and what it knows once it is placed.

A declaration gives a bitstring dtype and a note; position and name come from where it stands in
the class body. `_layout` turns declarations into properties.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from vtd_plugin.encodings.capabilities import Capabilities

_DTYPE: Final = re.compile(r"u([1-9][0-9]*)")
_QUADWORD_BITS: Final = 64


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a layout.

    Attributes:
        dtype: bitstring dtype, `u1` to `u512`.
        note: What the field means, in one line.
        name: Architectural name.
        lsb: Lowest bit of the field in its structure.
        requires: Capability expression without which a register field is RsvdZ.
        reserved_unless: Capability expression without which the field must be 0.
        host_address: Bits of the field at or above the host address width must be 0.
        address_lsb: Address bit that the field's lowest bit stands for; None: not an address.
        domain_id: Bits of the field beyond the domain-id width (CAP.ND) must be 0.
        reserved_within: Bits of the field, from its own bit 0, that must always be 0.
        fixed: The value that the architecture fixes for the field, and `pack` fills in.
        access: Register access (`RO`, `RW1CS`, ...); empty in memory structures.
        reset: Register reset: `0`, `1`, `impl` (configured) or `undef`; empty in structures.
        section: Section of revision 5.10 that defines the field; None: that of the layout.
    """

    dtype: str
    note: str = ""
    name: str = ""
    lsb: int = 0
    requires: str = ""
    reserved_unless: str = ""
    host_address: bool = False
    address_lsb: int | None = None
    domain_id: bool = False
    reserved_within: int = 0
    fixed: int = 0
    access: str = ""
    reset: str = ""
    section: str | None = None

    @property
    def width(self) -> int:
        """Width in bits."""
        return _width(self.dtype)

    @property
    def msb(self) -> int:
        """Highest bit of the field in its structure."""
        return self.lsb + self.width - 1

    @property
    def limit(self) -> int:
        """The largest value of the field."""
        return (1 << self.width) - 1

    @property
    def mask(self) -> int:
        """All bits of the field, in place."""
        return self.limit << self.lsb

    @property
    def reserved(self) -> bool:
        """Whether the field is reserved whatever the capabilities."""
        return self.name.startswith("RSVD_")

    @property
    def ignored(self) -> bool:
        """Whether hardware ignores the field whatever the capabilities."""
        return self.name.startswith("IGN_") or self.note == "ignored"

    def placed(self, name: str, lsb: int, requires: str, section: str) -> Field:
        """The field as it stands in a layout.

        Args:
            name: Name of the field.
            lsb: Lowest bit.
            requires: What the whole layout requires; the field's own requirement is added.
            section: Section of the layout, for a field that names none.
        """
        address_lsb = self.address_lsb
        if address_lsb is None and (self.host_address or name == "ADDR"):
            # Pointers of wide entries stand in their own quadword at their own address bits.
            address_lsb = lsb % _QUADWORD_BITS
        return replace(
            self,
            name=name,
            lsb=lsb,
            requires=";".join(filter(None, (requires, self.requires))),
            address_lsb=address_lsb,
            section=section if self.section is None else self.section,
        )

    def must_be_zero(self, capabilities: Capabilities, *, ssirwe: bool) -> int:
        """The bits of this field, in place, that must be 0 on a unit with these capabilities.

        Args:
            capabilities: What the unit has.
            ssirwe: RTADDR.SSIRWE as latched by the last set-root-table-pointer (section 11.4.5).
        """
        if self.reserved or not (
            capabilities.satisfies(self.requires)
            and capabilities.satisfies(self.reserved_unless, SSIRWE=ssirwe)
        ):
            return self.mask
        bits = self.reserved_within << self.lsb | self.beyond_host_address(capabilities.haw)
        if self.domain_id:
            bits |= self._at_or_above(capabilities.domain_id_width)
        return bits

    def beyond_host_address(self, haw: int) -> int:
        """The bits of a host address, in place, that lie at or above the host address width.

        Args:
            haw: Host address width in bits.
        """
        if not self.host_address or self.address_lsb is None:
            return 0
        return self._at_or_above(haw - self.address_lsb)

    def _at_or_above(self, bit: int) -> int:
        return (self.limit & (-1 << max(bit, 0))) << self.lsb


@cache
def _width(dtype: str) -> int:
    match = _DTYPE.fullmatch(dtype)
    if match is None:
        raise ValueError(f"dtype {dtype!r} is not one of u1, u2, ...")
    return int(match[1])


@dataclass(frozen=True, slots=True)
class Alias:
    """A second name for bits that are, or lie in, declared fields.

    Attributes:
        high: Field that gives the upper bits: `NAME`, or `NAME[msb:lsb]` for a part of it.
        low: Field that gives the lower bits; empty: there is only one part.
        address_lsb: Address bit that the lowest bit stands for; None: not an address.
    """

    high: str
    low: str
    address_lsb: int | None


def field(
    dtype: str,
    note: str = "",
    *,
    reserved_unless: str = "",
    host_address: bool = False,
    address_lsb: int | None = None,
    domain_id: bool = False,
    reserved_within: int = 0,
    fixed: int = 0,
) -> Any:
    """Declare a field of a memory structure; the class body lists fields from the top bit down.

    Args:
        dtype: bitstring dtype, `u1` to `u512`.
        note: What the field means, in one line.
        reserved_unless: Capability expression without which the field must be 0.
        host_address: Bits at or above the host address width must be 0.
        address_lsb: Address bit of the field's lowest bit, where it is not the bit the field
            has in its quadword.
        domain_id: Bits beyond the domain-id width must be 0.
        reserved_within: Bits of the field, from its own bit 0, that must always be 0.
        fixed: The value the architecture fixes for the field.

    Returns:
        A declaration that the layout replaces by a property; typed Any, so that the annotation
        in the class body is what users see.
    """
    return Field(
        dtype,
        note,
        reserved_unless=reserved_unless,
        host_address=host_address,
        address_lsb=address_lsb,
        domain_id=domain_id,
        reserved_within=reserved_within,
        fixed=fixed,
    )


def alias(high: str, low: str = "", *, address_lsb: int | None = None) -> Any:
    """Declare one name for a value that the structure keeps in two fields, or in part of one.

    Args:
        high: Field that gives the upper bits: `NAME`, or `NAME[msb:lsb]` for a part of it.
        low: Field that gives the lower bits; empty: there is only one part.
        address_lsb: Address bit that the lowest bit stands for, if the value is an address.

    Returns:
        A declaration that the layout replaces by a property, as with `field`.
    """
    return Alias(high, low, address_lsb)
