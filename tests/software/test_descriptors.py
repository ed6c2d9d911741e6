"""What is to be forgotten, as descriptors."""

from __future__ import annotations

import pytest

from vtd_plugin.encodings.capabilities import Capabilities
from vtd_plugin.encodings.codes import IotlbGranularity
from vtd_plugin.encodings.registers import CAP
from vtd_plugin.encodings.structures import DeviceTlbInvalidate, PasidDeviceTlbInvalidate
from vtd_plugin.software import descriptors
from vtd_plugin.software.pages import PAGE_1G, PAGE_2M, PAGE_4K

IOVA = 0x1_4020_3000
DID, PASID, SID = 0x12, 0x34567, 0x20


def caps(psi: int = 1, mamv: int = 18) -> Capabilities:
    return Capabilities(0x50, CAP.pack(PSI=psi, MAMV=mamv), 0, 48)


@pytest.mark.parametrize(
    ("descriptor", "fields"),
    [
        (descriptors.context_cache(), {"G": 1}),
        (descriptors.context_cache(DID), {"G": 2, "DID": DID}),
        (descriptors.context_cache(DID, SID, 3), {"G": 3, "DID": DID, "SID": SID, "FM": 3}),
        (descriptors.iotlb(), {"G": 1, "DR": 1, "DW": 1}),
        (descriptors.iotlb(DID), {"G": 2, "DID": DID, "DR": 1, "DW": 1}),
        (descriptors.pasid_cache(), {"G": 3}),
        (descriptors.pasid_cache(DID), {"G": 0, "DID": DID}),
        (descriptors.pasid_cache(DID, PASID), {"G": 1, "DID": DID, "PASID": PASID}),
        (descriptors.pasid_iotlb(DID, PASID), {"G": 2, "DID": DID, "PASID": PASID}),
        (
            descriptors.pasid_iotlb_pages(DID, PASID, IOVA, PAGE_4K, leaves_only=True),
            {"G": 3, "DID": DID, "PASID": PASID, "ADDR_address": IOVA, "IH": 1},
        ),
        (descriptors.device_tlb(SID, None, IOVA, PAGE_4K), {"SID": SID, "ADDR_address": IOVA}),
    ],
    ids=repr,
)
def test_a_descriptor_has_the_fields_asked_for_and_no_other(
    descriptor: descriptors.Descriptor, fields: dict[str, int]
) -> None:
    assert descriptor.value == type(descriptor).pack(**fields)


@pytest.mark.parametrize(
    ("iova", "size", "address", "mask"),
    [
        (IOVA, PAGE_4K, IOVA, 0),
        (0x5000, 2 * PAGE_4K, 0x4000, 2),
        (0x6000, 2 * PAGE_4K, 0x6000, 1),
        (PAGE_2M, PAGE_2M, PAGE_2M, 9),
        (PAGE_1G, PAGE_1G, PAGE_1G, 18),
    ],
)
def test_pages_are_covered_by_one_aligned_block(
    iova: int, size: int, address: int, mask: int
) -> None:
    descriptor = descriptors.iotlb_pages(caps(), DID, iova, size)
    assert (descriptor.G, descriptor.ADDR_address) == (IotlbGranularity.PAGE, address)
    assert (mask, DID, 0) == (descriptor.AM, descriptor.DID, descriptor.IH)


@pytest.mark.parametrize(
    ("unit", "size"), [(caps(psi=0), PAGE_4K), (caps(mamv=8), PAGE_2M), (caps(), 2 * PAGE_1G)]
)
def test_what_a_unit_cannot_do_by_page_is_done_by_domain(unit: Capabilities, size: int) -> None:
    assert descriptors.iotlb_pages(unit, DID, 0, size) == descriptors.iotlb(DID)


@pytest.mark.parametrize(
    ("pages", "low_bits"), [(2, 0x0000), (4, 0x1000), (8, 0x3000), (512, 0xFF000)]
)
def test_a_device_learns_the_size_from_the_lowest_zero_bit(pages: int, low_bits: int) -> None:
    base = 0x1_4020_0000
    descriptor = descriptors.device_tlb(SID, PASID, base, pages * PAGE_4K)
    assert isinstance(descriptor, PasidDeviceTlbInvalidate)
    assert (descriptor.S, descriptor.ADDR_address) == (1, base | low_bits)
    assert (descriptor.SID, descriptor.PASID) == (SID, PASID)


def test_a_device_forgets_everything_by_default() -> None:
    descriptor = descriptors.device_tlb(SID)
    assert isinstance(descriptor, DeviceTlbInvalidate)
    assert (descriptor.S, descriptor.ADDR_address) == (1, 0x7FFF_FFFF_FFFF_F000)


def test_half_an_address_is_refused() -> None:
    with pytest.raises(ValueError, match=r"00:04\.0 is given without a domain-id"):
        descriptors.context_cache(source_id=SID)
    with pytest.raises(ValueError, match="PASID 0x34567 is given without a domain-id"):
        descriptors.pasid_cache(pasid=PASID)
    with pytest.raises(ValueError, match="does not fit 16 bits"):
        descriptors.iotlb(0x1_0000)
