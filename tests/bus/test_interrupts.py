"""The fields of an interrupt message."""

from __future__ import annotations

import pytest

from vtd_plugin.bus import InterruptMessage

FIELDS = (
    "vector",
    "delivery_mode",
    "level",
    "trigger_mode",
    "destination_mode",
    "redirection_hint",
    "destination",
)


@pytest.mark.parametrize(
    ("address", "data", "fields"),
    [
        (0xFEE0_0000, 0x0000, (0, 0, 0, 0, 0, 0, 0)),
        (0xFEE0_0000, 0x00FF, (0xFF, 0, 0, 0, 0, 0, 0)),
        (0xFEE0_0000, 0x0700, (0, 7, 0, 0, 0, 0, 0)),
        (0xFEE0_0000, 0x4000, (0, 0, 1, 0, 0, 0, 0)),
        (0xFEE0_0000, 0x8000, (0, 0, 0, 1, 0, 0, 0)),
        (0xFEE0_0004, 0x0000, (0, 0, 0, 0, 1, 0, 0)),
        (0xFEE0_0008, 0x0000, (0, 0, 0, 0, 0, 1, 0)),
        (0xFEEF_F000, 0x0000, (0, 0, 0, 0, 0, 0, 0xFF)),
        (0xABCD_EF00_FEE1_2000, 0x0000, (0, 0, 0, 0, 0, 0, 0xABCD_EF12)),
        (0xFEE0_1FF3, 0xFFFF_3800, (0, 0, 0, 0, 0, 0, 1)),
    ],
)
def test_fields_are_where_the_message_format_has_them(
    address: int, data: int, fields: tuple[int, ...]
) -> None:
    message = InterruptMessage(address, data)
    assert tuple(getattr(message, name) for name in FIELDS) == fields
