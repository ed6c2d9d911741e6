"""A unit that translates nothing and forgives nothing: it checks how software treats registers.

It is a `Cpu` with some memory and one register set. Every command takes some reads of its status to
finish, and whoever breaks a rule of sections 6.5, 6.9, 11.2 or 11.4.4 gets a `RuleBroken` at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vtd_plugin.encodings.capabilities import Capabilities
from vtd_plugin.encodings.codes import DescriptorType
from vtd_plugin.encodings.registers import (
    CAP,
    CCMD,
    ECAP,
    FSTS,
    GCMD,
    GSTS,
    IOTLB,
    IQA,
    IQH,
    IQT,
    IRTA,
    IVA,
    RTADDR,
    VER,
    Register,
)
from vtd_plugin.encodings.structures import (
    ContextInvalidate,
    DeviceTlbInvalidate,
    InterruptEntryInvalidate,
    InvalidationWait,
    IotlbInvalidate,
    PasidCacheInvalidate,
    PasidDeviceTlbInvalidate,
    PasidIotlbInvalidate,
)

if TYPE_CHECKING:
    from vtd_plugin.encodings._layout import Layout

BASE: Final = 0xFED90000
WINDOW: Final = 0x1000
RAM_BYTES: Final = 8 << 20

CAPABILITIES: Final = {
    "ND": 6,
    "SAGAW": 0b0110,
    "MGAW": 47,
    "SSLPS": 0b11,
    "PSI": 1,
    "NFR": 3,
    "FRO": 0x40,
    "MAMV": 9,
    "ESRTPS": 0,
}
EXTENDED: Final = {"IRO": 0x50, "C": 1, "PT": 1}

_ONE_SHOT: Final = GSTS.mask("RTPS", "FLS", "WBFS", "IRTPS")
_DESCRIPTORS: Final[dict[int, type[Layout]]] = {
    DescriptorType.CONTEXT: ContextInvalidate,
    DescriptorType.IOTLB: IotlbInvalidate,
    DescriptorType.DEVICE_TLB: DeviceTlbInvalidate,
    DescriptorType.INTERRUPT_ENTRY: InterruptEntryInvalidate,
    DescriptorType.WAIT: InvalidationWait,
    DescriptorType.PASID_IOTLB: PasidIotlbInvalidate,
    DescriptorType.PASID_CACHE: PasidCacheInvalidate,
    DescriptorType.PASID_DEVICE_TLB: PasidDeviceTlbInvalidate,
}


class RuleBroken(AssertionError):  # noqa: N818 - the name says what happened
    """Software did what the architecture forbids."""


class StrictUnit:
    """A processor whose only device is a strict unit.

    Args:
        latency: Reads of a status register before a command is done.
        **fields: Fields of CAP and ECAP, over those of a small legacy unit with a queue.

    Attributes:
        commands: The bits of GCMD that were changed, in order, such as `+SRTP` and `-TE`.
        forgotten: The invalidations asked for, in order, as descriptors.
        cleared: Status bits of FSTS that software has written a 1 to.
        root: RTADDR as the last set-root-table-pointer latched it.
        last_command: The command, by its place in `commands`, that never finishes, nor does
            anything after it; None: all do.
    """

    def __init__(self, latency: int = 2, **fields: int) -> None:
        given = {**CAPABILITIES, **EXTENDED, "QI": 1, **fields}
        cap = CAP.pack(**{name: value for name, value in given.items() if name in CAP.FIELDS})
        ecap = ECAP.pack(**{name: value for name, value in given.items() if name in ECAP.FIELDS})
        self.capabilities = Capabilities(given.get("version", 0x50), cap, ecap, 48)
        self.latency = latency
        self.last_command: int | None = None
        self.commands: list[str] = []
        self.forgotten: list[Layout] = []
        self.cleared = 0
        self.root: RTADDR | None = None
        self.ram = bytearray(RAM_BYTES)
        self._values: dict[int, int] = {
            VER.offset_in(self.capabilities): self.capabilities.version,
            CAP.offset_in(self.capabilities): cap,
            ECAP.offset_in(self.capabilities): ecap,
        }
        self._status = 0
        self._pending: tuple[int, int] | None = None
        self._busy: type[Register] | None = None
        self._reads_left = 0
        self._waits: list[InvalidationWait] = []
        self._head = 0

    # What a processor does.

    def read(self, address: int, size: int) -> bytes:
        if not BASE <= address < BASE + WINDOW:
            _check(address + size <= RAM_BYTES, f"read of nothing at {address:#x}")
            return bytes(self.ram[address : address + size])
        register = self._register_at(address - BASE, size)
        return self._read_register(register).to_bytes(size, "little")

    def write(self, address: int, data: bytes) -> None:
        if not BASE <= address < BASE + WINDOW:
            _check(address + len(data) <= RAM_BYTES, f"write to nothing at {address:#x}")
            self.ram[address : address + len(data)] = data
            return
        register = self._register_at(address - BASE, len(data))
        self._write_register(register, int.from_bytes(data, "little"))

    # What the tests look at.

    def value(self, register: type[Register]) -> int:
        """What software last wrote to a register."""
        return self._values.get(register.offset_in(self.capabilities), 0)

    def reset(self) -> None:
        """All registers as after power-on; memory stays."""
        identity = (VER, CAP, ECAP)
        kept = {register.offset_in(self.capabilities) for register in identity}
        self._values = {offset: v for offset, v in self._values.items() if offset in kept}
        self._status, self._pending, self._busy, self._head = 0, None, None, 0
        self.root = None
        self.commands.clear()
        self.forgotten.clear()

    # What the unit does.

    def _register_at(self, offset: int, size: int) -> type[Register]:
        for register in _KNOWN:
            if register.offset_in(self.capabilities) == offset:
                _check(size == register.BITS // 8, f"{size}-byte access of {register.NAME}")
                return register
        raise RuleBroken(f"{size}-byte access at {offset:#x}, where no register is expected")

    def _read_register(self, register: type[Register]) -> int:
        self._let_time_pass()
        if register is GSTS:
            return self._status
        if register is IQH:
            return IQH.pack(QH=self._head // 16)
        return self.value(register)

    def _write_register(self, register: type[Register], value: int) -> None:
        _check(register not in (VER, CAP, ECAP, GSTS, IQH), f"{register.NAME} is read-only")
        if register is GCMD:
            self._command(value)
            return
        if register is FSTS:  # nothing goes wrong here, so that it always reads 0
            self.cleared |= value
            return
        self._values[register.offset_in(self.capabilities)] = value
        if register is CCMD and CCMD(value).ICC:
            self._register_invalidation(CCMD)
        elif register is IOTLB and IOTLB(value).IVT:
            self._register_invalidation(IOTLB)
        elif register is IQT:
            self._fetch(IQT(value).QT * 16)

    def _let_time_pass(self) -> None:
        dead = self.last_command is not None and len(self.commands) > self.last_command
        if dead or not (self._pending or self._busy or self._waits):
            return
        self._reads_left -= 1
        if self._reads_left > 0:
            return
        if self._pending:
            mask, value = self._pending
            self._status = self._status & ~mask | value
            self._pending = None
        if self._busy:
            offset = self._busy.offset_in(self.capabilities)
            done = {"ICC": 0, "CAIG": 1} if self._busy is CCMD else {"IVT": 0, "IAIG": 1}
            self._values[offset] = self._busy(self._values[offset]).replace(**done)
            self._busy = None
        for wait in self._waits:
            self.write(wait.STADDR_address, wait.STDATA.to_bytes(4, "little"))
        self._waits.clear()

    def _begin(self) -> None:
        _check(self._pending is None, "a command is under way already (section 6.9)")
        _check(self._busy is None, "an invalidation is under way already (section 6.9)")
        self._reads_left = self.latency

    def _command(self, value: int) -> None:
        self._begin()
        changed = value ^ (self._status & ~_ONE_SHOT)
        names = [name for name in GCMD.FIELDS if changed & GCMD.mask(name)]
        _check(len(names) == 1, f"GCMD write changes {names}, not one bit (section 11.4.4.1)")
        (name,) = names
        on = bool(value & changed)
        self.commands.append(("+" if on else "-") + name)
        getattr(self, f"_command_{name.lower()}")(on)

    def _command_te(self, on: bool) -> None:
        _check(not on or self.root is not None, "TE without a root table (section 6.6)")
        self._pending = (GSTS.mask("TES"), GSTS.pack(TES=on))

    def _command_srtp(self, _on: bool) -> None:
        self.root = RTADDR(self.value(RTADDR))
        self._status &= ~GSTS.mask("RTPS")
        self._pending = (GSTS.mask("RTPS"), GSTS.pack(RTPS=1))

    def _command_qie(self, on: bool) -> None:
        _check(not on or self.value(IQT) == 0, "QIE with a tail that is not 0 (section 6.5.2)")
        _check(not on or IQA(self.value(IQA)).IQA_address != 0, "QIE without IQA")
        self._head = 0
        self._pending = (GSTS.mask("QIES"), GSTS.pack(QIES=on))

    def _command_sirtp(self, _on: bool) -> None:
        _check(self.value(IRTA) != 0, "SIRTP without IRTA")
        self._status &= ~GSTS.mask("IRTPS")
        self._pending = (GSTS.mask("IRTPS"), GSTS.pack(IRTPS=1))

    def _command_ire(self, on: bool) -> None:
        _check(not on or GSTS(self._status).IRTPS == 1, "IRE without a table (section 6.7)")
        self._pending = (GSTS.mask("IRES"), GSTS.pack(IRES=on))

    def _command_cfi(self, on: bool) -> None:
        self._pending = (GSTS.mask("CFIS"), GSTS.pack(CFIS=on))

    def _command_wbf(self, _on: bool) -> None:
        _check(bool(self.capabilities.CAP.RWBF), "WBF on a unit that has no write buffer")
        self._status |= GSTS.mask("WBFS")
        self._pending = (GSTS.mask("WBFS"), 0)

    def _register_invalidation(self, register: type[Register]) -> None:
        _check(not GSTS(self._status).QIES, "register invalidation while the queue is on")
        self._begin()
        self._busy = register
        if register is CCMD:
            command = CCMD(self.value(CCMD))
            fields = {"G": command.CIRG, "DID": command.DID, "SID": command.SID, "FM": command.FM}
            self.forgotten.append(ContextInvalidate(ContextInvalidate.pack(**fields)))
            return
        where, what = IVA(self.value(IVA)), IOTLB(self.value(IOTLB))
        fields = {"G": what.IIRG, "DID": what.DID, "DR": what.DR, "DW": what.DW}
        fields |= {"ADDR": where.ADDR, "AM": where.AM, "IH": where.IH}
        self.forgotten.append(IotlbInvalidate(IotlbInvalidate.pack(**fields)))

    def _fetch(self, tail: int) -> None:
        if not GSTS(self._status).QIES:
            return
        ring = IQA(self.value(IQA))
        size = 32 if ring.DW else 16
        _check(tail % size == 0, f"tail {tail:#x} is not at a descriptor")
        while self._head != tail:
            raw = self.read(ring.IQA_address + self._head, size)
            self._head = (self._head + size) % (4096 << ring.QS)
            self._obey(int.from_bytes(raw, "little"))

    def _obey(self, bits: int) -> None:
        kind = _DESCRIPTORS[ContextInvalidate(bits % (1 << 128)).TYPE]
        descriptor = kind(bits)
        _check(not bits & kind.reserved(self.capabilities), f"reserved bits in {descriptor!r}")
        if isinstance(descriptor, InvalidationWait):
            _check(bool(descriptor.SW), "a wait that tells nobody")
            if not self._waits:
                self._reads_left = self.latency
            self._waits.append(descriptor)
            return
        to_device = isinstance(descriptor, DeviceTlbInvalidate | PasidDeviceTlbInvalidate)
        _check(
            not to_device or GSTS(self._status).TES == 1,
            "device-TLB invalidation without translation (section 4.3)",
        )
        self.forgotten.append(descriptor)


_KNOWN: Final = (
    VER,
    CAP,
    ECAP,
    GCMD,
    GSTS,
    RTADDR,
    CCMD,
    IVA,
    IOTLB,
    FSTS,
    IQA,
    IQT,
    IQH,
    IRTA,
)


def _check(condition: bool, rule: str) -> None:
    if not condition:
        raise RuleBroken(rule)
