"""Invalidations, each as the descriptor that asks for it (sections 6.5.1 and 6.5.2).

The descriptors of the invalidation queue are the vocabulary in which all of this package says what
is to be forgotten; `invalidation` turns them into register writes where a unit has no queue.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from vtd_plugin.bus.source_id import format_source_id
from vtd_plugin.encodings.codes import (
    ContextGranularity,
    InterruptEntryGranularity,
    IotlbGranularity,
    PasidCacheGranularity,
    PasidIotlbGranularity,
    ResponseCode,
)
from vtd_plugin.encodings.structures import (
    ContextInvalidate,
    DeviceTlbInvalidate,
    InterruptEntryInvalidate,
    IotlbInvalidate,
    PageGroupResponse,
    PasidCacheInvalidate,
    PasidDeviceTlbInvalidate,
    PasidIotlbInvalidate,
)
from vtd_plugin.software.pages import PAGE_4K, covering_block

if TYPE_CHECKING:
    from vtd_plugin.encodings.capabilities import Capabilities
    from vtd_plugin.encodings.structures import PageRequest

Descriptor: TypeAlias = (
    ContextInvalidate
    | PasidCacheInvalidate
    | IotlbInvalidate
    | PasidIotlbInvalidate
    | DeviceTlbInvalidate
    | PasidDeviceTlbInvalidate
    | InterruptEntryInvalidate
    | PageGroupResponse
)
"""What this module makes."""

_EVERYTHING: Final = 1 << 64


def context_cache(
    domain_id: int | None = None, source_id: int | None = None, function_mask: int = 0
) -> ContextInvalidate:
    """Forget context entries: all, those of a domain, or those of a device in a domain.

    Args:
        domain_id: The domain; not looked at in scalable mode.
        source_id: The device.
        function_mask: How many of the low function bits of `source_id` to ignore, 0 to 3.

    Raises:
        ValueError: `source_id` is given without `domain_id`, or a value is too wide.
    """
    if domain_id is None:
        if source_id is not None:
            raise ValueError(f"{format_source_id(source_id)} is given without a domain-id")
        return ContextInvalidate(ContextInvalidate.pack(G=ContextGranularity.GLOBAL))
    if source_id is None:
        value = ContextInvalidate.pack(G=ContextGranularity.DOMAIN, DID=domain_id)
    else:
        value = ContextInvalidate.pack(
            G=ContextGranularity.DEVICE, DID=domain_id, SID=source_id, FM=function_mask
        )
    return ContextInvalidate(value)


def iotlb(domain_id: int | None = None) -> IotlbInvalidate:
    """Forget translations: all, or those of a domain; what is in flight with them is drained.

    Args:
        domain_id: The domain.
    """
    if domain_id is None:
        fields: dict[str, int] = {"G": IotlbGranularity.GLOBAL}
    else:
        fields = {"G": IotlbGranularity.DOMAIN, "DID": domain_id}
    return IotlbInvalidate(IotlbInvalidate.pack(DR=1, DW=1, **fields))


def iotlb_pages(
    capabilities: Capabilities, domain_id: int, iova: int, size: int, *, leaves_only: bool = False
) -> IotlbInvalidate:
    """Forget the translations of a range of a domain, or more where the unit is not as precise.

    Args:
        capabilities: What the unit has: PSI and MAMV decide whether all of the domain goes.
        domain_id: The domain.
        iova: First address.
        size: Bytes, at least 1.
        leaves_only: Whether no entry that points to a table has changed (IH=1).
    """
    block, mask = covering_block(iova, size)
    if not capabilities.CAP.PSI or mask > capabilities.CAP.MAMV:
        return iotlb(domain_id)
    value = IotlbInvalidate.pack(
        G=IotlbGranularity.PAGE,
        DR=1,
        DW=1,
        DID=domain_id,
        ADDR_address=block,
        AM=mask,
        IH=int(leaves_only),
    )
    return IotlbInvalidate(value)


def pasid_cache(domain_id: int | None = None, pasid: int | None = None) -> PasidCacheInvalidate:
    """Forget PASID-table entries: all, those of a domain, or one PASID in a domain.

    Args:
        domain_id: The domain.
        pasid: The PASID.

    Raises:
        ValueError: `pasid` is given without `domain_id`, or a value is too wide.
    """
    if domain_id is None:
        if pasid is not None:
            raise ValueError(f"PASID {pasid:#x} is given without a domain-id")
        fields: dict[str, int] = {"G": PasidCacheGranularity.GLOBAL}
    elif pasid is None:
        fields = {"G": PasidCacheGranularity.DOMAIN, "DID": domain_id}
    else:
        fields = {"G": PasidCacheGranularity.PASID, "DID": domain_id, "PASID": pasid}
    return PasidCacheInvalidate(PasidCacheInvalidate.pack(**fields))


def pasid_iotlb(domain_id: int, pasid: int) -> PasidIotlbInvalidate:
    """Forget the translations of a PASID in a domain.

    Args:
        domain_id: The domain.
        pasid: The PASID.
    """
    value = PasidIotlbInvalidate.pack(G=PasidIotlbGranularity.PASID, DID=domain_id, PASID=pasid)
    return PasidIotlbInvalidate(value)


def pasid_iotlb_pages(
    domain_id: int, pasid: int, iova: int, size: int, *, leaves_only: bool = False
) -> PasidIotlbInvalidate:
    """Forget the first-stage translations of a range of a PASID in a domain.

    Args:
        domain_id: The domain.
        pasid: The PASID.
        iova: First address.
        size: Bytes, at least 1.
        leaves_only: Whether no entry that points to a table has changed (IH=1).
    """
    block, mask = covering_block(iova, size)
    value = PasidIotlbInvalidate.pack(
        G=PasidIotlbGranularity.PAGE,
        DID=domain_id,
        PASID=pasid,
        ADDR_address=block,
        AM=mask,
        IH=int(leaves_only),
    )
    return PasidIotlbInvalidate(value)


def device_tlb(
    source_id: int, pasid: int | None = None, iova: int = 0, size: int = _EVERYTHING
) -> DeviceTlbInvalidate | PasidDeviceTlbInvalidate:
    """Let a device forget the translations of a range.

    Args:
        source_id: The device.
        pasid: The PASID; None for translations of requests without.
        iova: First address; by default all of them.
        size: Bytes, at least 1.
    """
    block, mask = covering_block(iova, size)
    # The lowest zero bit of the address says how many pages there are (section 4.2.3).
    pages = PAGE_4K << mask
    fields = {"SID": source_id, "S": int(mask > 0)}
    fields["ADDR_address"] = block + pages // 2 - PAGE_4K if mask else block
    if pasid is None:
        return DeviceTlbInvalidate(DeviceTlbInvalidate.pack(**fields))
    return PasidDeviceTlbInvalidate(PasidDeviceTlbInvalidate.pack(PASID=pasid, **fields))


def interrupt_entries(index: int | None = None, index_mask: int = 0) -> InterruptEntryInvalidate:
    """Forget interrupt-remapping table entries: all, or those of an aligned block.

    Args:
        index: Index of an entry of the block.
        index_mask: The block has 2^index_mask entries, up to ECAP.MHMV.

    Raises:
        ValueError: A value is too wide.
    """
    if index is None:
        fields: dict[str, int] = {"G": InterruptEntryGranularity.GLOBAL}
    else:
        fields = {"G": InterruptEntryGranularity.INDEX, "IIDX": index, "IM": index_mask}
    return InterruptEntryInvalidate(InterruptEntryInvalidate.pack(**fields))


def page_response(
    request: PageRequest, code: ResponseCode = ResponseCode.SUCCESS
) -> PageGroupResponse:
    """Answer a group of page requests (section 7.6.1); no invalidation, but queued like one.

    Args:
        request: Any request of the group.
        code: What became of the group.
    """
    fields = {"PRGI": request.PRGI, "RID": request.RID, "PP": request.PP}
    # Without PP the PASID of a request is not defined.
    pasid = request.PASID if request.PP else 0
    return PageGroupResponse(PageGroupResponse.pack(PASID=pasid, RC=code, **fields))
