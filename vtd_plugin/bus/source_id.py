"""The name of a requester on the bus: its PCIe requester id, 16 bits.

Bits 15:8 are the bus, 7:3 the device, 2:0 the function. There is one PCI segment, so a segment
number other than 0000 is refused rather than dropped.
"""

from __future__ import annotations

import re
from typing import Final

SOURCE_ID_MAX: Final = 0xFFFF
"""The largest source-id, ff:1f.7."""

_FORM: Final = re.compile(r"(?:0000:)?([0-9a-f]{2}):([01][0-9a-f])\.([0-7])", re.IGNORECASE)


def parse_source_id(source_id: int | str) -> int:
    """Read a source-id in any of its usual forms.

    Args:
        source_id: A 16-bit number, ``"00:04.0"`` or ``"0000:00:04.0"`` (hexadecimal digits).

    Returns:
        The source-id as a 16-bit number.

    Raises:
        ValueError: It is none of these.
        TypeError: It is neither a number nor a string.
    """
    if isinstance(source_id, str):
        return _parse_text(source_id)
    if not isinstance(source_id, int):
        raise TypeError(f"source-id {source_id!r} is neither a number nor a string like '00:04.0'")
    if not 0 <= source_id <= SOURCE_ID_MAX:
        raise ValueError(f"source-id {source_id:#x} is not within 0x0 to {SOURCE_ID_MAX:#x}")
    return source_id


def format_source_id(source_id: int) -> str:
    """Write a 16-bit source-id as bus:device.function, such as ``00:04.0``."""
    return f"{source_id >> 8:02x}:{source_id >> 3 & 0x1F:02x}.{source_id & 7}"


def _parse_text(text: str) -> int:
    match = _FORM.fullmatch(text)
    if match is None:
        raise ValueError(
            f"source-id {text!r} is not of the form '00:04.0' or '0000:00:04.0' "
            "(bus 00 to ff, device 00 to 1f, function 0 to 7)"
        )
    bus, device, function = (int(digits, 16) for digits in match.groups())
    return bus << 8 | device << 3 | function
