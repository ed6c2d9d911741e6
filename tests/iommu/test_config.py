"""What a unit can be configured to be, and what callers of the unit may ask."""

from __future__ import annotations

from typing import Any

import pytest

from tests.iommu.bench import HOST, IOVA, Bench, Mapped
from vtd_plugin import Platform, VtdConfig, VtdUnit
from vtd_plugin.bus import Translation
from vtd_plugin.encodings.registers import CAP, ECAP, FRCD, IOTLB, VER
from vtd_plugin.iommu import CacheSizes


def test_software_reads_the_capabilities_that_were_named() -> None:
    bench = Bench(VtdConfig(version=0x40, CM=1, NFR=3, SAGAW=0b1110, MGAW=56, DT=1))
    cap, ecap = bench.registers.read(CAP), bench.registers.read(ECAP)
    assert bench.registers.read(VER).value == 0x40
    assert (cap.CM, cap.NFR, cap.SAGAW, cap.MGAW, ecap.DT) == (1, 3, 0b1110, 56, 1)


def test_register_values_of_a_machine_are_taken_as_they_are() -> None:
    config = VtdConfig.from_registers(0x50, 0xD2_008C_4066_0462, 0xF0_0F4A, host_address_width=39)
    bench = Bench(config)
    assert bench.registers.read(CAP).value == 0xD2_008C_4066_0462
    assert bench.registers.read(ECAP).value == 0xF0_0F4A
    assert repr(config) == (
        "VtdConfig.from_registers(0x50, 0xd2008c40660462, 0xf00f4a, host_address_width=39)"
    )


def test_a_machine_may_claim_what_the_architecture_would_not_combine() -> None:
    nested_alone = ECAP.pack(QI=1, NEST=1, IRO=0x50)
    config = VtdConfig.from_registers(0x50, CAP.pack(FRO=0x40, SAGAW=0b10), nested_alone)
    assert config.capabilities.ECAP.NEST


@pytest.mark.parametrize(
    ("capabilities", "message"),
    [
        pytest.param({"ND": 7}, r"CAP\.ND is 0x7.*allowed are 0 to 6", id="domain-ids-reserved"),
        pytest.param({"SSLPS": 2}, r"CAP\.SSLPS is 0x2; allowed are 0, 1", id="1g-without-2m"),
        pytest.param({"SSLPS": 7}, r"CAP\.SSLPS is 0x7; allowed", id="page-size-unknown"),
        pytest.param({"SAGAW": 0b00001}, r"CAP\.SAGAW is 0b00001; bits 0 and 4", id="width-30"),
        pytest.param({"SAGAW": 0b10000}, r"CAP\.SAGAW is 0b10000; bits 0 and 4", id="width-64"),
        pytest.param({"MGAW": 64}, r"MGAW.*0x40", id="too-wide-for-its-field"),
        pytest.param({"FRO": 0x8}, r"FRCD\[0\] at 0x80 overlaps IQH", id="records-over-the-queue"),
        pytest.param({"IRO": 0x40}, r"FRCD\[0\] at 0x400 overlaps IVA", id="records-over-iotlb"),
        pytest.param(
            {"NFR": 255, "IRO": 0x20},
            r"FRCD\[192\] would end at 0x1010, past.*FRO",
            id="records-to-the-end",
        ),
        pytest.param({"IRO": 0x3FF}, r"IVA would end at 0x3ff8, past.*IRO", id="iotlb-outside"),
        pytest.param({"PRS": 1}, r"ECAP\.PRS is 0x1 but what it needs", id="page-requests-alone"),
        pytest.param({"PI": 1}, r"CAP\.PI is 0x1 but what it needs", id="posting-alone"),
        pytest.param({"SMTS": 1, "RWBF": 1}, r"CAP\.RWBF is 1", id="write-buffer-and-scalable"),
        pytest.param({"version": 0x100}, r"VER is 0x100; it must fit in 8 bits", id="version"),
        pytest.param({"host_address_width": 31}, "width 31 is not within 32", id="platform-narrow"),
        pytest.param({"host_address_width": 53}, "width 53 is not within 32", id="platform-wide"),
        pytest.param(
            {"replacement": "mru"}, "'mru' .* 'lru', 'fifo', 'random'", id="no-such-replacement"
        ),
    ],
)
def test_capabilities_that_contradict_each_other_are_refused(
    capabilities: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        VtdConfig(**capabilities)


def test_a_misspelt_capability_is_refused_with_a_hint() -> None:
    with pytest.raises(TypeError, match=r"no capability is named 'SAGAV'; did you mean .*SAGAW"):
        VtdConfig(SAGAV=6)


def test_what_is_no_configuration_is_refused() -> None:
    with pytest.raises(TypeError, match=r"cache_sizes is \{'iotlb': 4\}; give CacheSizes"):
        VtdConfig(cache_sizes={"iotlb": 4})  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="VtdConfig'> is no configuration; give VtdConfig"):
        VtdUnit(VtdConfig)  # type: ignore[arg-type]


@pytest.mark.parametrize("cache", ["context", "pasid", "paging_structure", "iotlb"])
def test_a_cache_of_less_than_no_entries_is_refused(cache: str) -> None:
    with pytest.raises(ValueError, match="-1 entries"):
        Platform(load_entry_points=False).add_unit(
            VtdUnit(VtdConfig(cache_sizes=CacheSizes(**{cache: -1})))
        )


@pytest.mark.parametrize("nfr", [0, 1, 15])
@pytest.mark.parametrize("fro", [0x20, 0x80, 0xEF])
def test_fault_and_iotlb_registers_lie_where_the_capabilities_say(nfr: int, fro: int) -> None:
    config = VtdConfig(NFR=nfr, FRO=fro, IRO=0x1F)
    assert FRCD.offset_in(config.capabilities, nfr) == 16 * (fro + nfr)
    bench = Bench(config)
    bench.registers.write(IOTLB, IOTLB.pack(IVT=1, IIRG=1))
    assert bench.unit.read_register(0x1F8 + 4, 4) == IOTLB.pack(IIRG=1, IAIG=1) >> 32


# --- callers of the unit


def test_a_unit_off_the_platform_answers_nobody() -> None:
    with pytest.raises(RuntimeError, match="'spare' is on no platform"):
        VtdUnit(name="spare").translate(0x20, 0)


def test_a_unit_stands_on_one_platform_only() -> None:
    unit = VtdUnit()
    Platform(load_entry_points=False).add_unit(unit)
    with pytest.raises(ValueError, match="on a platform already"):
        Platform(load_entry_points=False).add_unit(unit)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(
            {"iova": 1 << 64}, "address 0x10000000000000000 does not fit in 64 bits", id="iova"
        ),
        pytest.param({"iova": -1}, "address -0x1 does not fit in 64 bits", id="negative-iova"),
        pytest.param({"pasid": 1 << 20}, "0x100000 does not fit in 20 bits", id="pasid"),
        pytest.param({"size": -1}, "-0x1 bytes", id="negative-size"),
        pytest.param({"iova": 0xFFF, "size": 2}, "0x2 bytes at 0xfff", id="over-a-page-border"),
        pytest.param({"source_id": 0x1_0000}, "0x10000", id="source-id"),
        pytest.param({"source_id": "00:04"}, "00:04", id="source-id-in-words"),
    ],
)
def test_a_question_out_of_range_is_the_callers_mistake(
    arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Bench().unit.translate(**{"source_id": 0x20, "iova": 0} | arguments)


@pytest.mark.parametrize("source_id", [0x20, "00:04.0", "0000:00:04.0"])
def test_a_requester_may_be_named_in_words(source_id: int | str) -> None:
    answer = Mapped().unit.translate(source_id, IOVA + 0x10)
    assert isinstance(answer, Translation)
    assert answer.address(IOVA + 0x10) == HOST + 0x10
