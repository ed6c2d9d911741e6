"""Tables of firmware: structures of whole bytes at rising offsets, little-endian.

A structure is a dataclass whose `LAYOUT` lists all of its bytes. A field holds an attribute of the
dataclass, or the length of the structure, or a constant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Iterator

LENGTH: Final = "Length"


class ByteField(NamedTuple):
    """A field of a firmware structure.

    Attributes:
        offset: First byte of the field in its structure.
        size: Bytes of the field; 0: the rest of the structure.
        name: The architecture's name of the field.
        note: What it means, in one line.
        attribute: The attribute of the dataclass that holds it; empty: none does.
        text: Whether the attribute is bytes, and not an integer.
        constant: What is written where there is no attribute.
    """

    offset: int
    size: int
    name: str
    note: str = ""
    attribute: str = ""
    text: bool = False
    constant: int | bytes = 0

    def decoded(self, raw: bytes) -> int | bytes:
        """The value that the bytes of the field hold."""
        return raw if self.text else int.from_bytes(raw, "little")


class ByteStructure:
    """A structure of whole bytes; subclasses are dataclasses.

    A structure whose end varies overrides the two methods that write and read the variable part.
    """

    __slots__ = ()

    NAME: ClassVar[str]
    """The architecture's name of the structure."""
    LAYOUT: ClassVar[tuple[ByteField, ...]]
    """All fields by rising offset."""

    @classmethod
    def fixed_size(cls) -> int:
        """Bytes before the part that varies."""
        return max(item.offset + item.size for item in cls.LAYOUT)

    def to_bytes(self) -> bytes:
        """The structure as it stands in a table.

        Raises:
            ValueError: A value does not fit its field.
        """
        tail = self._variable_part()
        length = self.fixed_size() + len(tail)
        raw = bytearray(self.fixed_size())
        for item in self.LAYOUT:
            value = length if item.name == LENGTH else item.constant
            if item.attribute:
                value = getattr(self, item.attribute)
            raw[item.offset : item.offset + item.size] = self._encoded(item, value)
        return bytes(raw) + tail

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Read a structure, given all of its bytes.

        Raises:
            ValueError: There are too few of them, or the variable part is broken.
        """
        if len(raw) < cls.fixed_size():
            raise ValueError(f"{cls.NAME} has {cls.fixed_size()} bytes or more, not {len(raw)}")
        values = {
            item.attribute: item.decoded(raw[item.offset : item.offset + item.size])
            for item in cls.LAYOUT
            if item.attribute
        }
        return cls(**values, **cls._variable_attributes(raw[cls.fixed_size() :]))

    def _variable_part(self) -> bytes:
        return b""

    @classmethod
    def _variable_attributes(cls, tail: bytes) -> dict[str, Any]:  # noqa: ARG003 - there is none
        return {}

    @classmethod
    def _encoded(cls, item: ByteField, value: int | bytes) -> bytes:
        if isinstance(value, bytes):
            if len(value) != item.size:
                raise ValueError(f"{cls.NAME} {item.name}: {value!r} has not {item.size} bytes")
            return value
        if value >> 8 * item.size:
            raise ValueError(f"{cls.NAME} {item.name}: {value:#x} does not fit {item.size} bytes")
        return value.to_bytes(item.size, "little")


def split(owner: str, raw: bytes, type_size: int) -> Iterator[tuple[int, bytes]]:
    """Take a run of structures apart that each begin with a type and a length.

    Args:
        owner: What holds them, for errors.
        raw: The run.
        type_size: Bytes of the type field, and of the length field behind it.

    Yields:
        The type, and all bytes of the structure.

    Raises:
        ValueError: A length leads nowhere, or beyond the end.
    """
    start = 0
    while start < len(raw):
        kind = int.from_bytes(raw[start : start + type_size], "little")
        length = int.from_bytes(raw[start + type_size : start + 2 * type_size], "little")
        if not 2 * type_size <= length <= len(raw) - start:
            raise ValueError(
                f"{owner}: the structure at byte {start:#x} has length {length:#x}, "
                f"not {2 * type_size:#x} to {len(raw) - start:#x}"
            )
        yield kind, raw[start : start + length]
        start += length
