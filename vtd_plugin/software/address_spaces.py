"""The domains of one unit: made with what the unit supports, and taken apart again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vtd_plugin.software.control import UnitControl
from vtd_plugin.software.domains import Domain, FirstStageDomain
from vtd_plugin.software.first_stage import FirstStageTable
from vtd_plugin.software.probe import choose_depth
from vtd_plugin.software.second_stage import SecondStageTable

if TYPE_CHECKING:
    from vtd_plugin.software.cpu import Cpu
    from vtd_plugin.software.frames import FrameAllocator


class AddressSpaceControl(UnitControl):
    """A unit and the address spaces that can be made for it; constructed as any `UnitControl`."""

    _io_rights = False

    def create_domain(
        self,
        levels: int | None = None,
        domain_id: int | None = None,
        *,
        preset_accessed: bool = False,
    ) -> Domain:
        """Make a second-stage address space in which nothing is mapped.

        Args:
            levels: Depth of its tables; by default the deepest that the unit supports.
            domain_id: Its domain-id; by default the lowest that is free.
            preset_accessed: Set accessed and dirty bits beforehand.

        Raises:
            ValueError: The unit has no such tables or domain-id, or it is in use.
            MemoryError: No frame is left.
        """
        table = SecondStageTable(
            self._cpu,
            self._frames,
            choose_depth(levels, self.unit.levels),
            page_sizes=self.unit.page_sizes,
            preset_accessed=preset_accessed,
            io_rights=self._io_rights,
        )
        return Domain(self.keeper, self.domain_ids.take(domain_id), table)

    def create_first_stage_domain(
        self,
        levels: int | None = None,
        domain_id: int | None = None,
        *,
        cpu: Cpu | None = None,
        frames: FrameAllocator | None = None,
    ) -> FirstStageDomain:
        """Make a first-stage address space in which nothing is mapped.

        Its accessed bits are preset where the unit cannot update them (section 3.10).

        Args:
            levels: Depth of its tables; by default the least that the unit supports.
            domain_id: Its domain-id, where it is not nested; by default the lowest that is free.
            cpu: What writes its tables: `GuestMemory` for one that is to be nested.
            frames: Where its tables come from: guest-physical frames for one to be nested.

        Raises:
            ValueError: The unit has no such tables or domain-id, or it is in use.
            MemoryError: No frame is left.
        """
        table = FirstStageTable(
            cpu or self._cpu,
            frames or self._frames,
            choose_depth(levels, self.unit.first_stage_levels[::-1]),
            page_sizes=self.unit.first_stage_page_sizes,
            preset_accessed=not self.unit.capabilities.ECAP.SMPWCS,
        )
        return FirstStageDomain(self.keeper, self.domain_ids.take(domain_id), table)

    def destroy_domain(self, domain: Domain | FirstStageDomain) -> None:
        """Give back the tables and the domain-id of an address space that nothing uses.

        Args:
            domain: The address space.

        Raises:
            ValueError: A device is still attached to it.
        """
        if domain.attachments:
            raise ValueError(f"domain {domain.domain_id:#x} is in use: {domain.attachments}")
        domain.table.free_all()
        self.domain_ids.give_back(domain.domain_id)
