"""Every fault condition of the architecture: code, cause, and the answer to each kind of request.

Sections 7.1.3 (requests) and 5.1.4.1 (interrupts). A code may have several conditions: hardware
reports the code, `Condition` says which of them it was. When a condition arises, and whether
FPD suppresses it, is the unit's business.
"""

from __future__ import annotations

from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from vtd_plugin.encodings._fault_row import (
    ANSWER_COLUMNS,
    FaultCondition,
    either,
    interrupt,
    legacy,
    scalable,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ANSWER_COLUMNS", "CONDITIONS_BY_NAME", "Condition", "FaultCondition"]


class Condition(Enum):
    """The assigned fault conditions, by their architectural names (`LRT.2` is `LRT_2`).

    Attributes:
        code: Fault reason, as in FRCD.FR.
        qualified: Whether FPD of the entries that were read suppresses the fault.
        text: The cause.
        answer_columns: The answer to each kind of request, by `ANSWER_COLUMNS`.
    """

    code: int
    qualified: bool
    text: str
    answer_columns: Mapping[str, str]

    def __init__(self, row: FaultCondition) -> None:
        # Copied, since reading through `value` costs several times a plain attribute.
        self.code, self.qualified = row.code, row.qualified
        self.text = row.condition
        answers = {column: getattr(row, column) for column in ANSWER_COLUMNS}
        self.answer_columns = MappingProxyType(answers)

    @property
    def name(self) -> str:
        """The architecture's name of the condition, such as `LRT.2`."""
        row: FaultCondition = self.value
        return row.name

    # Answers: untranslated, translation, translated request, each without and with PASID; page
    # request with and without response. Answers on the first line, so that they can be read down.
    # fmt: off
    LRT_2 = legacy(0x01, "LRT.2", "UR NA UR NA UR NA NA NA",
        "Root entry has P=0", qualified=False)
    LCT_2 = legacy(0x02, "LCT.2", "UR NA UR NA UR NA NA NA",
        "Context entry has P=0")
    LCT_4_1 = legacy(0x03, "LCT.4.1", "UR NA CA NA UR NA NA NA",
        "Context entry AW is not an AGAW the unit supports")
    LCT_4_2 = legacy(0x03, "LCT.4.2", "UR NA CA NA UR NA NA NA",
        "Context entry TT value is not supported (TT=1 w/o ECAP.DT; TT=2 w/o ECAP.PT; TT=3)")
    LCT_4_3 = legacy(0x03, "LCT.4.3", "UR NA CA NA NA NA NA NA",
        "Read of the top second-stage entry (via context.SSPTPTR) failed")
    LGN_1_1 = legacy(0x04, "LGN.1.1", "UR NA S0 NA NA NA NA NA",
        "Input address above 2^X-1; X=min(MGAW, context AW); untranslated or translation "
        "request")
    LGN_1_2 = legacy(0x04, "LGN.1.2", "NA NA NA NA UR NA NA NA",
        "Translated request address above HAW")
    LGN_1_3 = legacy(0x04, "LGN.1.3", "UR NA NA NA NA NA NA NA",
        "Untranslated request through TT=2 (pass-through) with address above HAW")
    LGN_2 = legacy(0x05, "LGN.2", "UR NA Seff NA NA NA NA NA",
        "Write or AtomicOp without write permission")
    LGN_3 = legacy(0x06, "LGN.3", "UR NA Seff NA NA NA NA NA",
        "Read or AtomicOp without read permission (not for zero-length reads to write-only "
        "pages when CAP.ZLR=1)")
    LSS_1 = legacy(0x07, "LSS.1", "UR NA CA NA NA NA NA NA",
        "Read of a lower second-stage entry (via ADDR of the entry above) failed",
        note="named LSL.1 in rev 3.x / VirtualBox")
    LRT_1 = legacy(0x08, "LRT.1", "UR NA CA NA UR NA NA NA",
        "Read of the root entry (via RTADDR.RTA) failed", qualified=False)
    LCT_1 = legacy(0x09, "LCT.1", "UR NA CA NA UR NA NA NA",
        "Read of the context entry (via root.CTP) failed", qualified=False)
    LRT_3 = legacy(0x0A, "LRT.3", "UR NA CA NA UR NA NA NA",
        "Root entry has P=1 and a non-zero reserved bit", qualified=False)
    LCT_3 = legacy(0x0B, "LCT.3", "UR NA CA NA UR NA NA NA",
        "Context entry has P=1 and a non-zero reserved bit")
    LSS_2 = legacy(0x0C, "LSS.2", "UR NA CA NA NA NA NA NA",
        "Second-stage entry with R or W set has a non-zero reserved bit",
        note="named LSL.2 in rev 3.x")
    LCT_5 = legacy(0x0D, "LCT.5", "NA NA UR NA UR NA NA NA",
        "Context entry TT (0 or 2) blocks translation requests and translated requests")
    LGN_4 = legacy(0x0E, "LGN.4", "UR NA CA NA UR NA NA NA",
        "Output address lies in 0xFEExxxxx (for translated and pass-through the output "
        "equals the request address)")
    IR_20 = interrupt(0x20, "IR.20",
        "Remappable-format request has a reserved field set (data[31:16] when SHV=1)",
        qualified=False)
    IR_21 = interrupt(0x21, "IR.21",
        "interrupt_index >= table size from IRTA.S, or IRTE address above HAW", qualified=False)
    IR_22 = interrupt(0x22, "IR.22",
        "IRTE P=0")
    IR_23 = interrupt(0x23, "IR.23",
        "Read of the IRTE (via IRTA) failed", qualified=False)
    IR_24 = interrupt(0x24, "IR.24",
        "Present IRTE has a reserved or conditionally reserved field wrongly set")
    IR_25 = interrupt(0x25, "IR.25",
        "Compatibility-format request blocked: EIME=1 or CFIS=0", qualified=False)
    IR_26 = interrupt(0x26, "IR.26",
        "Source-id check by SVT/SQ/SID failed",
        note="VirtualBox reports 0x24 here: wrong")
    IR_27 = interrupt(0x27, "IR.27",
        "Access to the posted-interrupt descriptor failed")
    IR_28 = interrupt(0x28, "IR.28",
        "Posted-interrupt descriptor has a reserved field set")
    IR_29 = interrupt(0x29, "IR.29",
        "Untranslated request-without-PASID into 0xFEExxxxx that is not a well-formed "
        "interrupt write (e.g. read, non-DWORD)", qualified=False)
    IR_2A = interrupt(0x2A, "IR.2A",
        "ECAP.EIMER=1 and IRTA.EIME=0",
        note="rev 4.x/5.x", qualified=False)
    IR_2B = interrupt(0x2B, "IR.2B",
        "ECAP.IRREQ=1 and an interrupt request arrived with remapping disabled",
        note="rev 5.x", qualified=False)
    RTA_1_1 = either(0x30, "RTA.1.1", "UR UR CA CA UR UR IR drop",
        "RTADDR.TTM=11b while ECAP.ADMS=0", qualified=False)
    RTA_1_2 = either(0x30, "RTA.1.2", "UR UR CA CA UR UR IR drop",
        "RTADDR.TTM=10b (reserved)", qualified=False)
    RTA_1_3 = either(0x30, "RTA.1.3", "UR UR CA CA UR UR IR drop",
        "RTADDR.TTM=01b while ECAP.SMTS=0", qualified=False)
    RTA_1_4 = legacy(0x30, "RTA.1.4", "UR NA CA NA UR NA NA NA",
        "RTADDR.SSIRWE=1 while TTM=00b",
        note="rev 5.x", qualified=False)
    RTA_2 = legacy(0x31, "RTA.2", "NA UR NA UR NA UR NA NA",
        "TTM=00b and the request carries a PASID", qualified=False)
    RTA_3 = legacy(0x32, "RTA.3", "NA NA NA NA NA NA IR drop",
        "TTM=00b and a page request arrives (unit has ECAP.PRS=1)", qualified=False)
    RTA_4 = either(0x33, "RTA.4", "UR UR UR UR UR UR IR drop",
        "TTM=11b abort-DMA mode (ECAP.ADMS=1) and any "
        "untranslated/translation/translated/page request",
        note="fault is recorded; VirtualBox records none; absent from Linux table", qualified=False)
    RTA_5 = either(0x34, "RTA.5", "NA UR NA UR NA UR NA NA",
        "VER.MAX>=8: request-with-PASID has Execute-Requested set",
        note="rev 5.x only", qualified=False)
    SRT_1 = scalable(0x38, "SRT.1", "UR UR CA CA UR UR IR drop",
        "Read of the scalable root entry failed", qualified=False)
    SRT_2 = scalable(0x39, "SRT.2", "UR UR UR UR UR UR IR drop",
        "LP (device 0-15) or UP (device 16-31) of the root entry is 0", qualified=False)
    SRT_3 = scalable(0x3A, "SRT.3", "UR UR CA CA UR UR IR drop",
        "Reserved bit set in the half of the root entry that is present", qualified=False)
    SCT_1 = scalable(0x40, "SCT.1", "UR UR CA CA UR UR IR drop",
        "Read of the scalable context entry failed", qualified=False)
    SCT_2 = scalable(0x41, "SCT.2", "UR UR UR UR UR UR IR drop",
        "Scalable context entry P=0")
    SCT_3 = scalable(0x42, "SCT.3", "UR UR CA CA UR UR IR drop",
        "Present scalable context entry has a non-zero reserved bit")
    SCT_4_1 = scalable(0x43, "SCT.4.1", "UR UR CA CA UR UR IR drop",
        "Context entry DTE=0 with PRE=1")
    SCT_4_2 = scalable(0x43, "SCT.4.2", "UR UR CA CA UR UR IR drop",
        "RID_PASID of the context entry is larger than PDTS allows")
    SCT_4_3 = scalable(0x43, "SCT.4.3", "UR NA CA NA UR UR IR drop",
        "EPTR=1 with PASIDE=0",
        note="rev 4.x/5.x (EPTR)")
    SCT_5 = scalable(0x44, "SCT.5", "NA NA UR UR UR UR NA NA",
        "DTE=0 and a translation or translated request arrives")
    SCT_6 = scalable(0x45, "SCT.6", "NA UR NA UR NA NA IR drop",
        "PASIDE=0 and an untranslated/translation/page request with PASID arrives")
    SCT_7 = scalable(0x46, "SCT.7", "NA UR NA UR NA UR IR drop",
        "PASID of the request is larger than PDTS allows")
    SCT_8 = scalable(0x47, "SCT.8", "NA NA NA NA NA NA IR drop",
        "PRE=0 and a page request arrives")
    SCT_9 = scalable(0x48, "SCT.9", "NA UR NA UR NA UR IR drop",
        "PASID of the request equals RID_PASID of the context entry")
    SCT_10 = scalable(0x49, "SCT.10", "NA NA NA NA NA UR NA NA",
        "EPTR=0 and a translated request with PASID arrives",
        note="rev 4.x/5.x")
    SPD_1 = scalable(0x50, "SPD.1", "UR UR CA CA CA CA IR drop",
        "Read of the PASID-directory entry failed", qualified=False)
    SPD_2 = scalable(0x51, "SPD.2", "UR UR S0 S0 UR UR IR drop",
        "PASID-directory entry P=0")
    SPD_3 = scalable(0x52, "SPD.3", "UR UR CA CA CA CA IR drop",
        "Present PASID-directory entry has a non-zero reserved bit")
    SPT_1 = scalable(0x58, "SPT.1", "UR UR CA CA CA CA IR drop",
        "Read of the PASID-table entry failed", qualified=False)
    SPT_2 = scalable(0x59, "SPT.2", "UR UR S0 S0 UR UR IR drop",
        "PASID-table entry P=0")
    SPT_3 = scalable(0x5A, "SPT.3", "UR UR CA CA CA CA IR drop",
        "Present PASID-table entry has a non-zero reserved bit")
    SPT_4_1 = scalable(0x5B, "SPT.4.1", "UR UR CA CA CA CA IR drop",
        "PASID-table entry AW not supported by the unit")
    SPT_4_2 = scalable(0x5B, "SPT.4.2", "UR UR CA CA CA CA IR drop",
        "PGTT is 0,5,6,7 or names a translation whose capability (FSTS/SSTS/NEST/PT) is "
        "absent")
    SPT_4_3 = scalable(0x5B, "SPT.4.3", "UR UR CA CA CA CA IR drop",
        "FSPM names an unsupported first-stage paging mode")
    SPT_4_4 = scalable(0x5B, "SPT.4.4", "UR UR CA CA CA CA IR drop",
        "Nested entry whose FSPTPTR is above 2^X-1, X=min(MGAW, entry AW)")
    SPT_5 = scalable(0x5C, "SPT.5", "NA UR NA S0 NA NA NA NA",
        "VER.MAX<=7 and ECAP.ERS=0: request with PASID has Execute-Requested set",
        note="rev 3.x: the ERE bit of the entry was 0")
    SPT_6 = scalable(0x5D, "SPT.6", "UR UR S0 S0 NA NA NA NA",
        "SRE=0 and the request is privileged (PR bit, or RID_PRIV for request-without-PASID)")
    SPT_9 = scalable(0x60, "SPT.9", "NA NA NA NA UR UR NA NA",
        "Translated request address beyond what HPTSZ covers",
        note="HPT, rev 4.x/5.x")
    SFS_1 = scalable(0x70, "SFS.1", "UR UR S0 S0 NA NA NA NA",
        "Read of a lower first-stage entry failed (non-nested; nested failures use SSS.1-5, "
        "SGN.5-7)",
        note="SFL.* in rev 3.x")
    SFS_2 = scalable(0x71, "SFS.2", "UR UR S0 S0 NA NA NA NA",
        "First-stage entry P=0")
    SFS_3 = scalable(0x72, "SFS.3", "UR UR S0 S0 NA NA NA NA",
        "Present first-stage entry has a non-zero reserved bit")
    SFS_4 = scalable(0x73, "SFS.4", "UR UR S0 S0 NA NA NA NA",
        "Read of the top first-stage entry (via FSPTPTR) failed")
    SFS_5 = scalable(0x74, "SFS.5", "UR UR S0 S0 NA NA NA NA",
        "Nested: ADDR in a first-stage entry is above 2^X-1, X=min(MGAW, AW)")
    SFS_6 = scalable(0x75, "SFS.6", "UR UR S0 S0 NA NA NA NA",
        "Nested: second stage denies read of the top first-stage entry")
    SFS_7 = scalable(0x76, "SFS.7", "UR UR S0 S0 NA NA NA NA",
        "Nested: second stage denies read of a lower first-stage entry")
    SFS_8 = scalable(0x77, "SFS.8", "UR UR S0 S0 NA NA NA NA",
        "Nested: second stage denies write for an A/D/EA update of a first-stage entry")
    SSS_1 = scalable(0x78, "SSS.1", "UR UR CA CA NA NA NA NA",
        "Read of a lower second-stage entry failed",
        note="SSL.* in rev 3.x")
    SSS_2 = scalable(0x79, "SSS.2", "UR UR S0 S0 NA NA NA NA",
        "Second-stage entry has R=W=0, or the AND of R and the AND of W over the walk are "
        "both 0")
    SSS_3 = scalable(0x7A, "SSS.3", "UR UR CA CA NA NA NA NA",
        "Second-stage entry with R or W set has a non-zero reserved bit")
    SSS_4 = scalable(0x7B, "SSS.4", "UR UR CA CA NA NA NA NA",
        "Read of the top second-stage entry (via SSPTPTR) failed")
    SSS_5 = scalable(0x7C, "SSS.5", "UR UR CA CA NA NA NA NA",
        "A/D update needed in a second-stage entry (SSADE=1) while page walks do not snoop")
    SSS_6 = scalable(0x7D, "SSS.6", "UR UR CA CA NA NA NA NA",
        "A/D update of a second-stage entry failed")
    SGN_1 = scalable(0x80, "SGN.1", "UR UR S0 S0 NA NA NA NA",
        "First-stage input address not canonical (N=48 for 4-level, 57 for 5-level)")
    SGN_2 = scalable(0x81, "SGN.2", "UR UR S0 S0 NA NA NA NA",
        "User-privilege request met a present first-stage entry with U/S=0")
    SGN_3 = scalable(0x82, "SGN.3", "NA UR NA Seff NA NA NA NA",
        "(rev 3.x only) execute request met a no-execute mapping",
        note="not in the rev 5.10 table; text from Linux/VirtualBox; response columns not "
             "verified", section="")
    SGN_4_1 = scalable(0x83, "SGN.4.1", "NA NA NA NA UR UR NA NA",
        "Translated request address above HAW")
    SGN_4_2 = scalable(0x83, "SGN.4.2", "UR UR S0 S0 NA NA NA NA",
        "Untranslated/translation request through PGTT=4 with address above HAW")
    SGN_5 = scalable(0x84, "SGN.5", "UR UR S0 S0 NA NA NA NA",
        "PGTT=2 input address above 2^X-1, X=min(MGAW, AW)",
        note="also used for nested second-stage input per SFS.1 remark")
    SGN_6 = scalable(0x85, "SGN.6", "UR UR Seff Seff NA NA NA NA",
        "Write/AtomicOp without write permission (first, second or nested)")
    SGN_7 = scalable(0x86, "SGN.7", "UR UR Seff Seff NA NA NA NA",
        "Read/AtomicOp without read permission (second stage, or nested leaf); ZLR exception "
        "as LGN.3")
    SGN_8_1 = scalable(0x87, "SGN.8.1", "UR UR NA NA NA NA NA NA",
        "Untranslated request whose output lies in 0xFEExxxxx")
    SGN_8_2 = scalable(0x87, "SGN.8.2", "NA NA CA CA NA NA NA NA",
        "Translation request (PGTT not 4) whose output range overlaps 0xFEExxxxx")
    SGN_8_3 = scalable(0x87, "SGN.8.3", "NA NA NA NA UR UR NA NA",
        "Translated request with address in 0xFEExxxxx")
    SGN_9 = scalable(0x88, "SGN.9", "NA NA NA NA NA NA NA NA",
        "(listed by VirtualBox for rev 3.3; absent from rev 5.10) condition unknown",
        note="do not generate", section="")
    SGN_10 = scalable(0x89, "SGN.10", "NA UR NA UR NA UR NA NA",
        "PASID of the request needs more bits than ECAP.PSS reports")
    SFS_9 = scalable(0x90, "SFS.9", "UR UR S0 S0 NA NA NA NA",
        "A/D update needed in a first-stage entry while page walks do not snoop "
        "(ECAP.SMPWC=0 or PWSNP=0)")
    SFS_10 = scalable(0x91, "SFS.10", "UR UR S0 S0 NA NA NA NA",
        "A/D/EA update of a first-stage entry failed",
        note="for translation requests the S0 completion is also recorded as a "
             "non-recoverable fault")
    HPT_1 = scalable(0xA0, "HPT.1", "NA NA NA NA CA CA NA NA",
        "Read of a lower HPT entry failed",
        note="HPT, rev 4.x/5.x")
    HPT_2 = scalable(0xA1, "HPT.2", "NA NA NA NA CA CA NA NA",
        "Non-zero reserved field in an HPT entry",
        note="HPT")
    HPT_3 = scalable(0xA2, "HPT.3", "NA NA NA NA CA CA NA NA",
        "Read of the top HPT entry (via HPTPTR) failed",
        note="HPT")
    HPT_4 = scalable(0xA3, "HPT.4", "NA NA NA NA UR UR NA NA",
        "CAP.ZLR=1, translated zero-length read: HPT walk ended before any non-zero "
        "permission",
        note="HPT")
    HPT_5 = scalable(0xA4, "HPT.5", "NA NA NA NA UR UR NA NA",
        "HPTE=1: translated write/AtomicOp lacks HPT write permission",
        note="HPT")
    HPT_6 = scalable(0xA5, "HPT.6", "NA NA NA NA UR UR NA NA",
        "HPTE=1: translated read/AtomicOp lacks HPT read permission (not zero-length reads "
        "if ZLR=1)",
        note="HPT")
    # fmt: on


CONDITIONS_BY_NAME: Final[Mapping[str, Condition]] = MappingProxyType(
    {condition.name: condition for condition in Condition}
)
"""The conditions by the architecture's names of them."""
