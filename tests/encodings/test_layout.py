from __future__ import annotations

import bitstring
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vtd_plugin.encodings._field import alias, field
from vtd_plugin.encodings._layout import Layout
from vtd_plugin.encodings.codes import DescriptorType
from vtd_plugin.encodings.registers import GCMD, REGISTERS
from vtd_plugin.encodings.structures import (
    STRUCTURES,
    ContextEntry,
    DeviceTlbInvalidate,
    FaultRecord,
    FsPde2M,
    HptL3e,
    InvalidationWait,
    IrtePosted,
    IrteRemapped,
    PasidTableEntry,
    RemapMsiAddress,
    RootEntry,
    ScalableRootEntry,
    SsPdpe1G,
    SsPte,
)

LAYOUTS: tuple[type[Layout], ...] = (*STRUCTURES, *REGISTERS)
EVERY_LAYOUT = pytest.mark.parametrize("layout", LAYOUTS, ids=[item.__name__ for item in LAYOUTS])


def numbers(layout: type[Layout]) -> st.SearchStrategy[int]:
    return st.integers(0, (1 << layout.BITS) - 1)


def dtypes(layout: type[Layout]) -> str:
    """The format without names: bitstring takes those for packing only."""
    return ", ".join(token.partition("=")[0] for token in layout.format().split(", "))


@EVERY_LAYOUT
@settings(max_examples=5, deadline=None)
@given(data=st.data())
def test_fields_are_what_bitstring_unpacks(layout: type[Layout], data: st.DataObject) -> None:
    view = layout(data.draw(numbers(layout)))
    assert list(view.fields().values()) == view.to_bits().unpack(dtypes(layout))


@EVERY_LAYOUT
@settings(max_examples=5, deadline=None)
@given(data=st.data())
def test_pack_gives_what_bitstring_packs(layout: type[Layout], data: st.DataObject) -> None:
    fields = {
        name: data.draw(st.integers(0, item.limit), label=name)
        for name, item in layout.FIELDS.items()
    }
    assert layout.pack(**fields) == bitstring.pack(layout.format(), **fields).uint


@EVERY_LAYOUT
@settings(max_examples=5, deadline=None)
@given(data=st.data())
def test_every_form_gives_the_same_view_back(layout: type[Layout], data: st.DataObject) -> None:
    view = layout(data.draw(numbers(layout)))
    assert layout.from_bits(view.to_bits()) == view
    assert layout.from_bytes(view.to_bytes()) == view
    assert layout(layout.pack(**view.fields())) == view


@EVERY_LAYOUT
def test_masks_of_the_fields_tile_the_layout(layout: type[Layout]) -> None:
    masks = [layout.mask(name) for name in layout.FIELDS]
    assert sum(masks) == layout.mask(*layout.FIELDS) == (1 << layout.BITS) - 1


@EVERY_LAYOUT
def test_views_have_no_room_for_misspelt_fields(layout: type[Layout]) -> None:
    with pytest.raises(AttributeError):
        layout(0).MISSPELT = 1  # type: ignore[attr-defined]


def test_fields_are_read_only() -> None:
    with pytest.raises(AttributeError):
        RootEntry(0).P = 1


def test_memory_is_little_endian_and_bits_start_at_the_top() -> None:
    entry = RootEntry(RootEntry.pack(P=1, CTP_address=0x1234_5000))
    assert entry.to_bytes() == bytes.fromhex("01503412 00000000 00000000 00000000")
    assert entry.to_bits().hex == "00000000000000000000000012345001"


def test_format_is_in_bitstring_syntax_from_the_top_bit_down() -> None:
    assert RootEntry.format() == "u64=RSVD_127_64, u52=CTP, u11=RSVD_11_1, u1=P"


@pytest.mark.parametrize(
    ("layout", "name", "address", "value"),
    [
        (RootEntry, "CTP", 0xABC_DEF0_1000, 0xABC_DEF0_1000),
        (ScalableRootEntry, "UCTP", 0x5000, 0x5000 << 64),
        (PasidTableEntry, "FSPTPTR", 0x7000, 0x7000 << 128),
        (PasidTableEntry, "HPTPTR", 0x9000, 0x9000 << 256),
        (SsPdpe1G, "ADDR", 0x1_4000_0000, 0x1_4000_0080),
        (FsPde2M, "ADDR", 0x1_4020_0000, 0x1_4020_0080),
        (InvalidationWait, "STADDR", 0x1_0000_0004, (0x1_0000_0004 << 64) | 5),
        (IrtePosted, "PDA", 0x12_3456_7FC0, (0x12 << 96) | (0x3456_7FC0 << 32) | 1 << 15),
    ],
)
def test_addresses_are_packed_and_read_as_byte_addresses(
    layout: type[Layout], name: str, address: int, value: int
) -> None:
    assert layout.pack(**{f"{name}_address": address}) == value
    assert getattr(layout(value), f"{name}_address") == address
    assert layout(value).address_of(name) == address


@pytest.mark.parametrize(
    ("layout", "fields", "value"),
    [
        (RemapMsiAddress, {"HANDLE": 0x8001}, 0xFEE0_0034),
        (DeviceTlbInvalidate, {"PFSID": 0xABC5}, (0xABC << 52) | (0x5 << 12) | 3),
        (IrteRemapped, {"DST_XAPIC": 0x5A}, 0x5A << 40),
        (FaultRecord, {"TYPE": 0b01}, 1 << 92),
        (FaultRecord, {"TYPE": 0b10}, 1 << 126),
        (FaultRecord, {"INDEX": 0xBEEF}, 0xBEEF << 48),
    ],
)
def test_a_value_kept_in_parts_has_one_name(
    layout: type[Layout], fields: dict[str, int], value: int
) -> None:
    assert layout.pack(**fields) == value
    assert {name: getattr(layout(value), name) for name in fields} == fields


def test_the_mask_of_an_alias_is_all_of_its_parts() -> None:
    assert FaultRecord.mask("TYPE") == FaultRecord.mask("T1", "T2")
    assert IrteRemapped.mask("DST_XAPIC") == 0xFF << 40
    assert RootEntry.mask("CTP_address") == RootEntry.mask("CTP")


def test_pack_fills_in_what_the_architecture_fixes() -> None:
    assert InvalidationWait(InvalidationWait.pack(SW=1)).TYPE == DescriptorType.WAIT
    assert InvalidationWait(InvalidationWait.pack(TYPE_3_0=9)).TYPE == 9


def test_replace_changes_nothing_but_the_fields_named() -> None:
    entry = ContextEntry(ContextEntry.pack(P=1, DID=0xFFFF, AW=2, SSPTPTR_address=0x1000))
    changed = ContextEntry(entry.replace(DID=5))
    assert changed.fields() == entry.fields() | {"DID": 5}


def test_views_are_equal_by_value_and_kind() -> None:
    assert RootEntry(5) == RootEntry(5) != RootEntry(1)
    assert RootEntry(5) != ScalableRootEntry(5)
    assert len({RootEntry(5), RootEntry(5), ScalableRootEntry(5)}) == 2


def test_repr_shows_the_fields_that_are_set() -> None:
    assert repr(SsPte(0x1234_5003)) == "SsPte(ADDR=0x12345, W=0x1, R=0x1)"


def test_rights_of_a_host_permission_entry_are_read_by_page() -> None:
    entry = HptL3e(HptL3e.pack(PP0_7=0x3000_0001))
    assert [entry.rights(page) for page in range(8)] == [1, 0, 0, 0, 0, 0, 0, 3]


def test_page_attributes_are_read_by_index() -> None:
    entry = PasidTableEntry(PasidTableEntry.pack(PAT=0x0007_0406))
    assert [entry.page_attribute(index) for index in range(8)] == [6, 0, 4, 0, 7, 0, 0, 0]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"DID": 0x1_0000}, "context_entry.DID: 0x10000 does not fit 16 bits"),
        ({"AW": -1}, "context_entry.AW: -0x1 does not fit 3 bits"),
        ({"SSPTPTR_address": 0x1008}, "context_entry.SSPTPTR_address: 0x1008 is no multiple of"),
        ({"SSPTPTR_address": 1 << 64}, "SSPTPTR_address: 0x10000000000000000 does not fit 64"),
    ],
)
def test_values_that_do_not_fit_are_refused(fields: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ContextEntry.pack(**fields)


def test_unknown_fields_are_refused_with_those_there_are() -> None:
    with pytest.raises(TypeError, match=r"root_entry has no field 'CPT'; it has .*CTP, .*P"):
        RootEntry.pack(CPT=1)
    with pytest.raises(TypeError, match="GCMD has no field 'TES'"):
        GCMD.mask("TES")
    with pytest.raises(TypeError, match="root_entry has no field 'P_address'"):
        RootEntry(0).address_of("P")


@pytest.mark.parametrize("value", [-1, 1 << 128])
def test_a_view_needs_a_value_that_fits(value: int) -> None:
    with pytest.raises(ValueError, match="does not fit 128 bits of root_entry"):
        RootEntry(value)


def test_a_view_needs_exactly_its_bytes_or_bits() -> None:
    with pytest.raises(ValueError, match="root_entry has 16 bytes, not 8"):
        RootEntry.from_bytes(bytes(8))
    with pytest.raises(ValueError, match="root_entry has 128 bits, not 64"):
        RootEntry.from_bits(bitstring.Bits.from_zeros(64))


def test_a_layout_with_a_gap_cannot_be_declared() -> None:
    with pytest.raises(ValueError, match="Gap: the fields have 63 bits together, the layout 64"):

        class Gap(Layout, name="gap", bits=64):
            HIGH: int = field("u32")
            LOW: int = field("u31")


def test_an_address_property_must_be_annotated() -> None:
    with pytest.raises(
        ValueError, match=r"Bare: the class body annotates \[\], not \['ADDR_address'\]"
    ):

        class Bare(Layout, name="bare", bits=64):
            ADDR: int = field("u52")
            RSVD_11_0: int = field("u12")


def test_a_field_needs_an_unsigned_dtype() -> None:
    with pytest.raises(ValueError, match="dtype 'i8' is not one of"):

        class Signed(Layout, name="signed", bits=8):
            ALL: int = field("i8")


def test_an_alias_needs_a_field() -> None:
    with pytest.raises(ValueError, match="alias of 'NONE', which is no field"):

        class Astray(Layout, name="astray", bits=8):
            ALL: int = field("u8")
            PART: int = alias("NONE")
