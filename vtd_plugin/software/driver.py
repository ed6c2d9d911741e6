"""A driver of one unit, as an operating system has it: enable, map, invalidate, disable, recover.

It acts through memory and registers only. `control` has what concerns all of the unit; here are
the domains, and the devices that use them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from vtd_plugin.bus.source_id import parse_source_id
from vtd_plugin.encodings.codes import TableMode
from vtd_plugin.software.control import Root, UnitControl
from vtd_plugin.software.domains import Domain, DomainIds, FirstStageDomain
from vtd_plugin.software.first_stage import FirstStageTable
from vtd_plugin.software.legacy import LegacyDevices
from vtd_plugin.software.mmio import DEFAULT_BASE, WIDEST_HOST_ADDRESS, Registers
from vtd_plugin.software.polling import DEFAULT_POLL_LIMIT, Poller, nothing
from vtd_plugin.software.probe import ProbedUnit, choose_depth
from vtd_plugin.software.scalable import ScalableDevices
from vtd_plugin.software.second_stage import SecondStageTable

if TYPE_CHECKING:
    from collections.abc import Callable

    from vtd_plugin.software.cpu import Cpu
    from vtd_plugin.software.frames import FrameAllocator

Mode: TypeAlias = Literal["legacy", "scalable"]


class Driver(UnitControl):
    """A driver of one unit.

    A unit is brought up and used like this::

        driver = Driver(platform, frames=FrameAllocator(0x10_0000, 0x40_0000))
        driver.enable()
        domain = driver.create_domain()
        domain.map(0x8000_0000, 0x20_0000, 0x4000)
        driver.attach("00:04.0", domain)

    Args:
        cpu: The processor it runs on; a `Platform` is one.
        base: Physical address of the registers.
        frames: Where tables and the queue come from.
        wait: Called once per poll, to let time pass.
        poll_limit: Polls before a `Timeout`.
        use_queue: Whether to invalidate through the queue; None: wherever there is one.
        host_address_width: Physical address bits of the platform, as firmware reports it.

    Raises:
        ValueError: The unit cannot be used the way that `use_queue` demands.
        MemoryError: No frames are left.
    """

    def __init__(
        self,
        cpu: Cpu,
        *,
        base: int = DEFAULT_BASE,
        frames: FrameAllocator,
        wait: Callable[[], None] = nothing,
        poll_limit: int = DEFAULT_POLL_LIMIT,
        use_queue: bool | None = None,
        host_address_width: int = WIDEST_HOST_ADDRESS,
    ) -> None:
        registers = Registers(
            cpu, base, host_address_width=host_address_width, poller=Poller(wait, poll_limit)
        )
        super().__init__(cpu, registers, frames, use_queue=use_queue)
        self._cpu = cpu
        self._frames = frames
        self._domain_ids = DomainIds(self.unit.domain_ids)
        self._pass_through_id: int | None = None
        self._devices: LegacyDevices | ScalableDevices | None = None
        self._io_rights = False

    def probe(self) -> ProbedUnit:
        """What the unit can do and how this driver is going to use it."""
        return self.unit

    @property
    def devices(self) -> LegacyDevices | ScalableDevices:
        """The tables of the mode that was prepared, for whoever writes entries of their own.

        Raises:
            ValueError: No mode was prepared.
        """
        if self._devices is None:
            raise ValueError("there are no tables yet: call prepare() or enable() first")
        return self._devices

    def prepare(self, mode: Mode = "legacy", *, io_rights: bool = False) -> None:
        """Make the tables of a mode, without touching the unit.

        Devices can then be attached before translation is enabled. Tables of the same mode that
        are there already are kept.

        Args:
            mode: Legacy or scalable mode.
            io_rights: Let the rights of second-stage tables be in IR and IW (RTADDR.SSIRWE).

        Raises:
            ValueError: The unit or this driver lacks what the mode needs, or devices are still
                attached in another mode.
            MemoryError: No frame is left.
        """
        if io_rights and not (mode == "scalable" and self.unit.capabilities.ECAP.SSIRWS):
            raise ValueError("IR and IW need scalable mode and ECAP.SSIRWS")
        self._io_rights = io_rights
        wanted = TableMode[mode.upper()]
        if self._devices is not None:
            if self._devices.MODE is wanted:
                return
            if self._devices.attached:
                raise ValueError(f"devices are attached in {self._devices.MODE.name} mode")
        if wanted is TableMode.SCALABLE and not self.unit.scalable:
            raise ValueError("scalable mode needs ECAP.SMTS and the invalidation queue")
        room = LegacyDevices if wanted is TableMode.LEGACY else ScalableDevices
        self._devices = room(self._cpu, self._frames, self.unit, self.keeper)

    def enable(self, mode: Mode = "legacy", *, io_rights: bool = False) -> None:
        """Prepare a mode and turn translation on.

        Args:
            mode: As for `prepare`.
            io_rights: As for `prepare`.

        Raises:
            ValueError: As `prepare`.
            MemoryError: No frame is left.
            Timeout: The unit does not finish a command.
        """
        self.prepare(mode, io_rights=io_rights)
        self.turn_on(self.root)

    @property
    def root(self) -> Root:
        """The root table of the prepared mode, as `set_root` takes it.

        Raises:
            ValueError: No mode was prepared.
        """
        devices = self.devices
        return Root(devices.root_table.address, devices.MODE, self._io_rights)

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
        return Domain(self.keeper, self._domain_ids.take(domain_id), table)

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
        return FirstStageDomain(self.keeper, self._domain_ids.take(domain_id), table)

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
        self._domain_ids.give_back(domain.domain_id)

    def attach(
        self,
        source_id: int | str,
        domain: Domain | FirstStageDomain,
        *,
        device_tlb: bool = False,
        **entry_fields: int,
    ) -> None:
        """Let the requests of a device that carry no PASID use a domain, whatever they used before.

        Args:
            source_id: The device.
            domain: The domain; a first stage only in scalable mode.
            device_tlb: Whether the device may ask for translations and keep them.
            **entry_fields: Further fields of the context entry, in scalable mode of the
                PASID-table entry, by their architectural names.

        Raises:
            ValueError: No mode was prepared, or the context entry has DTE=0 already.
            TypeError: The entry has no such field, or the mode no such domains.
            Timeout: The unit does not finish.
        """
        self.devices.attach(
            parse_source_id(source_id), domain, device_tlb=device_tlb, **entry_fields
        )

    def attach_pass_through(
        self, source_id: int | str, domain_id: int | None = None, **entry_fields: int
    ) -> None:
        """Let the requests of a device that carry no PASID reach memory as it is.

        Args:
            source_id: The device.
            domain_id: The domain-id for its entry; by default one that all such devices share.
            **entry_fields: As for `attach`.

        Raises:
            ValueError: No mode was prepared, or the unit has no second stage in legacy mode.
            TypeError: The entry has no such field.
            Timeout: The unit does not finish.
        """
        if domain_id is None:
            domain_id = self._pass_through_domain_id()
        self.devices.attach_pass_through(parse_source_id(source_id), domain_id, **entry_fields)

    def detach(self, source_id: int | str) -> None:
        """Take a device's context entry away; all its requests fault from now on.

        Args:
            source_id: The device.

        Raises:
            ValueError: No mode was prepared, or the device is not attached.
            Timeout: The unit does not finish.
        """
        self.devices.detach(parse_source_id(source_id))

    def add_device(
        self, source_id: int | str, *, device_tlb: bool = False, **context_fields: int
    ) -> None:
        """Give a device a scalable-mode context entry, and PASID tables with nothing in them.

        Only needed to choose context fields; attaching does it otherwise.

        Args:
            source_id: The device.
            device_tlb: Whether the device may ask for translations and keep them.
            **context_fields: Further fields of the context entry, such as `RID_PASID` or `PDTS`.

        Raises:
            ValueError: Scalable mode was not prepared, or the device has a context entry.
            TypeError: The entry has no such field.
        """
        number = parse_source_id(source_id)
        self._scalable_devices().add(number, device_tlb=device_tlb, **context_fields)

    def attach_pasid(
        self,
        source_id: int | str,
        pasid: int,
        *,
        first_stage: FirstStageDomain | None = None,
        second_stage: Domain | None = None,
        pass_through: bool = False,
        **entry_fields: int,
    ) -> None:
        """Let the requests of a device with a PASID use an address space.

        What they used before is taken away first. A first and a second stage given together are
        nested.

        Args:
            source_id: The device.
            pasid: The PASID, 20 bits.
            first_stage: Translates the addresses of requests.
            second_stage: Translates them, or what the first stage comes to.
            pass_through: Let the requests reach memory as it is, with neither stage.
            **entry_fields: Further fields of the PASID-table entry, such as `SRE` or `SSADE`.

        Raises:
            ValueError: Scalable mode was not prepared, the device has no such PASID, or it is not
                clear what the requests are to use.
            TypeError: The entry has no such field.
            Timeout: The unit does not finish.
        """
        if pass_through is not (first_stage is None and second_stage is None):
            raise ValueError("give a first stage, a second stage, both, or pass_through")
        if pass_through:
            entry_fields = {"DID": self._pass_through_domain_id()} | entry_fields
        self._scalable_devices().set_pasid(
            parse_source_id(source_id), pasid, (first_stage, second_stage), **entry_fields
        )

    def detach_pasid(self, source_id: int | str, pasid: int) -> None:
        """Take the address space of a PASID away; requests with it fault from now on.

        Args:
            source_id: The device.
            pasid: The PASID, 20 bits.

        Raises:
            ValueError: Scalable mode was not prepared, or the device does not use the PASID.
            Timeout: The unit does not finish.
        """
        self._scalable_devices().clear_pasid(parse_source_id(source_id), pasid)

    def _scalable_devices(self) -> ScalableDevices:
        if not isinstance(self.devices, ScalableDevices):
            raise ValueError("PASIDs need scalable mode, but legacy mode was prepared")  # noqa: TRY004
        return self.devices

    def _pass_through_domain_id(self) -> int:
        """A domain-id that no paging structures use, taken when it is first needed."""
        if self._pass_through_id is None:
            self._pass_through_id = self._domain_ids.take()
        return self._pass_through_id
