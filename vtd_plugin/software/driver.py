"""A driver of one unit, as an operating system has it: enable, map, invalidate, disable, recover.

It acts through memory and registers only. `control` has what concerns all of the
unit, `address_spaces` the domains; here are the devices that use them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from vtd_plugin.bus.source_id import parse_source_id
from vtd_plugin.encodings.codes import TableMode
from vtd_plugin.software.address_spaces import AddressSpaceControl
from vtd_plugin.software.control import Root
from vtd_plugin.software.domains import DomainBase
from vtd_plugin.software.legacy import LegacyDevices
from vtd_plugin.software.mmio import DEFAULT_BASE, WIDEST_HOST_ADDRESS, Registers
from vtd_plugin.software.pasid_tables import require_pasid
from vtd_plugin.software.polling import DEFAULT_POLL_LIMIT, Poller, nothing
from vtd_plugin.software.scalable import ScalableDevices

if TYPE_CHECKING:
    from collections.abc import Callable

    from vtd_plugin.software.cpu import Cpu
    from vtd_plugin.software.domains import Domain, FirstStageDomain
    from vtd_plugin.software.frames import FrameAllocator
    from vtd_plugin.software.polling import Pending
    from vtd_plugin.software.probe import ProbedUnit

Mode: TypeAlias = Literal["legacy", "scalable"]


class Driver(AddressSpaceControl):
    """A driver of one unit.

    A unit is brought up and used like this:

        driver = Driver(platform, frames=FrameAllocator(0x10_0000, 0x40_0000))
        driver.enable()
        domain = driver.create_domain()
        domain.map(0x8000_0000, 0x20_0000, 0x4000)
        driver.attach("00:04.0", domain)

    Args:
        cpu: The processor it runs on; a `Platform` is one.
        base: Physical address of the registers; by default 0xFED9_0000.
        frames: Where tables and the queue come from.
        wait: Called once per poll, to let time pass; needed where requests stay in flight.
        poll_limit: Polls before a `Timeout`.
        use_queue: Whether to invalidate through the queue; None: wherever there is one.
        host_address_width: Physical address bits of the platform, as firmware reports it.

    Raises:
        ValueError: No unit has its registers at `base`, or it cannot be used the way that
            `use_queue` demands.
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
        self._devices: LegacyDevices | ScalableDevices | None = None

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
            raise ValueError(
                "there are no tables yet: call enable(), or prepare() to attach devices before that"
            )
        return self._devices

    def prepare(self, mode: Mode = "legacy", *, io_rights: bool = False) -> None:
        """Make the tables of a mode, without touching the unit.

        Devices can then be attached before translation is enabled. Tables of the same mode that
        are there already are kept.

        Args:
            mode: Legacy or scalable mode.
            io_rights: Let the rights of second-stage tables be in IR and IW (RTADDR.SSIRWE).

        Raises:
            ValueError: There is no such mode, the unit or this driver lacks what it needs, or the
                tables of another mode are still in use.
            MemoryError: No frame is left.
        """
        if mode not in ("legacy", "scalable"):
            raise ValueError(f"no mode {mode!r}; there are: 'legacy', 'scalable'")
        wanted = TableMode[mode.upper()]
        self._check_mode(wanted, io_rights=io_rights)
        if self._devices is not None:
            if self._devices.MODE is wanted and self._io_rights is io_rights:
                return
            if self._devices.attached or self.translating:
                raise ValueError(f"the tables of {self._devices.MODE.name} mode are in use")
            self._devices.root_table.free_all()
        self._io_rights = io_rights
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

    def switch_to_scalable(self) -> None:
        """Let all devices use the tables of scalable mode, which lead to where the legacy ones do.

        A unit that translates goes on translating: the new root table takes over at once.

        Raises:
            ValueError: Legacy mode was not prepared; the unit lacks scalable mode; or it
                translates, and may not change its mode then (CAP.ESRTPS=0).
            MemoryError: No frame is left.
            Timeout: The unit does not finish.
        """
        old = self.devices
        if not isinstance(old, LegacyDevices):
            raise ValueError("devices are in scalable mode already")  # noqa: TRY004
        if self.translating and not self.unit.capabilities.CAP.ESRTPS:
            raise ValueError("the mode cannot change while the unit translates: CAP.ESRTPS is 0")
        self._check_mode(TableMode.SCALABLE, io_rights=False)
        new = ScalableDevices(self._cpu, self._frames, self.unit, self.keeper)
        with self.keeper.muted():
            old.hand_over(new)
        self._devices = new
        if self._root is not None:
            self.set_root(self.root)
        self.keeper.run(*new.device_tlbs())
        old.root_table.free_all()

    def start_disable(self) -> Pending:
        """Begin to turn translation off; requests in flight may delay it (section 6.5.4).

        Devices that keep translations forget them first: the caller has stopped them from asking
        for new ones (section 4.5).

        Returns:
            What to wait for.

        Raises:
            QueueStopped: A device does not answer.
            Timeout: The unit does not finish.
        """
        if self._devices is not None:
            self.keeper.run(*self._devices.device_tlbs())
        return super().start_disable()

    @property
    def root(self) -> Root:
        """The root table of the prepared mode, as `set_root` takes it.

        Raises:
            ValueError: No mode was prepared.
        """
        devices = self.devices
        return Root(devices.root_table.address, devices.MODE, self._io_rights)

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
            ValueError: No mode was prepared, the unit cannot have devices keep translations, or the
                context entry has DTE=0 already.
            TypeError: `domain` is no domain, the entry has no such field, or the mode no such
                domains.
            Timeout: The unit does not finish.
        """
        if not isinstance(domain, DomainBase):
            raise TypeError(f"{domain!r} is no domain: make one with create_domain()")
        self._check_device_tlb(device_tlb=device_tlb)
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
            domain_id = self.domain_ids.pass_through
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
            ValueError: Scalable mode was not prepared, the device has a context entry, or the unit
                cannot have devices keep translations.
            TypeError: The entry has no such field.
        """
        self._check_device_tlb(device_tlb=device_tlb)
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
            TypeError: The PASID is no number, or the entry has no such field.
            Timeout: The unit does not finish.
        """
        require_pasid(pasid)
        if pass_through is not (first_stage is None and second_stage is None):
            raise ValueError("give a first stage, a second stage, both, or pass_through")
        if pass_through:
            entry_fields = {"DID": self.domain_ids.pass_through} | entry_fields
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
            TypeError: The PASID is no number.
            Timeout: The unit does not finish.
        """
        require_pasid(pasid)
        self._scalable_devices().clear_pasid(parse_source_id(source_id), pasid)

    def change_pasid(self, source_id: int | str, pasid: int, **entry_fields: int) -> None:
        """Change fields of a PASID-table entry that stays present (section 6.5.3.3).

        Fields of different 16-byte pieces of the entry do not change at the same moment.

        Args:
            source_id: The device.
            pasid: The PASID, 20 bits.
            **entry_fields: New values by their architectural names, such as `WPE`, `SRE`, `SSADE`
                or `FPD`. What a PASID translates with changes by `attach_pasid`.

        Raises:
            ValueError: Scalable mode was not prepared, the device does not use the PASID, or a
                field belongs to `attach_pasid`.
            TypeError: The PASID is no number, or the entry has no such field.
            Timeout: The unit does not finish.
        """
        require_pasid(pasid)
        self._scalable_devices().change_pasid(parse_source_id(source_id), pasid, **entry_fields)

    def _check_mode(self, mode: TableMode, *, io_rights: bool) -> None:
        if mode is TableMode.SCALABLE and not self.unit.scalable:
            raise ValueError("scalable mode needs ECAP.SMTS and the invalidation queue")
        if io_rights and not (mode is TableMode.SCALABLE and self.unit.capabilities.ECAP.SSIRWS):
            raise ValueError("IR and IW need scalable mode and ECAP.SSIRWS")

    def _check_device_tlb(self, *, device_tlb: bool) -> None:
        if device_tlb and not self.unit.device_tlbs:
            raise ValueError("device-TLBs need ECAP.DT and the invalidation queue")

    def _scalable_devices(self) -> ScalableDevices:
        if not isinstance(self.devices, ScalableDevices):
            raise ValueError(  # noqa: TRY004 - of the mode, not of an argument
                "PASIDs need scalable mode, and this driver is in legacy mode: "
                "call enable('scalable'), or switch_to_scalable() if devices are attached"
            )
        return self.devices
