"""Interrupt requests: compatibility format, remapped, and posted (chapter 5).

A requester's dword write into 0xFEEx_xxxx arrives here with remapping on or off. The unit's own
event messages never do (§5.1.6). Interrupts take no time, so that there is nothing to drain.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vtd_plugin.bus import Fault, InterruptMessage, Memory
from vtd_plugin.encodings.codes import InterruptDeliveryMode
from vtd_plugin.encodings.faults import Condition
from vtd_plugin.encodings.registers import GSTS, IRTA
from vtd_plugin.encodings.structures import (
    CompatMsiAddress,
    CompatMsiData,
    IrtePosted,
    IrteRemapped,
    PostedInterruptDescriptor,
    RemapMsiAddress,
    RemapMsiData,
)
from vtd_plugin.iommu.caches import BoundedCache

if TYPE_CHECKING:
    from collections.abc import Callable

    from vtd_plugin.encodings.capabilities import Capabilities
    from vtd_plugin.iommu.config import VtdConfig
    from vtd_plugin.iommu.faults import FaultLog
    from vtd_plugin.iommu.registers import RegisterFile

_ENTRY_BYTES: Final = IrteRemapped.BITS // 8
_DESCRIPTOR_BYTES: Final = PostedInterruptDescriptor.BITS // 8

_COMPARE: Final = 1
_BUS_RANGE: Final = 2
_RESERVED_CHECK: Final = 3
"""Values of SVT; 0 checks nothing (§9.9)."""

_COMPARED: Final = (0xFFFF, 0xFFFB, 0xFFF9, 0xFFF8)
"""Source-id bits that SQ lets count (§9.9)."""

_BUS: Final = 8
"""The bus number of a source-id starts at this bit."""

_XAPIC_MASK: Final = IrteRemapped.mask("DST_XAPIC")
_EDGE_ONLY: Final = frozenset(InterruptDeliveryMode) - {
    InterruptDeliveryMode.FIXED,
    InterruptDeliveryMode.LOWEST_PRIORITY,
}
_EXTENDED_DESTINATION_SHIFT: Final = 40
"""Destination bits 31:8 travel in message address bits 63:40 (§5.1.6)."""


@dataclass(slots=True)
class InterruptAsk:
    """An interrupt request on its way through the unit: what was asked, and what was learnt.

    Attributes:
        source_id: Who asks (16 bits).
        address: Where it was written, an address of 0xFEEx_xxxx.
        data: The dword that was written.
        index: Index of the table entry it names, 0 until that is known.
        entry: The table entry, once it was found.
        cached: Whether the entry was found in the interrupt entry cache.
    """

    source_id: int
    address: int
    data: int
    index: int = 0
    entry: IrteRemapped | None = None
    cached: bool = False

    @property
    def suppressed(self) -> bool:
        """Whether fault processing is disabled by the entry (FPD, §7.1.1)."""
        return self.entry is not None and bool(self.entry.FPD)


class Interrupts:
    """Interrupt requests of the unit's requesters.

    Args:
        config: What the unit is.
        memory: Where tables and descriptors are.
        registers: The unit's registers.
        faults: Where blocked interrupts are recorded.
        resolved: Told of each request and what became of it.

    Attributes:
        table: IRTA as the last SIRTP latched it.
    """

    __slots__ = (
        "_cache",
        "_caps",
        "_descriptor_reserved",
        "_faults",
        "_memory",
        "_posted_reserved",
        "_registers",
        "_remapped_reserved",
        "_resolved",
        "table",
    )

    def __init__(
        self,
        config: VtdConfig,
        memory: Memory,
        registers: RegisterFile,
        faults: FaultLog,
        resolved: Callable[[InterruptAsk, InterruptMessage | Fault | None], None],
    ) -> None:
        caps: Capabilities = config.capabilities
        self._caps = caps
        self._memory = memory
        self._registers = registers
        self._faults = faults
        self._resolved = resolved
        self._cache: BoundedCache[int, int] = BoundedCache(
            config.cache_sizes.interrupt_entry, config.replacement, config.seed
        )
        self._remapped_reserved = IrteRemapped.reserved(caps)
        self._posted_reserved = IrtePosted.reserved(caps)
        self._descriptor_reserved = PostedInterruptDescriptor.reserved(caps)
        self.table = IRTA(0)

    @property
    def cached(self) -> int:
        """How many table entries the interrupt entry cache holds."""
        return len(self._cache)

    # --- commands

    def latch_table(self) -> None:
        """SIRTP: use the table that IRTA names; with ESIRTPS nothing cached survives it (§6.7)."""
        self.table = self._registers.load(IRTA)
        if self._caps.CAP.ESIRTPS:
            self._cache.clear()

    def remapping_changed(self) -> None:
        """IRE: with ESIRTPS, turning remapping off drops what is cached (§11.4.4.1)."""
        if self._caps.CAP.ESIRTPS and not self._registers.load(GSTS).IRES:
            self._cache.clear()

    def invalidate(self, index: int | None, index_mask: int) -> None:
        """Drop cached table entries (§6.5.2.8).

        Args:
            index: First of the entries; None for all.
            index_mask: Low index bits that do not count (IM).
        """
        if index is None:
            self._cache.clear()
        else:
            self._cache.drop(lambda entry, _: entry >> index_mask == index >> index_mask)

    def reset(self) -> None:
        """No table, nothing cached."""
        self.table = IRTA(0)
        self._cache.clear()

    # --- requests

    def resolve(self, source_id: int, address: int, data: int) -> InterruptMessage | Fault | None:
        """What becomes of a dword write to the interrupt range.

        Args:
            source_id: Who writes.
            address: Where, an address of 0xFEEx_xxxx.
            data: The dword.

        Returns:
            The message for the processors, the fault that blocks it, or None where the interrupt
            was posted without a notification.
        """
        ask = InterruptAsk(source_id, address, data)
        found = self._judge(ask)
        resolution = self._block(ask, found) if isinstance(found, Condition) else found
        self._resolved(ask, resolution)
        return resolution

    def _block(self, ask: InterruptAsk, condition: Condition) -> Fault:
        return self._faults.block_interrupt(
            condition, ask.source_id, ask.address, ask.index, suppressed=ask.suppressed
        )

    def _judge(self, ask: InterruptAsk) -> InterruptMessage | Condition | None:
        blocked = self._check_mode()
        if blocked is not None:
            return blocked
        if not self._registers.load(GSTS).IRES:
            return InterruptMessage(ask.address, ask.data, ask.source_id)
        if not RemapMsiAddress(ask.address).FORMAT:
            if self.table.EIME or not self._registers.load(GSTS).CFIS:
                return Condition.IR_25
            return InterruptMessage(ask.address, ask.data, ask.source_id)
        return self._remap(ask)

    def _check_mode(self) -> Condition | None:
        """What is refused whatever the request says (§5.1.4.1)."""
        remapping = self._registers.load(GSTS).IRES
        if not remapping:
            return Condition.IR_2B if self._caps.ECAP.IRREQ else None
        if self._caps.ECAP.EIMER and not self.table.EIME:
            return Condition.IR_2A
        return None

    def _remap(self, ask: InterruptAsk) -> InterruptMessage | Condition | None:
        request, data = RemapMsiAddress(ask.address), RemapMsiData(ask.data)
        if request.SHV and data.RSVD_31_16:
            return Condition.IR_20
        ask.index = request.HANDLE + (data.SUBHANDLE if request.SHV else 0)
        entry = self._entry(ask)
        if isinstance(entry, Condition):
            return entry
        condition = self._check_entry(entry, ask.source_id)
        if not ask.cached and (condition is None or self._caps.CAP.CM):
            # Without caching mode only what has no fault is cached (§6.1).
            self._cache.put(ask.index, entry.value)
        if condition is not None:
            return condition
        if entry.IM:
            return self._post(IrtePosted(entry.value), ask.source_id)
        return self._message(entry, ask.source_id)

    def _entry(self, ask: InterruptAsk) -> IrteRemapped | Condition:
        """The table entry of a request, from the cache if it is there (§5.1.4)."""
        address = self.table.IRTA_address + ask.index * _ENTRY_BYTES
        if ask.index >= 2 << self.table.S or address >> self._caps.haw:
            return Condition.IR_21
        raw = self._cache.get(ask.index)
        ask.cached = raw is not None
        if raw is None:
            raw = self._memory.read_int(address, _ENTRY_BYTES)
        if raw is None:
            return Condition.IR_23
        ask.entry = IrteRemapped(raw)
        return ask.entry

    def _check_entry(self, entry: IrteRemapped, source_id: int) -> Condition | None:
        """Present, from an allowed source, and well formed, in this order (§5.1.4)."""
        if not entry.P:
            return Condition.IR_22
        if not _allows(entry, source_id):
            return Condition.IR_26
        posted = entry.IM and self._caps.CAP.PI
        reserved = self._posted_reserved if posted else self._remapped_reserved
        if entry.value & reserved or entry.SVT == _RESERVED_CHECK:
            return Condition.IR_24
        if posted:
            return None
        if not self.table.EIME and entry.value & IrteRemapped.mask("DST") & ~_XAPIC_MASK:
            return Condition.IR_24
        return None if entry.DLM in tuple(InterruptDeliveryMode) else Condition.IR_24

    def _message(self, entry: IrteRemapped, source_id: int) -> InterruptMessage:
        """The remapped interrupt (§9.9)."""
        destination = entry.DST if self.table.EIME else entry.DST_XAPIC
        level = entry.TM and entry.DLM not in _EDGE_ONLY
        return InterruptMessage(
            _message_address(destination, redirection_hint=entry.RH, mode=entry.DM),
            CompatMsiData.pack(TM=level, LEVEL=1, DLM=entry.DLM, VECTOR=entry.V),
            source_id,
        )

    def _post(self, entry: IrtePosted, source_id: int) -> InterruptMessage | Condition | None:
        """Set the vector in the descriptor, and notify unless that is outstanding (§5.2.3)."""
        raw = self._memory.read_int(entry.PDA_address, _DESCRIPTOR_BYTES)
        if raw is None:
            return Condition.IR_27
        descriptor = PostedInterruptDescriptor(raw)
        if raw & self._descriptor_reserved or (
            not self.table.EIME
            and raw
            & PostedInterruptDescriptor.mask("NDST")
            & ~PostedInterruptDescriptor.mask("NDST_XAPIC")
        ):
            return Condition.IR_28
        notify = not descriptor.ON and (entry.URG or not descriptor.SN)
        after = descriptor.replace(PIR=descriptor.PIR | 1 << entry.VV, ON=descriptor.ON | notify)
        if not self._memory.write(entry.PDA_address, after.to_bytes(_DESCRIPTOR_BYTES, "little")):
            return Condition.IR_27
        if not notify:
            return None
        destination = descriptor.NDST if self.table.EIME else descriptor.NDST_XAPIC
        return InterruptMessage(
            _message_address(destination, redirection_hint=0, mode=0),
            CompatMsiData.pack(LEVEL=1, VECTOR=descriptor.NV),
            source_id,
        )


def _allows(entry: IrteRemapped, source_id: int) -> bool:
    """Whether the entry may be used by this source (SVT, SQ, SID; §9.9)."""
    if entry.SVT == _COMPARE:
        return not (entry.SID ^ source_id) & _COMPARED[entry.SQ]
    if entry.SVT == _BUS_RANGE:
        first, last = entry.SID >> _BUS, entry.SID & (1 << _BUS) - 1
        return first <= source_id >> _BUS <= last
    return True


def _message_address(destination: int, *, redirection_hint: int, mode: int) -> int:
    low = CompatMsiAddress.pack(
        DEST_ID=destination & CompatMsiAddress.FIELDS["DEST_ID"].limit,
        RH=redirection_hint,
        DM=mode,
    )
    upper = destination >> CompatMsiAddress.FIELDS["DEST_ID"].width
    return low | upper << _EXTENDED_DESTINATION_SHIFT
