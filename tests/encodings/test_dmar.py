from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vtd_plugin.encodings.dmar import (
    Andd,
    Atsr,
    DeviceScope,
    DeviceScopeType,
    Dmar,
    DmarFlag,
    Drhd,
    RemappingStructure,
    Rhsa,
    Rmrr,
    Satc,
    Sidp,
    UnknownStructure,
    build,
    parse,
)


def unsigned(size: int) -> st.SearchStrategy[int]:
    return st.integers(0, (1 << 8 * size) - 1)


SCOPES = st.lists(
    st.builds(
        DeviceScope,
        kind=st.sampled_from(DeviceScopeType),
        path=st.lists(st.tuples(unsigned(1), unsigned(1)), min_size=1, max_size=3).map(tuple),
        start_bus=unsigned(1),
        enumeration_id=unsigned(1),
        flags=unsigned(1),
    ),
    max_size=3,
).map(tuple)

STRUCTURES: st.SearchStrategy[RemappingStructure] = st.one_of(
    st.builds(
        Drhd,
        register_base=unsigned(8),
        segment=unsigned(2),
        flags=unsigned(1),
        size=unsigned(1),
        scopes=SCOPES,
    ),
    st.builds(Rmrr, base=unsigned(8), limit=unsigned(8), segment=unsigned(2), scopes=SCOPES),
    st.builds(Atsr, segment=unsigned(2), flags=unsigned(1), scopes=SCOPES),
    st.builds(Rhsa, register_base=unsigned(8), proximity_domain=unsigned(4)),
    st.builds(
        Andd,
        device_number=unsigned(1),
        object_name=st.from_regex(r"\\_SB\.[A-Z0-9]{4}", fullmatch=True),
    ),
    st.builds(Satc, segment=unsigned(2), flags=unsigned(1), scopes=SCOPES),
    st.builds(Sidp, segment=unsigned(2), scopes=SCOPES),
    st.just(UnknownStructure(bytes.fromhex("0900060042 43"))),
)

TABLES = st.builds(
    Dmar,
    width=unsigned(1),
    structures=st.lists(STRUCTURES, max_size=5).map(tuple),
    flags=unsigned(1),
    revision=unsigned(1),
    oem_id=st.binary(min_size=6, max_size=6),
    oem_table_id=st.binary(min_size=8, max_size=8),
    oem_revision=unsigned(4),
    creator_id=st.binary(min_size=4, max_size=4),
    creator_revision=unsigned(4),
)


@given(TABLES)
def test_a_table_that_was_built_is_read_back(table: Dmar) -> None:
    assert parse(build(table)) == table


@given(TABLES)
def test_a_table_has_its_length_and_adds_up_to_zero(table: Dmar) -> None:
    raw = build(table)
    assert int.from_bytes(raw[4:8], "little") == len(raw)
    assert sum(raw) % 256 == 0


def one_unit() -> Dmar:
    bridge = DeviceScope(kind=DeviceScopeType.PCI_SUB_HIERARCHY, path=((0x1C, 0), (0, 0)))
    unit = Drhd(register_base=0xFED9_0000, flags=Drhd.INCLUDE_PCI_ALL, scopes=(bridge,))
    return Dmar(width=47, flags=DmarFlag.INTR_REMAP, structures=(unit,))


def test_a_table_is_laid_out_as_firmware_does() -> None:
    raw = build(one_unit())
    assert raw[:9] == b"DMAR" + (48 + 16 + 10).to_bytes(4, "little") + b"\x01"
    assert raw[36:48] == bytes.fromhex("2f01" + 10 * "00")
    assert raw[48:64] == bytes.fromhex("00001a00 0100 0000 0000d9fe00000000")
    assert raw[64:] == bytes.fromhex("020a00000000 1c000000")


def test_the_host_address_width_is_one_more_than_the_table_holds() -> None:
    assert one_unit().haw == 48


def test_bytes_behind_the_table_do_not_count() -> None:
    assert parse(build(one_unit()) + b"\xff\xff") == one_unit()


def test_reserved_bytes_do_not_count() -> None:
    raw = bytearray(build(one_unit()))
    raw[40], raw[9] = 0x5A, (raw[9] - 0x5A) % 256
    assert parse(bytes(raw)) == one_unit()


def with_byte(offset: int, value: int) -> bytes:
    """The table with one byte changed, and the checksum right."""
    raw = bytearray(build(one_unit()))
    raw[9] = (raw[9] + raw[offset] - value) % 256
    raw[offset] = value
    return bytes(raw)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "signature b'' is not b'DMAR'"),
        (b"FACP" + bytes(44), "signature b'FACP' is not b'DMAR'"),
        (build(one_unit())[:-1], "length 0x4a is more than the 0x49 bytes given"),
        (build(one_unit())[:-1] + b"\x01", "the bytes add up to 0x1, not to 0x0"),
        (with_byte(50, 3), "structure at byte 0x0 has length 0x3, not 0x4 to 0x1a"),
        (with_byte(50, 0x1B), "structure at byte 0x0 has length 0x1b, not 0x4 to 0x1a"),
        (with_byte(50, 0x0C), "DRHD has 16 bytes or more, not 12"),
        (with_byte(65, 0x0B), "DRHD: the structure at byte 0x0 has length 0xb, not 0x2 to 0xa"),
        (with_byte(65, 0x05), "DeviceScope has 6 bytes or more, not 5"),
        (with_byte(65, 0x09), "DeviceScope path: 3 bytes are no pairs of device and function"),
        (b"DMAR\x10\0\0\0\x01\xcb" + bytes(6), "DMAR_header has 48 bytes or more, not 16"),
    ],
)
def test_broken_tables_are_refused(raw: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse(raw)


@pytest.mark.parametrize(
    ("structure", "message"),
    [
        (Drhd(register_base=1 << 64), "DRHD Register Base Address: 0x10000000000000000 does not"),
        (Rhsa(register_base=0, proximity_domain=-1), "RHSA Proximity Domain: -0x1 does not fit 4"),
        (
            Drhd(register_base=0, scopes=(DeviceScope(kind=256, path=()),)),
            "DeviceScope Type: 0x100",
        ),
        (Satc(scopes=(DeviceScope(kind=1, path=((0, 256),)),)), "DeviceScope path: 0x100 does not"),
    ],
)
def test_values_that_do_not_fit_are_refused(structure: RemappingStructure, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build(Dmar(width=38, structures=(structure,)))


def test_text_must_fill_its_field() -> None:
    with pytest.raises(ValueError, match="DMAR_header OEMID: b'SHORT' has not 6 bytes"):
        build(Dmar(width=38, oem_id=b"SHORT"))
