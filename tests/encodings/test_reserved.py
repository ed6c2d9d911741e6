from __future__ import annotations

import pytest

from tests.encodings.units import bare_unit, bits, full_unit
from vtd_plugin.encodings.registers import RTADDR
from vtd_plugin.encodings.structures import (
    STRUCTURES,
    ContextEntry,
    DeviceTlbInvalidate,
    FaultRecord,
    FsPde2M,
    FsPdpe1G,
    FsPdpeTable,
    FsPml5e,
    FsPte,
    HptL1e,
    HptL2e,
    HptL3e,
    HptL4e,
    InvalidationWait,
    IotlbInvalidate,
    IrtePosted,
    IrteRemapped,
    Layout,
    PasidDeviceTlbInvalidate,
    PasidDirectoryEntry,
    PasidTableEntry,
    PasidTableEntryRev3,
    RootEntry,
    ScalableContextEntry,
    ScalableRootEntry,
    SsPde2M,
    SsPdeTable,
    SsPdpe1G,
    SsPdpeTable,
    SsPml4e,
    SsPml5e,
    SsPte,
)

SECOND_STAGE = [SsPml5e, SsPml4e, SsPdpeTable, SsPdeTable, SsPdpe1G, SsPde2M, SsPte]


@pytest.mark.parametrize("haw", [39, 46, 52])
@pytest.mark.parametrize(
    ("layout", "top", "shift"),
    [
        (RootEntry, 63, 0),
        (ScalableRootEntry, 63, 0),
        (ScalableRootEntry, 127, 64),
        (ContextEntry, 63, 0),
        (ScalableContextEntry, 63, 0),
        (PasidDirectoryEntry, 63, 0),
        (PasidTableEntry, 63, 0),
        (PasidTableEntry, 191, 128),
        (PasidTableEntry, 319, 256),
        (FsPml5e, 51, 0),
        (FsPte, 51, 0),
        (FsPde2M, 51, 0),
        (FsPdpe1G, 51, 0),
        (SsPml5e, 51, 0),
        (SsPte, 51, 0),
        (SsPde2M, 51, 0),
        (SsPdpe1G, 51, 0),
        (IrtePosted, 127, 64),
        (HptL4e, 115, 64),
        (HptL2e, 115, 64),
    ],
)
def test_address_bits_beyond_the_host_address_width_are_reserved(
    layout: type[Layout], top: int, shift: int, haw: int
) -> None:
    pointer = bits(top, shift + 32)
    assert layout.reserved(full_unit(haw)) & pointer == bits(top, shift + haw)


def test_addresses_in_descriptors_are_not_held_to_the_host_address_width() -> None:
    unit = full_unit(39)
    assert IotlbInvalidate.reserved(unit) & IotlbInvalidate.mask("ADDR") == 0
    assert InvalidationWait.reserved(unit) & InvalidationWait.mask("STADDR") == 0


@pytest.mark.parametrize("nd", range(7))
@pytest.mark.parametrize(
    ("layout", "name"),
    [(ContextEntry, "DID"), (PasidTableEntry, "DID"), (PasidTableEntry, "HPTDID")],
)
def test_domain_id_bits_beyond_nd_are_reserved(layout: type[Layout], name: str, nd: int) -> None:
    field = layout.FIELDS[name]
    reserved = layout.reserved(full_unit(ND=nd)) & field.mask
    assert reserved == bits(field.msb, field.lsb) & -1 << field.lsb + 4 + 2 * nd


NEEDS = [
    (ScalableContextEntry, "RID_PRIV", "RPRIVS"),
    (ScalableContextEntry, "RID_PASID", "RPS"),
    (ScalableContextEntry, "EPTR", "PTRS"),
    (ScalableContextEntry, "HPTE", "HPTS"),
    (ScalableContextEntry, "PRE", "PRS"),
    (ScalableContextEntry, "PASIDE", "PASID"),
    (ScalableContextEntry, "DTE", "DT"),
    (PasidTableEntry, "HPTDID", "HPTS"),
    (PasidTableEntry, "HPTPTR", "HPTS"),
    (PasidTableEntry, "HPTPFD", "HPTS"),
    (PasidTableEntry, "HPTSZ", "HPTS"),
    (PasidTableEntry, "FSPTPTR", "FSTS"),
    (PasidTableEntry, "EAFE", "EAFS"),
    (PasidTableEntry, "WPE", "FSTS"),
    (PasidTableEntry, "FSPM", "FSTS"),
    (PasidTableEntry, "SRE", "SRS"),
    (PasidTableEntry, "PAT", "MTS"),
    (PasidTableEntry, "EMTE", "MTS"),
    (PasidTableEntry, "CD", "MTS"),
    (PasidTableEntry, "PGSNP", "SC"),
    (PasidTableEntry, "PWSNP", "SMPWCS"),
    (PasidTableEntry, "SSPTPTR", "SSTS"),
    (PasidTableEntry, "SSADE", "SSTS"),
    (PasidTableEntry, "SSADE", "SSADS"),
    (PasidTableEntry, "AW", "SSTS"),
    (FsPdpe1G, "PS", "FS1GP"),
    (SsPte, "SNP", "SC"),
    (SsPde2M, "SNP", "SC"),
    (SsPdpe1G, "SNP", "SC"),
    (IrteRemapped, "IM", "PI"),
    (IrtePosted, "IM", "PI"),
    (IrtePosted, "URG", "PI"),
    (FaultRecord, "AT", "DT"),
    (FaultRecord, "PV", "PASID"),
    (FaultRecord, "PP", "PASID"),
    (FaultRecord, "EXE", "PASID"),
    (FaultRecord, "PRIV", "PASID"),
    (DeviceTlbInvalidate, "PFSID_15_4", "DIT"),
    (DeviceTlbInvalidate, "PFSID_3_0", "DIT"),
    (PasidDeviceTlbInvalidate, "PFSID_15_4", "DIT"),
    (PasidDeviceTlbInvalidate, "PFSID_3_0", "DIT"),
    (InvalidationWait, "PD", "PDS"),
]


@pytest.mark.parametrize(("layout", "name", "capability"), NEEDS)
def test_a_field_is_reserved_where_its_capability_is_absent(
    layout: type[Layout], name: str, capability: str
) -> None:
    lowest_bit = 1 << layout.FIELDS[name].lsb
    absent = full_unit(**{capability: 0})
    assert layout.mask(name) & ~layout.reserved(absent) == 0
    assert lowest_bit & layout.reserved(full_unit()) == 0


def test_every_conditional_field_is_tested() -> None:
    conditional = {
        (layout, name)
        for layout in STRUCTURES
        for name, field in layout.FIELDS.items()
        if field.reserved_unless
    }
    tested = {(layout, name) for layout, name, _capability in NEEDS}
    tested |= {(layout, "IW") for layout in SECOND_STAGE}
    tested |= {(SsPde2M, "PS"), (SsPdpe1G, "PS"), (HptL3e, "PP0_7")}
    assert tested == conditional


@pytest.mark.parametrize(
    ("layout", "sslps", "reserved"),
    [
        (SsPde2M, 0b00, True),
        (SsPde2M, 0b01, False),
        (SsPde2M, 0b11, False),
        (SsPdpe1G, 0b00, True),
        (SsPdpe1G, 0b01, True),
        (SsPdpe1G, 0b11, False),
    ],
)
def test_each_second_stage_page_size_has_its_own_bit(
    layout: type[Layout], sslps: int, *, reserved: bool
) -> None:
    assert bool(layout.reserved(full_unit(SSLPS=sslps)) & layout.mask("PS")) is reserved


@pytest.mark.parametrize("layout", SECOND_STAGE)
def test_the_write_bit_of_i_o_requests_counts_only_where_it_is_enabled(
    layout: type[Layout],
) -> None:
    unit = full_unit()
    assert layout.reserved(unit) & layout.mask("IW", "IR") == layout.mask("IW")
    assert layout.reserved(unit, ssirwe=True) & layout.mask("IW", "IR") == 0


@pytest.mark.parametrize(
    ("layout", "reserved"),
    [
        (SsPml5e, bits(62, 62) | bits(51, 48) | 1 << 11 | 1 << 7),
        (SsPdpeTable, bits(62, 62) | bits(51, 48) | 1 << 11),
        (SsPdpe1G, bits(62, 62) | bits(51, 48) | bits(29, 11) | 1 << 7),
        (SsPde2M, bits(62, 62) | bits(51, 48) | bits(20, 11) | 1 << 7),
        (SsPte, bits(62, 62) | bits(51, 48) | 1 << 11),
        (FsPml5e, bits(51, 48) | 1 << 7),
        (FsPdpeTable, bits(51, 48)),
        (FsPdpe1G, bits(51, 48) | bits(29, 13) | 1 << 7),
        (FsPde2M, bits(51, 48) | bits(20, 13)),
        (FsPte, bits(51, 48)),
    ],
)
def test_paging_entries_of_a_unit_without_capabilities(layout: type[Layout], reserved: int) -> None:
    assert layout.reserved(bare_unit(48)) == reserved


@pytest.mark.parametrize(
    ("layout", "name"), [(HptL3e, "PP0_7"), (HptL2e, "PP0_15"), (HptL1e, "PP0_31")]
)
def test_the_upper_half_of_every_page_permission_is_reserved(
    layout: type[Layout], name: str
) -> None:
    field = layout.FIELDS[name]
    reserved = layout(layout.reserved(full_unit())).fields()[name]
    assert f"{reserved:x}" == "c" * (field.width // 4)


def test_page_permissions_of_1_gib_pages_need_the_capability() -> None:
    unit = full_unit(HPT1GPS=0)
    assert HptL3e(HptL3e.reserved(unit)).PP0_7 == 0xFFFF_FFFF
    assert HptL2e(HptL2e.reserved(unit)).PP0_15 == 0xCCCC_CCCC_CCCC_CCCC


def test_fields_of_revision_3_are_reserved_or_ignored_later() -> None:
    unit = full_unit()
    added = PasidTableEntryRev3.mask("SLEE", "EMT", "PWT", "PCD", "ERE", "NXE", "SMEP")
    assert PasidTableEntryRev3.reserved(unit) & added == 0
    assert PasidTableEntry.reserved(unit) & added == added & ~bits(134, 133)
    assert PasidTableEntry.reserved(unit) & ~added == PasidTableEntryRev3.reserved(unit)


@pytest.mark.parametrize("layout", STRUCTURES)
def test_ignored_fields_are_never_reserved(layout: type[Layout]) -> None:
    ignored = [name for name, field in layout.FIELDS.items() if field.ignored]
    assert layout.reserved(bare_unit(32)) & layout.mask(*ignored) == 0


def test_register_fields_whose_requirement_is_absent_are_reserved() -> None:
    assert RTADDR.reserved(full_unit()) == RTADDR.mask("RSVD_9_8", "RSVD_6_0")
    assert RTADDR.reserved(bare_unit()) & RTADDR.mask("SSIRWE")
