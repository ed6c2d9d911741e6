"""Devices in legacy mode: one context entry each (sections 3.4.2, 9.3 and 6.5.3.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vtd_plugin.bus.source_id import format_source_id
from vtd_plugin.encodings.codes import TableMode, TranslationType, aw_for
from vtd_plugin.encodings.structures import ContextEntry
from vtd_plugin.software import descriptors
from vtd_plugin.software.domain_ids import NOT_PRESENT
from vtd_plugin.software.domains import Attachment, FirstStageDomain
from vtd_plugin.software.root_tables import LegacyRootTable

if TYPE_CHECKING:
    from vtd_plugin.software.caches import CacheKeeper
    from vtd_plugin.software.cpu import Cpu
    from vtd_plugin.software.descriptors import Descriptor
    from vtd_plugin.software.domains import Domain
    from vtd_plugin.software.frames import FrameAllocator
    from vtd_plugin.software.probe import ProbedUnit
    from vtd_plugin.software.scalable import ScalableDevices


class LegacyDevices:
    """The context entries of all devices.

    Args:
        cpu: The processor to write the tables with.
        frames: Where tables come from.
        unit: What the unit is.
        keeper: Who tells the unit.

    Attributes:
        root_table: The root and context tables.

    Raises:
        MemoryError: No frame is left.
    """

    MODE: Final = TableMode.LEGACY

    def __init__(
        self, cpu: Cpu, frames: FrameAllocator, unit: ProbedUnit, keeper: CacheKeeper
    ) -> None:
        self._unit = unit
        self._keeper = keeper
        self._attached: dict[int, tuple[Domain | None, Attachment]] = {}
        self.root_table = LegacyRootTable(cpu, frames)

    @property
    def attached(self) -> frozenset[int]:
        """Source-ids of the devices that have a context entry."""
        return frozenset(self._attached)

    def attach(
        self,
        source_id: int,
        domain: Domain | FirstStageDomain,
        *,
        device_tlb: bool = False,
        **entry_fields: int,
    ) -> None:
        """Let a device use a domain, whatever it used before.

        Args:
            source_id: The device.
            domain: The domain, a second stage.
            device_tlb: Whether the device may ask for translations and keep them.
            **entry_fields: Further fields of the context entry.

        Raises:
            TypeError: The domain is a first stage.
        """
        if isinstance(domain, FirstStageDomain):
            raise TypeError(f"domain {domain.domain_id:#x} is a first stage: not in legacy mode")
        kind = TranslationType.DEVICE_TLB if device_tlb else TranslationType.SECOND_STAGE
        fields = {
            "P": 1,
            "TT": kind,
            "SSPTPTR_address": domain.table.root,
            "AW": aw_for(domain.table.levels),
            "DID": domain.domain_id,
        }
        use = Attachment(source_id, domain.domain_id, device_tlb=device_tlb)
        self._change(source_id, ContextEntry.pack(**fields | entry_fields))
        self._forget_attachment(source_id)
        domain.attachments.add(use)
        self._attached[source_id] = domain, use

    def attach_pass_through(self, source_id: int, domain_id: int, **entry_fields: int) -> None:
        """Let a device reach memory as it is, whatever it used before.

        Args:
            source_id: The device.
            domain_id: The domain-id for its entry, of no other domain.
            **entry_fields: Further fields of the context entry.
        """
        fields = {
            "P": 1,
            "TT": TranslationType.PASS_THROUGH,
            "AW": self._unit.widest_aw,
            "DID": domain_id,
        }
        self._change(source_id, ContextEntry.pack(**fields | entry_fields))
        self._forget_attachment(source_id)
        self._attached[source_id] = None, Attachment(source_id, domain_id)

    def detach(self, source_id: int) -> None:
        """Take a device's context entry away; its requests fault from now on.

        Args:
            source_id: The device.

        Raises:
            ValueError: The device is not attached.
        """
        if source_id not in self._attached:
            raise ValueError(f"{format_source_id(source_id)} is not attached")
        self._change(source_id, 0)
        self._forget_attachment(source_id)

    def device_tlbs(self) -> list[Descriptor]:
        """What lets all devices that keep translations forget them."""
        uses = [use for _domain, use in self._attached.values()]
        return [descriptors.device_tlb(use.source_id) for use in uses if use.device_tlb]

    def hand_over(self, other: ScalableDevices) -> None:
        """Attach all devices in scalable mode to what they use here, and forget them.

        Args:
            other: Tables of scalable mode that the unit does not use yet.

        Raises:
            MemoryError: No frame is left.
        """
        for source_id, (domain, use) in list(self._attached.items()):
            self._forget_attachment(source_id)
            if domain is None:
                other.attach_pass_through(source_id, use.domain_id)
            else:
                other.attach(source_id, domain, device_tlb=use.device_tlb)

    def _change(self, source_id: int, value: int) -> None:
        """Write a context entry and let the unit forget what it had before (section 6.5.3.3)."""
        old = self.root_table.read_context_entry(source_id)
        self.root_table.write_context_entry(source_id, value)
        if old.P:
            forget = self._forget(source_id, old.DID, old.DID)
            if old.TT == TranslationType.DEVICE_TLB:
                forget.append(descriptors.device_tlb(source_id))
            self._keeper.run(*forget)
        else:
            new = ContextEntry(value).DID
            self._keeper.entries_added(*self._forget(source_id, NOT_PRESENT, new))

    @staticmethod
    def _forget(source_id: int, entry_domain_id: int, domain_id: int) -> list[Descriptor]:
        return [
            descriptors.context_cache(entry_domain_id, source_id),
            descriptors.iotlb(domain_id),
        ]

    def _forget_attachment(self, source_id: int) -> None:
        domain, use = self._attached.pop(source_id, (None, None))
        if domain and use:
            domain.attachments.discard(use)
