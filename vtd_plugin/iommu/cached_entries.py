"""What the context cache and the PASID cache hold (§6.2.2, §6.2.3).

Entries as they were when they were read, with what follows from them. With caching mode an entry
may be a failure, which answers until software invalidates it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from vtd_plugin.encodings.codes import PageTableType
    from vtd_plugin.encodings.faults import Condition
    from vtd_plugin.encodings.structures import PasidTableEntry, ScalableContextEntry
    from vtd_plugin.iommu.first_stage import FirstStageTables
    from vtd_plugin.iommu.second_stage import SecondStageTables

_DIRECTORY_INDEX_BITS: Final = 6
_SMALLEST_DIRECTORY_BITS: Final = 7


@dataclass(frozen=True, slots=True)
class CachedContext:
    """A context entry as the context cache holds it.

    Attributes:
        domain_id: Domain-id; 0 for a cached failure (§6.2.2).
        translation_type: What the device may do.
        tables: Its second-stage tables.
        input_bits: Width of the addresses that can be translated.
        suppressed: Fault processing is disabled (FPD).
        condition: Set where the entry is a failure that caching mode keeps.
    """

    domain_id: int
    translation_type: int
    tables: SecondStageTables
    input_bits: int
    suppressed: bool
    condition: Condition | None = None


@dataclass(frozen=True, slots=True)
class ScalableContext:
    """A scalable-mode context entry as the context cache holds it.

    Attributes:
        entry: The entry.
        suppressed: Fault processing is disabled (FPD).
        condition: Set where the entry is a failure that caching mode keeps.
    """

    entry: ScalableContextEntry
    suppressed: bool
    condition: Condition | None = None

    @property
    def pasid_bits(self) -> int:
        """Bits of a PASID that the directory can look up (PDTS)."""
        return self.entry.PDTS + _SMALLEST_DIRECTORY_BITS + _DIRECTORY_INDEX_BITS

    @property
    def contradicts_itself(self) -> bool:
        """PASIDs are allowed in translated requests, and not at all (SCT.4.3).

        The fault table has this for no request whose PASID would be translated: that PASIDs are not
        enabled is SCT.6 to them, a fault of the request and not of the entry (§7.1.3).
        """
        return bool(self.entry.EPTR and not self.entry.PASIDE)


@dataclass(frozen=True, slots=True)
class CachedPasid:
    """A PASID entry as the PASID cache holds it.

    Attributes:
        domain_id: Domain-id; 0 for a cached failure (§6.2.3).
        pasid: The PASID.
        entry: The entry.
        page_tables: Which tables translate (PGTT).
        tables: Where to walk: first-stage tables (nested ones know the second stage below them),
            second-stage tables, or None for pass-through.
        input_bits: Width of the addresses that the second stage takes.
        suppressed: Fault processing is disabled (FPD) by this entry or one before it.
        condition: Set where the entry is a failure that caching mode keeps.
    """

    domain_id: int
    pasid: int
    entry: PasidTableEntry
    page_tables: PageTableType
    tables: FirstStageTables | SecondStageTables | None
    input_bits: int
    suppressed: bool
    condition: Condition | None = None
