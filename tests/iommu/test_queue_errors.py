"""What stops the invalidation queue, what it leaves behind, and how it goes on (§6.5.2.11)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pytest

from tests.iommu.bench import BEYOND_RAM, PAGE, Machine
from tests.iommu.queue_bench import error_of, legacy, status, wait
from tests.iommu.scalable_bench import Scalable, scalable_config
from vtd_plugin.encodings.codes import DescriptorType, QueueError, TableMode
from vtd_plugin.encodings.registers import IQA, IQERCD, IQT
from vtd_plugin.encodings.structures import (
    ContextInvalidate,
    DeviceTlbInvalidate,
    HptInvalidate,
    InterruptEntryInvalidate,
    InvalidationWait,
    IotlbInvalidate,
    PageGroupResponse,
    PasidCacheInvalidate,
    PasidDeviceTlbInvalidate,
    PasidIotlbInvalidate,
)
from vtd_plugin.iommu.events import QueueStopped
from vtd_plugin.software.commands import Command

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vtd_plugin.encodings._layout import Layout
    from vtd_plugin.software.queue import InvalidationQueue

NARROW: Final = (
    ContextInvalidate,
    IotlbInvalidate,
    DeviceTlbInvalidate,
    InterruptEntryInvalidate,
    InvalidationWait,
)
WIDE: Final = (
    PasidIotlbInvalidate,
    PasidCacheInvalidate,
    PasidDeviceTlbInvalidate,
    PageGroupResponse,
    HptInvalidate,
)
GRANULARITY: Final = {
    ContextInvalidate: 1,
    IotlbInvalidate: 1,
    PasidIotlbInvalidate: 2,
    PasidCacheInvalidate: 0,
    HptInvalidate: 1,
}
"""A granularity of each descriptor that has one."""


def descriptor(layout: type[Layout], **fields: int) -> int:
    """A descriptor that nothing is wrong with but `fields`."""
    usual = {"G": GRANULARITY[layout]} if layout in GRANULARITY else {}
    return layout.pack(**usual | fields)


# --- what a descriptor can have wrong


@dataclass(frozen=True)
class Bad:
    """A descriptor that must not be obeyed.

    Attributes:
        error: What is wrong.
        raw: The descriptor.
        scalable: In scalable mode, in a 256-bit queue.
        changes: What the unit has that is not usual.
    """

    error: QueueError
    raw: int
    scalable: bool = True
    changes: tuple[tuple[str, int], ...] = ()

    def bench(self) -> Machine:
        changes = dict(self.changes)
        return Scalable(scalable_config(**changes)) if self.scalable else legacy(**changes)

    def queue(self, bench: Machine) -> InvalidationQueue:
        return bench.start_queue(wide=self.scalable)


def _reserved_fields() -> Iterator[object]:
    for layout in (*NARROW, *WIDE):
        for name in layout.FIELDS:
            if name.startswith("RSVD") and not name.startswith("RSVD_8_"):
                bad = Bad(QueueError.RSVD_FIELD, descriptor(layout, **{name: 1}))
                yield pytest.param(bad, id=f"{layout.__name__}-{name}")
    for layout in NARROW:
        raw = descriptor(layout)
        bad = Bad(QueueError.RSVD_FIELD, raw | 1 << 128)
        yield pytest.param(bad, id=f"{layout.__name__}-upper-half")
        top = next(name for name in layout.FIELDS if name.startswith("RSVD"))
        bad = Bad(
            QueueError.RSVD_FIELD,
            descriptor(layout, **{top: 1}),
            scalable=False,
            changes=(("DT", 1),),
        )
        yield pytest.param(bad, id=f"{layout.__name__}-legacy")


def _granularities() -> Iterator[object]:
    for layout, granularity in (
        (ContextInvalidate, 0),
        (IotlbInvalidate, 0),
        (PasidIotlbInvalidate, 0),
        (PasidIotlbInvalidate, 1),
        (PasidCacheInvalidate, 2),
        (HptInvalidate, 0),
    ):
        bad = Bad(QueueError.RSVD_FIELD, descriptor(layout, G=granularity))
        yield pytest.param(bad, id=f"{layout.__name__}-granularity-{granularity}")
    no_pages = Bad(
        QueueError.RSVD_FIELD, descriptor(IotlbInvalidate, G=3), changes=(("PSI", 0), ("MAMV", 0))
    )
    yield pytest.param(no_pages, id="pages-without-page-selective-invalidation")


def _types() -> Iterator[object]:
    for kind in (0x0, 0xB, 0xF, 0x10, 0x15, 0x7F):
        raw = (kind >> 4) << 9 | kind & 0xF
        for scalable in (False, True):
            bad = Bad(QueueError.BAD_TYPE, raw, scalable=scalable)
            yield pytest.param(bad, id=f"type-{kind:#x}-{'scalable' if scalable else 'legacy'}")
    for wide in WIDE:
        raw = descriptor(wide) & (1 << 128) - 1
        bad = Bad(QueueError.BAD_TYPE, raw, scalable=False)
        yield pytest.param(bad, id=f"{wide.__name__}-in-legacy-mode")
    without: dict[type[Layout], dict[str, int]] = {
        DeviceTlbInvalidate: {"DT": 0, "PRS": 0, "HPTS": 0, "HPT1GPS": 0, "PTRS": 0, "NWFS": 0},
        PageGroupResponse: {"PRS": 0},
        HptInvalidate: {"HPTS": 0, "HPT1GPS": 0},
    }
    without[PasidDeviceTlbInvalidate] = without[DeviceTlbInvalidate]
    for layout, changes in without.items():
        bad = Bad(QueueError.BAD_TYPE, descriptor(layout), changes=tuple(changes.items()))
        yield pytest.param(bad, id=f"{layout.__name__}-without-what-it-is-for")


BAD_DESCRIPTORS: Final = [*_reserved_fields(), *_granularities(), *_types()]


@pytest.mark.provokes("RSVD_FIELD", "BAD_TYPE")
@pytest.mark.parametrize("bad", BAD_DESCRIPTORS)
def test_the_queue_stops_at_a_descriptor_that_is_wrong(bad: Bad) -> None:
    bench = bad.bench()
    queue = bad.queue(bench)
    stops = bench.observe(QueueStopped)
    queue.submit(wait(1), bad.raw, wait(2))
    assert bench.fault_status.IQE
    assert bad.error == bench.registers.read(IQERCD).IQEI
    assert queue.head == queue.entry_bytes
    assert status(bench) == 1
    assert stops == [QueueStopped("vtd", bad.error, queue.entry_bytes)]


@pytest.mark.parametrize(
    "layout", [*NARROW, *WIDE], ids=[layout.__name__ for layout in (*NARROW, *WIDE)]
)
def test_every_descriptor_is_obeyed_where_it_may_be(layout: type[Layout]) -> None:
    bench = Scalable()
    queue = bench.start_queue(wide=True)
    queue.submit(descriptor(layout), wait(1))
    assert status(bench) == 1
    assert not bench.fault_status.IQE


@pytest.mark.parametrize("layout", NARROW, ids=[layout.__name__ for layout in NARROW])
@pytest.mark.parametrize("wide", [False, True])
def test_legacy_mode_has_its_descriptors_in_both_widths(layout: type[Layout], wide: bool) -> None:
    bench = legacy(DT=1, SMTS=1)
    bench.start_queue(wide=wide).submit(descriptor(layout), wait(1))
    assert status(bench) == 1


@pytest.mark.parametrize("field", [{"IGN_66_64": 7}])
def test_ignored_fields_are_ignored(field: dict[str, int]) -> None:
    bench = Scalable()
    bench.start_queue(wide=True).submit(descriptor(PageGroupResponse, **field), wait(1))
    assert status(bench) == 1


def test_domain_id_bits_above_the_width_of_the_unit_are_ignored() -> None:
    bench = legacy(ND=0)
    bench.start_queue().submit(descriptor(ContextInvalidate, G=2, DID=0xFFFF), wait(1))
    assert status(bench) == 1


# --- what the queue as a whole can have wrong


def _latch(bench: Machine, mode: TableMode) -> None:
    bench.latch_root(0, TTM=mode)


@pytest.mark.provokes("BAD_TAIL")
@pytest.mark.parametrize("order", [0, 2])
@pytest.mark.parametrize("wide", [False, True])
def test_the_tail_must_lie_in_the_queue(order: int, wide: bool) -> None:
    bench = legacy(SMTS=1)
    queue = bench.start_queue(wide=wide, order=order)
    size = PAGE << order
    bench.registers.write(IQT, size - queue.entry_bytes)
    assert bench.registers.read(IQERCD).IQEI == QueueError.BAD_TYPE  # the memory holds zeros
    queue.turn_off()
    queue.enable()
    bench.registers.write(IQT, size)
    assert error_of(bench) is QueueError.BAD_TAIL
    assert queue.head == 0


@pytest.mark.provokes("TAIL_MISALIGNED")
@pytest.mark.parametrize("tail", [0x10, 0x30, 0xFF0])
def test_a_wide_queue_has_no_half_descriptors(tail: int) -> None:
    bench = Scalable()
    queue = bench.start_queue(wide=True)
    bench.registers.write(IQT, tail)
    assert error_of(bench) is QueueError.TAIL_MISALIGNED
    assert queue.head == 0


@pytest.mark.provokes("FETCH_ERROR")
@pytest.mark.parametrize("where", [BEYOND_RAM, 0xFED9_0000], ids=["nowhere", "registers"])
def test_descriptors_are_fetched_from_memory_only(where: int) -> None:
    bench = legacy()
    queue = bench.start_queue()
    queue.turn_off()
    bench.registers.write(IQA, IQA.pack(IQA_address=where))
    bench.registers.write(IQT, 0x10)
    bench.commands.run(Command.QUEUE)
    assert error_of(bench) is QueueError.FETCH_ERROR
    assert queue.head == 0


@pytest.mark.provokes("BAD_WIDTH")
@pytest.mark.parametrize("mode", [TableMode.SCALABLE, TableMode.ABORT])
def test_modes_with_wide_descriptors_have_no_narrow_queue(mode: TableMode) -> None:
    bench = legacy(SMTS=1, ADMS=1)
    _latch(bench, mode)
    queue = bench.start_queue()
    queue.submit(wait(1))
    assert error_of(bench) is QueueError.BAD_WIDTH
    assert status(bench) == 0


@pytest.mark.provokes("BAD_TTM")
@pytest.mark.parametrize("mode", [TableMode.SCALABLE, TableMode.RESERVED, TableMode.ABORT])
@pytest.mark.parametrize("wide", [False, True])
def test_a_table_mode_that_cannot_be_stops_the_queue(mode: TableMode, wide: bool) -> None:
    # Only a unit with one of the two modes has wide queues.
    bench = legacy(SMTS=int(mode is TableMode.ABORT), ADMS=int(mode is TableMode.SCALABLE))
    _latch(bench, mode)
    queue = bench.start_queue(wide=wide)
    queue.submit(wait(1))
    assert error_of(bench) is QueueError.BAD_TTM
    assert (queue.head, status(bench)) == (0, 0)


def test_abort_mode_takes_descriptors_of_scalable_mode() -> None:
    bench = legacy(SMTS=1, ADMS=1)
    _latch(bench, TableMode.ABORT)
    queue = bench.start_queue(wide=True)
    queue.submit(descriptor(PasidCacheInvalidate), descriptor(PasidIotlbInvalidate), wait(1))
    assert status(bench) == 1


def test_types_have_the_numbers_of_the_architecture() -> None:
    numbers = [layout(layout.pack()).TYPE for layout in (*NARROW, *WIDE)]
    assert numbers == list(DescriptorType)
