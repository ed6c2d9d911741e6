"""Every fault condition the walker can meet: its code, whether FPD suppresses it, and its answers.

Section 7.1.3. The conditions of interrupt remapping, page requests and the host permission table
are not here, but for the interrupt-range violation of a DMA request (0x29).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Condition:
    """One row of the fault table.

    `answers` holds six words: untranslated, the same with PASID, translation request, the same with
    PASID, translated, the same with PASID. S0 is success without rights, Seff success with those
    there are, NA cannot happen.
    """

    code: int
    qualified: bool
    answers: str

    def answer(self, address_type: int, has_pasid: bool) -> str:
        return self.answers.split()[2 * address_type + has_pasid]


CONDITIONS: Final = {
    "LRT.2": Condition(0x01, False, "UR NA UR NA UR NA"),
    "LCT.2": Condition(0x02, True, "UR NA UR NA UR NA"),
    "LCT.4.1": Condition(0x03, True, "UR NA CA NA UR NA"),
    "LCT.4.2": Condition(0x03, True, "UR NA CA NA UR NA"),
    "LCT.4.3": Condition(0x03, True, "UR NA CA NA NA NA"),
    "LGN.1.1": Condition(0x04, True, "UR NA S0 NA NA NA"),
    "LGN.1.2": Condition(0x04, True, "NA NA NA NA UR NA"),
    "LGN.1.3": Condition(0x04, True, "UR NA NA NA NA NA"),
    "LGN.2": Condition(0x05, True, "UR NA Seff NA NA NA"),
    "LGN.3": Condition(0x06, True, "UR NA Seff NA NA NA"),
    "LSS.1": Condition(0x07, True, "UR NA CA NA NA NA"),
    "LRT.1": Condition(0x08, False, "UR NA CA NA UR NA"),
    "LCT.1": Condition(0x09, False, "UR NA CA NA UR NA"),
    "LRT.3": Condition(0x0A, False, "UR NA CA NA UR NA"),
    "LCT.3": Condition(0x0B, True, "UR NA CA NA UR NA"),
    "LSS.2": Condition(0x0C, True, "UR NA CA NA NA NA"),
    "LCT.5": Condition(0x0D, True, "NA NA UR NA UR NA"),
    "LGN.4": Condition(0x0E, True, "UR NA CA NA UR NA"),
    "IR.29": Condition(0x29, False, "UR NA NA NA NA NA"),
    "RTA.1.1": Condition(0x30, False, "UR UR CA CA UR UR"),
    "RTA.1.2": Condition(0x30, False, "UR UR CA CA UR UR"),
    "RTA.1.3": Condition(0x30, False, "UR UR CA CA UR UR"),
    "RTA.1.4": Condition(0x30, False, "UR NA CA NA UR NA"),
    "RTA.2": Condition(0x31, False, "NA UR NA UR NA UR"),
    "RTA.4": Condition(0x33, False, "UR UR UR UR UR UR"),
    "RTA.5": Condition(0x34, False, "NA UR NA UR NA UR"),
    "SRT.1": Condition(0x38, False, "UR UR CA CA UR UR"),
    "SRT.2": Condition(0x39, False, "UR UR UR UR UR UR"),
    "SRT.3": Condition(0x3A, False, "UR UR CA CA UR UR"),
    "SCT.1": Condition(0x40, False, "UR UR CA CA UR UR"),
    "SCT.2": Condition(0x41, True, "UR UR UR UR UR UR"),
    "SCT.3": Condition(0x42, True, "UR UR CA CA UR UR"),
    "SCT.4.1": Condition(0x43, True, "UR UR CA CA UR UR"),
    "SCT.4.2": Condition(0x43, True, "UR UR CA CA UR UR"),
    "SCT.4.3": Condition(0x43, True, "UR NA CA NA UR UR"),
    "SCT.5": Condition(0x44, True, "NA NA UR UR UR UR"),
    "SCT.6": Condition(0x45, True, "NA UR NA UR NA NA"),
    "SCT.7": Condition(0x46, True, "NA UR NA UR NA UR"),
    "SCT.9": Condition(0x48, True, "NA UR NA UR NA UR"),
    "SCT.10": Condition(0x49, True, "NA NA NA NA NA UR"),
    "SPD.1": Condition(0x50, False, "UR UR CA CA CA CA"),
    "SPD.2": Condition(0x51, True, "UR UR S0 S0 UR UR"),
    "SPD.3": Condition(0x52, True, "UR UR CA CA CA CA"),
    "SPT.1": Condition(0x58, False, "UR UR CA CA CA CA"),
    "SPT.2": Condition(0x59, True, "UR UR S0 S0 UR UR"),
    "SPT.3": Condition(0x5A, True, "UR UR CA CA CA CA"),
    "SPT.4.1": Condition(0x5B, True, "UR UR CA CA CA CA"),
    "SPT.4.2": Condition(0x5B, True, "UR UR CA CA CA CA"),
    "SPT.4.3": Condition(0x5B, True, "UR UR CA CA CA CA"),
    "SPT.4.4": Condition(0x5B, True, "UR UR CA CA CA CA"),
    "SPT.5": Condition(0x5C, True, "NA UR NA S0 NA NA"),
    "SPT.6": Condition(0x5D, True, "UR UR S0 S0 NA NA"),
    "SFS.1": Condition(0x70, True, "UR UR S0 S0 NA NA"),
    "SFS.2": Condition(0x71, True, "UR UR S0 S0 NA NA"),
    "SFS.3": Condition(0x72, True, "UR UR S0 S0 NA NA"),
    "SFS.4": Condition(0x73, True, "UR UR S0 S0 NA NA"),
    "SFS.5": Condition(0x74, True, "UR UR S0 S0 NA NA"),
    "SFS.6": Condition(0x75, True, "UR UR S0 S0 NA NA"),
    "SFS.7": Condition(0x76, True, "UR UR S0 S0 NA NA"),
    "SFS.8": Condition(0x77, True, "UR UR S0 S0 NA NA"),
    "SSS.1": Condition(0x78, True, "UR UR CA CA NA NA"),
    "SSS.2": Condition(0x79, True, "UR UR S0 S0 NA NA"),
    "SSS.3": Condition(0x7A, True, "UR UR CA CA NA NA"),
    "SSS.4": Condition(0x7B, True, "UR UR CA CA NA NA"),
    "SSS.5": Condition(0x7C, True, "UR UR CA CA NA NA"),
    "SSS.6": Condition(0x7D, True, "UR UR CA CA NA NA"),
    "SGN.1": Condition(0x80, True, "UR UR S0 S0 NA NA"),
    "SGN.2": Condition(0x81, True, "UR UR S0 S0 NA NA"),
    "SGN.4.1": Condition(0x83, True, "NA NA NA NA UR UR"),
    "SGN.4.2": Condition(0x83, True, "UR UR S0 S0 NA NA"),
    "SGN.5": Condition(0x84, True, "UR UR S0 S0 NA NA"),
    "SGN.6": Condition(0x85, True, "UR UR Seff Seff NA NA"),
    "SGN.7": Condition(0x86, True, "UR UR Seff Seff NA NA"),
    "SGN.8.1": Condition(0x87, True, "UR UR NA NA NA NA"),
    "SGN.8.2": Condition(0x87, True, "NA NA CA CA NA NA"),
    "SGN.8.3": Condition(0x87, True, "NA NA NA NA UR UR"),
    "SGN.10": Condition(0x89, True, "NA UR NA UR NA UR"),
    "SFS.9": Condition(0x90, True, "UR UR S0 S0 NA NA"),
    "SFS.10": Condition(0x91, True, "UR UR S0 S0 NA NA"),
}
