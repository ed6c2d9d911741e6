"""The unit and the walker side by side: the same memory, the same requests, one comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.property.image import PAGE
from tests.property.units import FAULT_RECORDS, RECORDS
from tests.property.worlds import WIDTHS
from tests.reference.faults import CONDITIONS
from tests.reference.model import in_place
from tests.reference.rights import overlaps_interrupt_range
from tests.reference.walker import walk
from vtd_plugin import AddressType, Fault, Platform, Translation, VtdConfig, VtdUnit
from vtd_plugin.bus import INTERRUPT, RequestKind, Resolution
from vtd_plugin.iommu.caches import IotlbEntry

if TYPE_CHECKING:
    from tests.property.worlds import World
    from tests.reference.capabilities import Caps
    from tests.reference.model import Ask, Outcome, Read

GCMD: Final = 0x18
RTADDR: Final = 0x20
TRANSLATION_ENABLE: Final = 1 << 31
SET_ROOT: Final = 1 << 30


class Pair:
    """A unit with translation on, and the walker on a copy of its memory.

    Attributes:
        written: The pages in which walks have set accessed and dirty bits.
    """

    def __init__(self, world: World) -> None:
        self.caps = world.caps
        self.rtaddr = world.rtaddr
        self.unit_memory = bytearray(world.image.memory)
        self.walker_memory = bytearray(world.image.memory)
        self.platform = Platform(ram=self.unit_memory, load_entry_points=False)
        caps = self.caps
        config = VtdConfig.from_registers(
            caps.version,
            caps.cap,
            caps.ecap,
            host_address_width=caps.haw,
            cache_sizes=world.caches,
            replacement=world.replacement,
        )
        self.unit = self.platform.add_unit(VtdUnit(config))
        self.written: set[int] = set()
        self._record = 0
        self._levels = 0
        self.set_root(self.rtaddr)
        self.command(TRANSLATION_ENABLE)

    def set_root(self, rtaddr: int) -> None:
        """Latch a root table pointer; the unit drops all it has cached (ESRTPS)."""
        self.rtaddr = rtaddr
        self.unit.write_register(RTADDR, rtaddr, 8)
        self.unit.write_register(GCMD, self._levels | SET_ROOT, 4)

    def command(self, function: int) -> None:
        """Turn a function of GCMD on."""
        self._levels |= function
        self.unit.write_register(GCMD, self._levels, 4)

    def put(self, address: int, data: bytes) -> None:
        """Write memory as software does: both memories."""
        self.unit_memory[address : address + len(data)] = data
        self.walker_memory[address : address + len(data)] = data

    def get(self, address: int) -> int:
        """A 64-bit entry as it is in memory."""
        return int.from_bytes(self.walker_memory[address : address + 8], "little")

    # --- asking

    def ask_walker(self, ask: Ask) -> Outcome:
        return walk(self._read, self._write, self.caps, self.rtaddr, ask)

    def ask_unit(self, ask: Ask) -> Resolution:
        return self.unit.translate(
            ask.source_id,
            ask.address,
            pasid=ask.pasid,
            size=ask.size,
            kind=RequestKind[ask.kind.upper()],
            address_type=AddressType(ask.address_type),
            privileged=ask.privileged,
            execute=ask.execute,
            no_write=ask.no_write,
        )

    def require_agreement(self, ask: Ask) -> Outcome:
        """Ask both and compare the answer, the fault record and the memory."""
        expected = self.ask_walker(ask)
        found = self.ask_unit(ask)
        answer = described(found, ask)
        assert answer == wanted(expected, found, ask), ask
        self.require_record(ask, expected)
        assert self.unit_memory == self.walker_memory, (ask, self.differences())
        return expected

    def require_old_or_new(self, ask: Ask, old_memory: bytes) -> None:
        """Ask both in legacy mode; the walker may take either memory for its answer (6.5.3.6)."""
        found = self.ask_unit(ask)
        new = self.ask_walker(ask)
        old = walk(reader(old_memory), _read_only, self.caps, self.rtaddr, ask)
        answer = described(found, ask)
        matching = [outcome for outcome in (new, old) if answer == wanted(outcome, found, ask)]
        assert matching, (ask, answer, new, old)
        self.require_record(ask, matching[0])

    def differences(self) -> list[str]:
        """Where the two memories differ, by 64-bit words."""
        return [
            f"{at:#x}: unit {self.unit_memory[at : at + 8].hex()}"
            f" walker {self.walker_memory[at : at + 8].hex()}"
            for at in range(0, len(self.unit_memory), 8)
            if self.unit_memory[at : at + 8] != self.walker_memory[at : at + 8]
        ]

    # --- fault records

    def require_record(self, ask: Ask, expected: Outcome) -> None:
        """The next fault recording register holds this fault, or none."""
        offset = FAULT_RECORDS + 16 * self._record
        upper = self.unit.read_register(offset + 8, 8)
        if expected.fault is None or not expected.recorded:
            assert not upper >> 63, (ask, expected, hex(upper))
            return
        assert upper >> 63, (ask, expected)
        lower = self.unit.read_register(offset, 8)
        if expected.fault == "IR.29":
            # Of a fault in the interrupt table only the code and the source say anything.
            record, wanted = upper & 0xFF_0000_FFFF, CONDITIONS["IR.29"].code << 32 | ask.source_id
        else:
            record, wanted = upper << 64 | lower, record_of(self.caps, ask, expected.fault)
        assert record == wanted, (ask, expected, hex(record ^ wanted))
        self.unit.write_register(offset + 12, 1 << 31, 4)
        self._record = (self._record + 1) % RECORDS

    # --- the walker's memory

    def _read(self, address: int, size: int) -> bytes | None:
        return reader(self.walker_memory)(address, size)

    def _write(self, address: int, data: bytes) -> bool:
        if address + len(data) > len(self.walker_memory):
            return False
        self.walker_memory[address : address + len(data)] = data
        self.written.add(address // PAGE)
        return True


def reader(memory: bytes | bytearray) -> Read:
    """How the walker reads such a memory."""

    def read(address: int, size: int) -> bytes | None:
        return bytes(memory[address : address + size]) if address + size <= len(memory) else None

    return read


def _read_only(address: int, data: bytes) -> bool:
    raise AssertionError(f"legacy mode sets no bits, but {data.hex()} went to {address:#x}")


def record_of(caps: Caps, ask: Ask, fault: str) -> int:
    """The fault recording register of a blocked memory request (11.4.7.6)."""
    record = 1 << 127 | CONDITIONS[fault].code << 96 | ask.source_id << 64
    record |= (ask.kind != "write") << 126 | (ask.kind == "atomic") << 92
    if caps.device_tlb:
        record |= ask.address_type << 124
    if caps.pasid and ask.pasid is not None:
        record |= ask.pasid << 104 | 1 << 95 | ask.privileged << 93
        record |= (ask.execute and ask.kind == "read") << 94
    # Address bits above the widest second-stage tables read 0.
    width = max(12 + 9 * levels for aw, levels in WIDTHS.items() if caps.supports_guest_width(aw))
    return record | ask.address & in_place(width - 1, 12)


def described(found: Resolution, ask: Ask) -> tuple[object, ...]:
    """What the unit answered, in the walker's words."""
    if found is INTERRUPT:
        return ("interrupt",)
    if isinstance(found, Fault):
        return ("fault", found.name, found.code, str(found.answer), found.recorded)
    assert isinstance(found, Translation)
    rights = (bool(found.rights & 1), bool(found.rights & 2))
    attributes = (found.snoop, found.memory_type) if isinstance(found, IotlbEntry) else ()
    return ("page", found.address(ask.address), found.mask + 1, *rights, *attributes)


def wanted(expected: Outcome, found: Resolution, ask: Ask) -> tuple[object, ...]:
    """What it should have answered; `found` decides only what the architecture leaves open."""
    if expected.interrupt:
        return ("interrupt",)
    if expected.fault is not None:
        code = CONDITIONS[expected.fault].code
        return ("fault", expected.fault, code, expected.answer, expected.recorded)
    if expected.answer != "OK":
        return ("fault", "", 0, expected.answer, False)
    address, size = expected.address, expected.page_size
    if address is None:
        # Nothing was translated: the bytes of a zero-length read, or of a translation request
        # into the interrupt range, lie nowhere.
        address = ask.address
    if size is None:
        size = found.mask + 1 if isinstance(found, Translation) else 0
    elif overlaps_interrupt_range(address & -size, size) or overlaps_interrupt_range(
        ask.address & -size, size
    ):
        # The rest of the page is no memory, so that a smaller piece is all that can be told.
        size = 4096
    rights = (expected.readable, expected.writable)
    if ask.zero_length and expected.address is None:
        rights = (True, True)
    has_attributes = isinstance(found, IotlbEntry)
    attributes = (expected.snoop, expected.memory_type) if has_attributes else ()
    return ("page", address, size, *rights, *attributes)
