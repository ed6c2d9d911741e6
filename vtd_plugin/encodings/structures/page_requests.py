"""Page requests and the answers to them (sections 7.4.1.1 and 7.6.1)."""

from __future__ import annotations

from vtd_plugin.encodings._field import alias, field
from vtd_plugin.encodings._layout import Layout
from vtd_plugin.encodings.codes import DescriptorType


class PageGroupResponse(
    Layout, name="page_grp_resp_dsc", bits=256, modes="256 only", section="7.6.1"
):
    """Software's answer to a group of page requests."""

    RSVD_255_76: int = field("u180", "reserved")
    PRGI: int = field("u9")
    IGN_66_64: int = field("u3", "ignored (bit 66 was LPIG)")
    RSVD_63_52: int = field("u12", "reserved")
    PASID: int = field("u20", "ignored if PP=0")
    RID: int = field("u16")
    RC: int = field("u4")
    TYPE_6_4: int = field("u3", "0")
    RSVD_8_5: int = field("u4", "reserved")
    PP: int = field("u1")
    TYPE_3_0: int = field(
        "u4", "type 0x9; invalid if PRS=0", fixed=DescriptorType.PAGE_GROUP_RESPONSE
    )
    TYPE: int = alias("TYPE_6_4", "TYPE_3_0")


class PageRequest(
    Layout, name="page_req_dsc", bits=256, modes="page request queue", section="7.4.1.1"
):
    """One page request, as hardware writes it into the page request queue."""

    RSVD_255_128: int = field("u128", "reserved")
    ADDR: int = field("u52")
    PRGI: int = field("u9", "undefined if RDR=WRR=0")
    LPIG: int = field("u1")
    WRR: int = field("u1")
    RDR: int = field("u1")
    RSVD_63_54: int = field("u10", "reserved")
    PMR: int = field("u1", "supervisor request")
    EXR: int = field("u1", "means execute only with PP=RDR=1")
    PASID: int = field("u20", "undefined if PP=0")
    RID: int = field("u16")
    RSVD_15_9: int = field("u7", "reserved")
    PP: int = field("u1")
    TYPE: int = field("u8", "0x01", fixed=0x01)
    ADDR_address: int
