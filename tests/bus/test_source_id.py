"""Source-ids as numbers and as text."""

from __future__ import annotations

import pytest

from vtd_plugin.bus import format_source_id, parse_source_id


@pytest.mark.parametrize(
    ("given", "number"),
    [
        (0x0020, 0x0020),
        ("00:04.0", 0x0020),
        ("0000:00:04.0", 0x0020),
        ("ff:1f.7", 0xFFFF),
        ("Ab:0C.5", 0xAB65),
    ],
)
def test_every_form_names_the_same_requester(given: int | str, number: int) -> None:
    assert parse_source_id(given) == number


@pytest.mark.parametrize("source_id", [0, 0x20, 0x1234, 0xFFFF])
def test_text_of_a_source_id_reads_back(source_id: int) -> None:
    assert parse_source_id(format_source_id(source_id)) == source_id


@pytest.mark.parametrize(
    "wrong", ["", "4.0", "00:20.0", "00:04.8", "0001:00:04.0", "00:04.0 ", "000:04.0"]
)
def test_wrong_text_is_refused_with_the_forms_allowed(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"'00:04\.0' or '0000:00:04\.0'"):
        parse_source_id(wrong)


@pytest.mark.parametrize("wrong", [-1, 0x10000])
def test_a_number_beyond_16_bits_is_refused_in_hex(wrong: int) -> None:
    with pytest.raises(ValueError, match=f"{wrong:#x}"):
        parse_source_id(wrong)


def test_anything_else_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="neither a number nor a string"):
        parse_source_id(b"00:04.0")  # type: ignore[arg-type]
