"""Register access: which bits can be read, written and cleared, in which sizes (§11.2, §11.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.iommu.bench import Bench
from tests.iommu.scalable_bench import CAPABILITIES
from vtd_plugin import VtdConfig, VtdUnit
from vtd_plugin.encodings.registers import (
    CCMD,
    FEADDR,
    FECTL,
    FEDATA,
    GCMD,
    GSTS,
    IECTL,
    IOTLB,
    IQA,
    IQT,
    IRTA,
    IVA,
    PECTL,
    PLMBASE,
    PMEN,
    PQA,
    PQH,
    PQT,
    REGISTERS,
    RTADDR,
    VER,
    Register,
)
from vtd_plugin.iommu.registers import WINDOW, placed_registers

if TYPE_CHECKING:
    from vtd_plugin.encodings.capabilities import Capabilities

EVERYTHING: Final[dict[str, Any]] = CAPABILITIES | {
    "IR": 1,
    "EIM": 1,
    "PLMR": 1,
    "PHMR": 1,
    "MTS": 1,
}
SELF_CLEARING: Final = {("CCMD", "ICC"), ("IOTLB", "IVT")}
"""Fields that start a command, and that hardware clears when it is done."""

CAUSES_ACTION: Final = {"GCMD", "PMEN"}
"""Registers whose bits are answered by status rather than read back."""


def unit(**changes: Any) -> VtdUnit:
    return Bench(VtdConfig(**EVERYTHING | changes)).unit


def _placed(caps: Capabilities) -> list[object]:
    return [
        pytest.param(register, offset, id=f"{register.NAME}@{offset:#x}")
        for register, index, offset in placed_registers(caps)
        if index < 2
    ]


PLACED_WITHOUT: Final = {
    register for register, _, _ in placed_registers(VtdConfig(QI=0).capabilities)
}
"""What a unit has that has next to nothing."""

PLACED: Final = pytest.mark.parametrize(
    ("register", "offset"), _placed(VtdConfig(**EVERYTHING).capabilities)
)


def read(of: VtdUnit, register: type[Register], offset: int) -> int:
    """The whole register, in dwords from the lowest."""
    words = range(register.BITS // 32)
    return sum(of.read_register(offset + 4 * word, 4) << 32 * word for word in words)


def write(of: VtdUnit, register: type[Register], offset: int, value: int) -> None:
    for word in range(register.BITS // 32):
        of.write_register(offset + 4 * word, value >> 32 * word & 0xFFFF_FFFF, 4)


def mask(register: type[Register], caps: Capabilities, *accesses: str) -> int:
    """The bits of a register with these accesses that the unit has."""
    return sum(
        field.mask & ~field.beyond_host_address(caps.haw)
        for field in register.FIELDS.values()
        if field.access in accesses and caps.satisfies(field.requires)
    )


@PLACED
def test_plain_storage_reads_back_what_was_written(register: type[Register], offset: int) -> None:
    of = unit()
    caps = of.config.capabilities
    stored = mask(register, caps, "RW")
    for name in register.FIELDS:
        if (register.NAME, name) in SELF_CLEARING or register.NAME in CAUSES_ACTION:
            stored &= ~register.mask(name)
    for pattern in (stored, stored & int("5" * 32, 16), 0):
        write(of, register, offset, pattern)
        assert read(of, register, offset) & stored == pattern


@PLACED
def test_what_is_read_only_or_reserved_cannot_be_written(
    register: type[Register], offset: int
) -> None:
    of = unit()
    caps = of.config.capabilities
    fixed = mask(register, caps, "RO", "ROS", "RsvdZ", "RsvdP") & ~_answers(register)
    before = read(of, register, offset) & fixed
    write(of, register, offset, (1 << register.BITS) - 1)
    assert read(of, register, offset) & fixed == before


def _answers(register: type[Register]) -> int:
    """Read-only fields by which hardware answers the very write."""
    names = {"CCMD": ("CAIG",), "IOTLB": ("IAIG",), "PMEN": ("PRS",)}.get(register.NAME, ())
    return register.mask(*names) if names else 0


@PLACED
def test_write_only_bits_and_reserved_ones_read_0(register: type[Register], offset: int) -> None:
    of = unit()
    caps = of.config.capabilities
    write(of, register, offset, (1 << register.BITS) - 1)
    assert not read(of, register, offset) & mask(register, caps, "WO", "RsvdZ", "RsvdP")


@pytest.mark.parametrize(
    ("register", "offset"),
    [
        pytest.param(register, offset, id=register.NAME)
        for register, index, offset in placed_registers(VtdConfig(**EVERYTHING).capabilities)
        if index == 0 and register not in PLACED_WITHOUT
    ],
)
def test_a_register_that_the_unit_does_not_have_is_not_there(
    register: type[Register], offset: int
) -> None:
    of = Bench(VtdConfig(QI=0)).unit
    write(of, register, offset, (1 << register.BITS) - 1)
    assert read(of, register, offset) == 0


@pytest.mark.parametrize("register", [RTADDR, CCMD, IQA, IQT, IRTA, PQA])
def test_a_qword_and_its_two_dwords_are_the_same(register: type[Register]) -> None:
    of = unit()
    offset = register.offset_in(of.config.capabilities)
    of.write_register(offset, 0x0000_0123_4567_8980, 8)
    whole = of.read_register(offset, 8)
    assert whole
    assert whole == of.read_register(offset, 4) | of.read_register(offset + 4, 4) << 32


@pytest.mark.parametrize(
    ("register", "value"),
    [
        (VER, 0x50),
        (GSTS, 0),
        (RTADDR, 0),
        (FECTL, FECTL.pack(IM=1)),
        (IECTL, IECTL.pack(IM=1)),
        (PECTL, PECTL.pack(IM=1)),
        (FEDATA, 0),
        (IQA, 0),
        (IRTA, 0),
        (PQA, 0),
        (PMEN, 0),
    ],
    ids=lambda value: getattr(value, "NAME", None),
)
@pytest.mark.parametrize("kind", ["power", "warm", "cold"])
def test_registers_have_their_reset_values(register: type[Register], value: int, kind: str) -> None:
    bench = Bench(VtdConfig(**EVERYTHING))
    if kind != "power":
        for name in (RTADDR, FEDATA, IQA, IRTA, PQA):
            bench.registers.write(name, 0xFFFF)
        bench.registers.write(FECTL, 0)
        bench.registers.write(IECTL, 0)
        bench.registers.write(PECTL, 0)
        bench.platform.reset(kind)
    assert bench.registers.read(register).value == value


# --- sizes and alignment


@pytest.mark.parametrize(("offset", "size"), [(0, 1), (1, 1), (3, 1), (0, 2), (2, 2)])
def test_less_than_a_dword_is_not_written(offset: int, size: int) -> None:
    of = unit()
    place = FEADDR.offset_in(of.config.capabilities)
    of.write_register(place, 0xFEE0_0000, 4)
    of.write_register(place + offset, (1 << 8 * size) - 1, size)
    assert of.read_register(place, 4) == 0xFEE0_0000


@pytest.mark.parametrize(("offset", "size"), [(0, 1), (1, 1), (2, 2), (0, 4)])
def test_parts_of_a_dword_can_be_read(offset: int, size: int) -> None:
    of = unit()
    place = FEADDR.offset_in(of.config.capabilities)
    of.write_register(place, 0x1234_5678, 4)
    expected = 0x1234_5678 >> 8 * offset & (1 << 8 * size) - 1
    assert of.read_register(place + offset, size) == expected


@pytest.mark.parametrize(("offset", "size"), [(0x21, 2), (0x22, 4), (0x24, 8), (0x1F, 8)])
def test_misaligned_accesses_find_nothing(offset: int, size: int) -> None:
    of = unit()
    of.write_register(0x20, (1 << 64) - 1, 8)
    before = of.read_register(0x20, 8)
    assert of.read_register(offset, size) == 0
    of.write_register(offset, 0, size)
    assert of.read_register(0x20, 8) == before


@pytest.mark.parametrize("offset", [0x004, 0x030, 0x05C, 0x0F8, WINDOW - 8, WINDOW, 1 << 40])
def test_where_no_register_is_nothing_is(offset: int) -> None:
    of = unit()
    of.write_register(offset, 0xFFFF_FFFF, 4)
    assert of.read_register(offset, 4) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0x18, 0, 3), "an access of 3 bytes at 0x18"),
        ((0x18, 0, 16), "an access of 16 bytes"),
        ((-4, 0, 4), "offset -4 is negative"),
        ((0x18, 1 << 32, 4), "value 0x100000000 does not fit in 4 bytes"),
        ((0x18, -1, 4), "value -0x1 does not fit in 4 bytes"),
    ],
)
def test_what_no_bus_can_do_is_the_callers_mistake(
    arguments: tuple[int, int, int], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        unit().write_register(*arguments)


# --- commands in registers start with their top half (§11.4.6)


@pytest.mark.parametrize(
    ("register", "start", "answer"),
    [
        (CCMD, CCMD.pack(ICC=1, CIRG=1), CCMD.pack(CIRG=1, CAIG=1)),
        (IOTLB, IOTLB.pack(IVT=1, IIRG=1), IOTLB.pack(IIRG=1, IAIG=1)),
    ],
    ids=["CCMD", "IOTLB"],
)
def test_a_command_starts_with_the_write_of_its_upper_dword(
    register: type[Register], start: int, answer: int
) -> None:
    of = unit()
    place = register.offset_in(of.config.capabilities)
    of.write_register(place, start & 0xFFFF_FFFF, 4)
    assert of.read_register(place, 8) >> 32 == 0
    of.write_register(place + 4, start >> 32, 4)
    assert of.read_register(place, 8) == answer


@pytest.mark.parametrize(
    ("register", "command", "field", "expected"),
    [
        pytest.param(CCMD, {"ICC": 1, "CIRG": 0}, "CAIG", 0, id="context-reserved"),
        pytest.param(CCMD, {"ICC": 1, "CIRG": 3}, "CAIG", 3, id="context-device"),
        pytest.param(IOTLB, {"IVT": 1, "IIRG": 0}, "IAIG", 0, id="iotlb-reserved"),
        pytest.param(IOTLB, {"IVT": 1, "IIRG": 3}, "IAIG", 3, id="iotlb-page"),
    ],
)
def test_the_answer_says_what_was_done(
    register: type[CCMD | IOTLB], command: dict[str, int], field: str, expected: int
) -> None:
    bench = Bench()
    bench.registers.write(register, register.pack(**command))
    assert getattr(bench.registers.read(register), field) == expected


def test_without_page_selective_invalidation_the_domain_goes() -> None:
    bench = Bench(VtdConfig(PSI=0, MAMV=0))
    bench.registers.write(IOTLB, IOTLB.pack(IVT=1, IIRG=3))
    assert bench.registers.read(IOTLB).IAIG == 2


@pytest.mark.parametrize(("mask_bits", "done"), [(9, 3), (10, 0), (63, 0)])
def test_a_page_invalidation_larger_than_the_unit_can_is_refused(mask_bits: int, done: int) -> None:
    bench = Bench(VtdConfig(MAMV=9))
    bench.registers.write(IVA, IVA.pack(AM=mask_bits))
    bench.registers.write(IOTLB, IOTLB.pack(IVT=1, IIRG=3))
    assert done == bench.registers.read(IOTLB).IAIG


@pytest.mark.parametrize("reason", ["version", "scalable"])
def test_where_registers_do_not_invalidate_they_say_so(reason: str) -> None:
    bench = Bench(VtdConfig(version=0x60 if reason == "version" else 0x50, SMTS=1))
    bench.latch_root(0, TTM=int(reason == "scalable"))
    bench.registers.write(
        CCMD,
        CCMD.pack(
            ICC=1,
            CIRG=1,
        ),
    )
    bench.registers.write(IOTLB, IOTLB.pack(IVT=1, IIRG=1))
    ccmd, iotlb = bench.registers.read(CCMD), bench.registers.read(IOTLB)
    assert (ccmd.ICC, ccmd.CAIG, iotlb.IVT, iotlb.IAIG) == (0, 0, 0, 0)


# --- the tables themselves


def test_every_register_of_the_architecture_that_the_unit_has_is_placed() -> None:
    caps = VtdConfig(**EVERYTHING).capabilities
    placed = {register.NAME for register, _, _ in placed_registers(caps)}
    fixed = {register.NAME for register in REGISTERS if isinstance(register.OFFSET, int)}
    assert {register.NAME for register in (GCMD, IQT, PQH, PQT, PLMBASE)} <= placed
    assert placed - fixed == {"IVA", "IOTLB", "FRCD[n]"}
