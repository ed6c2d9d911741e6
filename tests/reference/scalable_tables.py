"""Scalable mode (RTADDR.TTM=1): from the root table to the PASID-table entry.

Sections 3.4.3 and 9.2 to 9.6. Conditions that one entry or request meets at once are judged in the
order of the fault table (7.1.3), which says nothing of precedence; what a request may not be
(SCT.5, SCT.6, SCT.10) comes before what its PASID may not be.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.reference.model import (
    TRANSLATED,
    UNTRANSLATED,
    Blocked,
    Walk,
    above_width,
    bits,
    in_place,
)

FIRST_STAGE = 1
SECOND_STAGE = 2
NESTED = 3
PASS_THROUGH = 4


@dataclass(frozen=True)
class Context:
    directory: int
    rid_pasid: int
    rid_privileged: bool


@dataclass(frozen=True)
class PasidEntry:
    """The fields of a PASID-table entry that a translation uses."""

    value: int

    @property
    def translation_type(self) -> int:
        return bits(self.value, 8, 6)

    @property
    def address_width(self) -> int:
        return bits(self.value, 4, 2)

    @property
    def second_stage_table(self) -> int:
        return self.value & in_place(63, 12)

    @property
    def second_stage_accessed_dirty(self) -> bool:
        return bool(self.value >> 9 & 1)

    @property
    def page_walk_snoop(self) -> bool:
        return bool(self.value >> 87 & 1)

    @property
    def page_snoop(self) -> bool:
        return bool(self.value >> 88 & 1)

    @property
    def cache_disable(self) -> bool:
        return bool(self.value >> 89 & 1)

    @property
    def extended_memory_type(self) -> bool:
        return bool(self.value >> 90 & 1)

    def page_attribute(self, index: int) -> int:
        return bits(self.value, 96 + 4 * index + 2, 96 + 4 * index)

    @property
    def supervisor_requests(self) -> bool:
        return bool(self.value >> 128 & 1)

    @property
    def first_stage_paging_mode(self) -> int:
        return bits(self.value, 131, 130)

    @property
    def write_protect(self) -> bool:
        return bool(self.value >> 132 & 1)

    @property
    def extended_accessed(self) -> bool:
        return bool(self.value >> 135 & 1)

    @property
    def first_stage_table(self) -> int:
        return bits(self.value, 191, 140) << 12


def root_entry(walk: Walk, root_table: int) -> int:
    """The context-table pointer of the half that covers the device."""
    bus, device_function = divmod(walk.ask.source_id, 256)
    entry = walk.entry(root_table + 16 * bus, 16, "SRT.1")
    # Only the half of the requester is looked at: LP and LCTP below devfn 0x80, else UP and UCTP.
    half = bits(entry, 63, 0) if device_function < 0x80 else bits(entry, 127, 64)
    if not half & 1:
        raise Blocked("SRT.2")
    if half & (in_place(11, 1) | above_width(walk.caps.haw, 63)):
        raise Blocked("SRT.3")
    return half & in_place(63, 12)


def context_entry(walk: Walk, context_table: int) -> Context:
    where = context_table + 32 * (walk.ask.source_id & 0x7F)
    entry = walk.entry(where, 32, "SCT.1")
    walk.fault_processing_disabled = bool(entry >> 1 & 1)
    if not entry & 1:
        raise Blocked("SCT.2")
    if entry & context_reserved(walk):
        raise Blocked("SCT.3")
    context = Context(
        directory=entry & in_place(63, 12),
        rid_pasid=bits(entry, 83, 64),
        rid_privileged=bool(entry >> 84 & 1),
    )
    judge_context(walk, entry, context)
    return context


def context_reserved(walk: Walk) -> int:
    caps = walk.caps
    reserved = in_place(255, 85) | in_place(8, 7) | above_width(caps.haw, 63)
    reserved |= 0 if caps.rid_privileged else 1 << 84
    reserved |= 0 if caps.rid_pasid else in_place(83, 64)
    reserved |= 0 if caps.pasid_in_translated else 1 << 6
    reserved |= 0 if caps.host_permission_table else 1 << 5
    reserved |= 0 if caps.page_requests else 1 << 4
    reserved |= 0 if caps.pasid else 1 << 3
    reserved |= 0 if caps.device_tlb else 1 << 2
    return reserved


def judge_context(walk: Walk, entry: int, context: Context) -> None:
    """Programming errors of the entry, then what it says of a request like this one."""
    ask = walk.ask
    device_tlb = bool(entry >> 2 & 1)
    pasid_enable = bool(entry >> 3 & 1)
    page_request_enable = bool(entry >> 4 & 1)
    pasid_in_translated = bool(entry >> 6 & 1)
    to_be_translated_with_pasid = ask.pasid is not None and ask.address_type != TRANSLATED
    if page_request_enable and not device_tlb:
        raise Blocked("SCT.4.1")
    if context.rid_pasid >= pasids_covered(entry):
        raise Blocked("SCT.4.2")
    # The fault table knows no answer of SCT.4.3 to these requests: SCT.6 takes them.
    if pasid_in_translated and not pasid_enable and not to_be_translated_with_pasid:
        raise Blocked("SCT.4.3")
    if ask.address_type != UNTRANSLATED and not device_tlb:
        raise Blocked("SCT.5")
    if to_be_translated_with_pasid and not pasid_enable:
        raise Blocked("SCT.6")
    if ask.pasid is not None:
        if ask.address_type == TRANSLATED and not pasid_in_translated:
            raise Blocked("SCT.10")
        judge_pasid(walk, entry, context, ask.pasid)


def pasids_covered(entry: int) -> int:
    """2 ** (PDTS + 7) directory entries of 64 PASIDs each (9.4)."""
    return 1 << (bits(entry, 11, 9) + 7 + 6)


def judge_pasid(walk: Walk, entry: int, context: Context, pasid: int) -> None:
    """What the context entry says of the PASID a request carries."""
    # What the unit cannot take at all comes first, then the size of the directory.
    if pasid >> walk.caps.pasid_bits:
        raise Blocked("SGN.10")
    if pasid >= pasids_covered(entry):
        raise Blocked("SCT.7")
    if pasid == context.rid_pasid:
        raise Blocked("SCT.9")


def pasid_entry(walk: Walk, context: Context) -> PasidEntry:
    """Directory entry, then table entry, of the request's PASID or of RID_PASID."""
    pasid = context.rid_pasid if walk.ask.pasid is None else walk.ask.pasid
    directory_entry = walk.entry(context.directory + 8 * (pasid >> 6), 8, "SPD.1")
    walk.fault_processing_disabled |= bool(directory_entry >> 1 & 1)
    if not directory_entry & 1:
        raise Blocked("SPD.2")
    if directory_entry & (in_place(11, 2) | above_width(walk.caps.haw, 63)):
        raise Blocked("SPD.3")
    table = directory_entry & in_place(63, 12)
    entry = PasidEntry(walk.entry(table + 64 * (pasid & 0x3F), 64, "SPT.1"))
    walk.fault_processing_disabled |= bool(entry.value >> 1 & 1)
    if not entry.value & 1:
        raise Blocked("SPT.2")
    if entry.value & pasid_entry_reserved(walk, entry.translation_type):
        raise Blocked("SPT.3")
    judge_pasid_entry(walk, entry, context)
    return entry


def pasid_entry_reserved(walk: Walk, translation_type: int) -> int:
    """A field without its capability is reserved whatever PGTT; one with it, where PGTT uses it."""
    caps = walk.caps
    # With HPTS=0 the host permission table's fields 335:268 and 258:256 are reserved; where it
    # exists they are ignored with HPTE=0, the only case the walker takes.
    reserved = in_place(511, 336) | in_place(267, 259) | in_place(255, 192)
    reserved |= in_place(139, 136) | 1 << 129 | in_place(95, 91) | in_place(86, 80)
    reserved |= in_place(11, 10) | 1 << 5
    reserved |= 0 if caps.host_permission_table else in_place(335, 268) | in_place(258, 256)
    reserved |= above_width(caps.domain_id_bits, 79, 64)
    reserved |= first_stage_reserved(walk, translation_type)
    reserved |= second_stage_reserved(walk, translation_type)
    reserved |= 0 if caps.supervisor_requests else 1 << 128
    reserved |= 0 if caps.memory_types else in_place(127, 96) | 0b11 << 89
    reserved |= 0 if caps.snoop_control else 1 << 88
    reserved |= 0 if caps.page_walk_snoop_control else 1 << 87
    return reserved


def first_stage_reserved(walk: Walk, translation_type: int) -> int:
    """FSPTPTR 191:140, WPE 132, FSPM 131:130; EAFE 135."""
    caps = walk.caps
    reserved = 0 if caps.extended_accessed else 1 << 135
    if not caps.first_stage:
        return reserved | in_place(191, 140) | in_place(132, 130)
    if translation_type in (SECOND_STAGE, PASS_THROUGH):
        return reserved
    return reserved | above_width(caps.haw, 191, 128)


def second_stage_reserved(walk: Walk, translation_type: int) -> int:
    """SSPTPTR 63:12, AW 4:2; SSADE 9."""
    caps = walk.caps
    reserved = 0 if caps.second_stage and caps.second_stage_accessed_dirty else 1 << 9
    if not caps.second_stage:
        return reserved | in_place(63, 12) | in_place(4, 2)
    if translation_type in (FIRST_STAGE, PASS_THROUGH):
        return reserved
    return reserved | above_width(caps.haw, 63)


def judge_pasid_entry(walk: Walk, entry: PasidEntry, context: Context) -> None:
    """Programming errors of the entry, then what it says of a request like this one."""
    caps, ask = walk.caps, walk.ask
    # AW has a meaning for these two only.
    uses_width = entry.translation_type in (SECOND_STAGE, NESTED)
    if uses_width and not caps.supports_guest_width(entry.address_width):
        raise Blocked("SPT.4.1")
    if not supports_translation_type(walk, entry.translation_type):
        raise Blocked("SPT.4.2")
    # No clause lets other types off an unsupported FSPM.
    if entry.first_stage_paging_mode > (1 if caps.first_stage_5_levels else 0):
        raise Blocked("SPT.4.3")
    if entry.translation_type == NESTED and entry.first_stage_table >> min(
        caps.guest_width, {1: 39, 2: 48, 3: 57}[entry.address_width]
    ):
        raise Blocked("SPT.4.4")
    if (
        ask.pasid is not None
        and ask.execute
        and caps.major_version <= 7
        and not caps.execute_requests
    ):
        raise Blocked("SPT.5")
    if is_privileged(walk, context) and not entry.supervisor_requests:
        raise Blocked("SPT.6")


def supports_translation_type(walk: Walk, translation_type: int) -> bool:
    caps = walk.caps
    return {
        FIRST_STAGE: caps.first_stage,
        SECOND_STAGE: caps.second_stage,
        NESTED: caps.nested,
        PASS_THROUGH: caps.pass_through,
    }.get(translation_type, False)


def is_privileged(walk: Walk, context: Context) -> bool:
    """PR counts with a PASID only; without one RID_PRIV says it (9.4)."""
    if walk.ask.pasid is None:
        return context.rid_privileged
    return walk.ask.privileged
