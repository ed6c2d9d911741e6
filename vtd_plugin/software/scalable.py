"""Devices in scalable mode: a context entry and PASID tables each (sections 3.4.3, 9.4 to 9.6).

What has to be forgotten after each change, and in which order, is in section 6.5.3.3.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from vtd_plugin.bus.source_id import format_source_id
from vtd_plugin.encodings.codes import PageTableType, TableMode, aw_for
from vtd_plugin.encodings.structures import PasidTableEntry, ScalableContextEntry
from vtd_plugin.software import descriptors
from vtd_plugin.software.domain_ids import NOT_PRESENT
from vtd_plugin.software.domains import Attachment, Domain, FirstStageDomain
from vtd_plugin.software.pasid_tables import PasidTables
from vtd_plugin.software.root_tables import ScalableRootTable

if TYPE_CHECKING:
    from vtd_plugin.software.caches import CacheKeeper
    from vtd_plugin.software.cpu import Cpu
    from vtd_plugin.software.descriptors import Descriptor
    from vtd_plugin.software.frames import FrameAllocator
    from vtd_plugin.software.probe import ProbedUnit

_SMALLEST_DIRECTORY_BITS: Final = 13
"""PASID bits that the smallest directory covers."""
_LARGEST_PDTS: Final = 7
_FEWEST_LEVELS: Final = 4
_SECOND_STAGE_TAKES_PART: Final = (PageTableType.SECOND_STAGE, PageTableType.NESTED)

_WHAT_TRANSLATES: Final = frozenset(
    {"P", "PGTT", "DID", "FSPTPTR", "FSPTPTR_address", "FSPM", "SSPTPTR", "SSPTPTR_address", "AW"}
)
"""Fields that say which address space an entry is for."""

Stages: TypeAlias = tuple[FirstStageDomain | None, Domain | None]
"""The first and the second stage of an address space: either, both for nested, or neither."""


@dataclass(slots=True)
class _Device:
    """A device with a context entry.

    Attributes:
        tables: Its PASID directory and tables.
        rid_pasid: The PASID that its requests without one use.
        device_tlb: Whether it may keep translations itself.
        uses: Per PASID in use, the domains attached to and how they know it.
    """

    tables: PasidTables
    rid_pasid: int
    device_tlb: bool
    uses: dict[int, tuple[tuple[FirstStageDomain | Domain, ...], Attachment]] = field(
        default_factory=dict
    )

    def use_of(self, source_id: int, pasid: int) -> Attachment:
        """How a PASID is known to its domains; ValueError if the device does not use it."""
        if pasid not in self.uses:
            raise ValueError(f"{format_source_id(source_id)} does not use PASID {pasid:#x}")
        return self.uses[pasid][1]

    def remember_use(self, use: Attachment, stages: Stages) -> None:
        """Attach a PASID to its domains."""
        domains = tuple(stage for stage in stages if stage is not None)
        self.uses[use.pasid] = domains, use
        for domain in domains:
            domain.attachments.add(use)

    def forget_use(self, pasid: int) -> None:
        """Detach a PASID from its domains."""
        domains, use = self.uses.pop(pasid)
        for domain in domains:
            domain.attachments.discard(use)


class ScalableDevices:
    """The context entries and PASID tables of all devices.

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

    MODE: Final = TableMode.SCALABLE

    def __init__(
        self, cpu: Cpu, frames: FrameAllocator, unit: ProbedUnit, keeper: CacheKeeper
    ) -> None:
        self._cpu = cpu
        self._frames = frames
        self._ecap = unit.capabilities.ECAP
        self._keeper = keeper
        self._devices: dict[int, _Device] = {}
        self.root_table = ScalableRootTable(cpu, frames)

    @property
    def attached(self) -> frozenset[int]:
        """Source-ids of the devices that have a context entry."""
        return frozenset(self._devices)

    def pasid_tables(self, source_id: int) -> PasidTables:
        """The PASID tables of a device.

        Args:
            source_id: The device.

        Raises:
            ValueError: The device has no context entry.
        """
        return self._device(source_id).tables

    def add(self, source_id: int, *, device_tlb: bool = False, **context_fields: int) -> None:
        """Give a device a context entry and empty PASID tables.

        Args:
            source_id: The device.
            device_tlb: Whether the device may ask for translations and keep them.
            **context_fields: Further fields of the context entry, such as `RID_PASID` or `PDTS`;
                the directory covers all PASIDs that the unit supports unless PDTS is given.

        Raises:
            ValueError: The device has a context entry already.
        """
        if source_id in self._devices:
            raise ValueError(f"{format_source_id(source_id)} has a context entry already")
        tables = PasidTables(
            self._cpu, self._frames, context_fields.get("PDTS", self._default_pdts())
        )
        fields = {
            "P": 1,
            "PASIDDIRPTR_address": tables.directory,
            "PDTS": tables.pdts,
            "PASIDE": self._ecap.PASID,
            "DTE": int(device_tlb),
        }
        entry = ScalableContextEntry(ScalableContextEntry.pack(**fields | context_fields))
        self.root_table.write_context_entry(source_id, entry.value)
        self._keeper.entries_added(
            descriptors.context_cache(NOT_PRESENT, source_id),
        )
        self._devices[source_id] = _Device(tables, entry.RID_PASID, device_tlb)

    def attach(
        self,
        source_id: int,
        domain: Domain | FirstStageDomain,
        *,
        device_tlb: bool = False,
        **entry_fields: int,
    ) -> None:
        """Let the requests without PASID of a device use a domain, whatever they used before.

        Args:
            source_id: The device; it gets a context entry if it has none.
            domain: The domain.
            device_tlb: Whether the device may ask for translations and keep them.
            **entry_fields: Further fields of the PASID-table entry.

        Raises:
            ValueError: The device has a context entry that does not let it keep translations.
        """
        if source_id not in self._devices:
            self.add(source_id, device_tlb=device_tlb)
        if device_tlb and not self._devices[source_id].device_tlb:
            raise ValueError(f"{format_source_id(source_id)} has a context entry with DTE=0")
        if isinstance(domain, FirstStageDomain):
            self.set_pasid(source_id, None, (domain, None), **entry_fields)
        else:
            self.set_pasid(source_id, None, (None, domain), **entry_fields)

    def attach_pass_through(self, source_id: int, domain_id: int, **entry_fields: int) -> None:
        """Let the requests without PASID of a device reach memory as it is.

        Args:
            source_id: The device; it gets a context entry if it has none.
            domain_id: The domain-id for its entry, of no other domain.
            **entry_fields: Further fields of the PASID-table entry.
        """
        fields = {"DID": domain_id} | entry_fields
        self.set_pasid(source_id, None, (None, None), **fields)

    def detach(self, source_id: int) -> None:
        """Take a device's context entry away; all its requests fault from now on.

        Args:
            source_id: The device.

        Raises:
            ValueError: The device has no context entry.
        """
        device = self._device(source_id)
        uses = [use for _domains, use in device.uses.values()]
        domain_ids = sorted({use.domain_id for use in uses})
        self.root_table.write_context_entry(source_id, 0)
        self._keeper.run(
            descriptors.context_cache(NOT_PRESENT, source_id),
            *map(descriptors.pasid_cache, domain_ids),
            *map(descriptors.iotlb, domain_ids),
            *(descriptor for use in uses for descriptor in _in_device(use)),
        )
        for pasid in list(device.uses):
            device.forget_use(pasid)
        device.tables.free_all()
        del self._devices[source_id]

    def set_pasid(
        self,
        source_id: int,
        pasid: int | None,
        stages: Stages,
        **entry_fields: int,
    ) -> None:
        """Let requests with a PASID use an address space, whatever they used before.

        A device without a context entry gets one. An entry that is present is made absent first,
        since it is too wide to be exchanged in one access (section 9.6).

        Args:
            source_id: The device.
            pasid: The PASID; None for requests without.
            stages: First stage, second stage, both for nested, or neither for pass-through, which
                needs a domain-id of its own (`DID`).
            **entry_fields: Further fields of the PASID-table entry, such as `SRE` or `SSADE`.

        Raises:
            ValueError: The PASID directory of the device does not cover the PASID.
            TypeError: The entry has no such field.
            MemoryError: No frame is left.
            Timeout: The unit does not finish.
        """
        if source_id not in self._devices:
            self.add(source_id)
        device = self._device(source_id)
        number = device.rid_pasid if pasid is None else pasid
        fields = _stage_fields(*stages) | {"P": 1, "PWSNP": self._ecap.SMPWCS} | entry_fields
        entry = PasidTableEntry(PasidTableEntry.pack(**fields))
        if number in device.uses:
            self.clear_pasid(source_id, pasid)
        device.tables.write_entry(number, entry.value)
        self._keeper.entries_added(
            descriptors.pasid_cache(NOT_PRESENT, number), _in_unit(entry, number)
        )
        use = Attachment(
            source_id,
            entry.DID,
            pasid=number,
            with_pasid=pasid is not None,
            device_tlb=device.device_tlb,
            nested=None not in stages,
        )
        device.remember_use(use, stages)

    def clear_pasid(self, source_id: int, pasid: int | None) -> None:
        """Take a PASID-table entry away; requests with the PASID fault from now on.

        Args:
            source_id: The device.
            pasid: The PASID; None for requests without.

        Raises:
            ValueError: The device does not use the PASID.
        """
        device = self._device(source_id)
        number = device.rid_pasid if pasid is None else pasid
        use = device.use_of(source_id, number)
        old = device.tables.read_entry(number)
        device.tables.write_entry(number, 0)
        self._keeper.run(
            descriptors.pasid_cache(use.domain_id, number),
            _in_unit(old, number),
            *_in_device(use),
        )
        device.forget_use(number)

    def change_pasid(self, source_id: int, pasid: int, **entry_fields: int) -> None:
        """Change fields of a PASID-table entry that stays present (section 6.5.3.3).

        Args:
            source_id: The device.
            pasid: The PASID.
            **entry_fields: New values of fields that do not say what is translated with.

        Raises:
            ValueError: The device does not use the PASID, or a field says what is translated with.
        """
        device = self._device(source_id)
        use = device.use_of(source_id, pasid)
        fixed = _WHAT_TRANSLATES.intersection(entry_fields)
        if fixed:
            raise ValueError(f"{sorted(fixed)} change by attaching the PASID again")
        old = device.tables.read_entry(pasid)
        new = PasidTableEntry(old.replace(**entry_fields))
        device.tables.write_entry(pasid, new.value)
        starts_updating = new.SSADE and not old.SSADE
        translations = _in_unit(old, pasid) if starts_updating else None
        self._keeper.run(
            descriptors.pasid_cache(use.domain_id, pasid),
            translations or descriptors.pasid_iotlb(use.domain_id, pasid),
            *_in_device(use),
        )

    def device_tlbs(self) -> list[Descriptor]:
        """What lets all devices that keep translations forget them."""
        uses = [use for device in self._devices.values() for _domains, use in device.uses.values()]
        return [descriptor for use in uses for descriptor in _in_device(use)]

    def _device(self, source_id: int) -> _Device:
        if source_id not in self._devices:
            raise ValueError(f"{format_source_id(source_id)} has no context entry")
        return self._devices[source_id]

    def _default_pdts(self) -> int:
        pasid_bits = self._ecap.PSS + 1 if self._ecap.PASID else 0
        return min(max(pasid_bits - _SMALLEST_DIRECTORY_BITS, 0), _LARGEST_PDTS)


def _stage_fields(first: FirstStageDomain | None, second: Domain | None) -> dict[str, int]:
    """The fields of a PASID-table entry that name the paging structures (section 9.6)."""
    fields: dict[str, int] = {"PGTT": PageTableType.PASS_THROUGH}
    if first is not None:
        fields |= {
            "PGTT": PageTableType.FIRST_STAGE,
            "DID": first.domain_id,
            "FSPTPTR_address": first.table.root,
            "FSPM": first.table.levels - _FEWEST_LEVELS,
        }
    if second is not None:
        fields |= {
            "PGTT": PageTableType.NESTED if first else PageTableType.SECOND_STAGE,
            "DID": second.domain_id,
            "SSPTPTR_address": second.table.root,
            "AW": aw_for(second.table.levels),
        }
    return fields


def _in_unit(entry: PasidTableEntry, pasid: int) -> Descriptor:
    """What to forget of the translations of an entry that was made absent (section 6.5.3.3)."""
    if entry.PGTT in _SECOND_STAGE_TAKES_PART:
        return descriptors.iotlb(entry.DID)
    return descriptors.pasid_iotlb(entry.DID, pasid)


def _in_device(use: Attachment) -> list[Descriptor]:
    """What to forget of a use in the device itself."""
    if not use.device_tlb:
        return []
    return [descriptors.device_tlb(use.source_id, use.pasid if use.with_pasid else None)]
