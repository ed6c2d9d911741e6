"""The invalidation queue: wrap, widths, waits, and what happens when it stops."""

from __future__ import annotations

from typing import Any

import pytest

from tests.software.bench import SCALABLE, Bench, make_bench
from tests.software.strict_unit import BASE, StrictUnit
from vtd_plugin.encodings.codes import QueueError
from vtd_plugin.encodings.registers import FSTS, IQA, IQT
from vtd_plugin.encodings.structures import (
    ContextInvalidate,
    InvalidationWait,
    IotlbInvalidate,
)
from vtd_plugin.software import (
    FrameAllocator,
    InvalidationQueue,
    Poller,
    QueueStopped,
    Registers,
    Timeout,
    descriptors,
)

each_width = pytest.mark.parametrize("wide", [False, True])


def queue_of(unit: StrictUnit, *, wide: bool = False, order: int = 0) -> InvalidationQueue:
    registers = Registers(unit, BASE, host_address_width=48, poller=Poller(limit=50))
    frames = FrameAllocator(0x10_0000, 0x10_0000)
    return InvalidationQueue(registers, unit, frames, wide=wide, order=order)


def queue_on(bench: Bench) -> InvalidationQueue:
    bench.driver.enable()
    queue = bench.driver.queue
    assert queue is not None
    return queue


@pytest.mark.parametrize(
    ("wide", "order", "capacity"),
    [(False, 0, 256), (True, 0, 128), (False, 7, 32768), (True, 2, 512)],
)
def test_the_ring_is_as_large_as_said(wide: bool, order: int, capacity: int) -> None:
    unit = StrictUnit(SMTS=1)
    queue = queue_of(unit, wide=wide, order=order)
    queue.enable()
    assert queue.capacity == capacity
    assert IQA(unit.value(IQA)) == IQA(IQA.pack(IQA_address=queue.address, DW=int(wide), QS=order))
    assert queue.is_current


@each_width
def test_descriptors_are_carried_out_in_order_over_several_laps(wide: bool) -> None:
    unit = StrictUnit(SMTS=1)
    queue = queue_of(unit, wide=wide)
    queue.enable()
    given = [descriptors.iotlb(number % 256) for number in range(3 * queue.capacity)]
    for first in range(0, len(given), 7):
        queue.run(*given[first : first + 7])
    assert unit.forgotten == given
    assert queue.head == queue.tail == len(given + given[::7]) % queue.capacity * queue.entry_bytes


def test_more_than_fits_goes_in_as_the_unit_makes_room() -> None:
    unit = StrictUnit()
    queue = queue_of(unit)
    queue.enable()
    given = [descriptors.iotlb(number % 256) for number in range(600)]
    queue.run(*given)
    assert unit.forgotten == given


def test_waits_end_in_order_and_each_for_itself() -> None:
    unit = StrictUnit(latency=1000)
    queue = queue_of(unit)
    unit.latency = 1
    queue.enable()
    unit.latency = 1000
    first, second = queue.start(descriptors.iotlb()), queue.start(descriptors.iotlb(1))
    assert not first.done
    assert not second.done
    with pytest.raises(Timeout, match="wait status at 0x101000 is 0x0 after 50 polls, wanted 0x1"):
        first.finish()


def test_a_wait_that_is_over_stays_over() -> None:
    unit = StrictUnit()
    queue = queue_of(unit)
    queue.enable()
    first = queue.start()
    first.finish()
    queue.run(descriptors.iotlb())
    assert first.done


def test_descriptors_wider_than_the_ring_are_refused() -> None:
    unit = StrictUnit()
    queue = queue_of(unit)
    queue.enable()
    with pytest.raises(ValueError, match="does not fit 128 bits"):
        queue.submit(1 << 128)
    with pytest.raises(ValueError, match="order 0x8 is not within 0 to 7"):
        queue_of(unit, order=8)


def test_enabling_clears_errors_that_a_reset_left() -> None:
    unit = StrictUnit()
    queue = queue_of(unit)
    queue.enable()
    assert unit.cleared == FSTS.pack(IQE=1, ICE=1, ITE=1)
    queue.disable()
    assert unit.commands == ["+QIE", "-QIE"]


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        (0xC, QueueError.BAD_TYPE),
        (ContextInvalidate.pack(G=1, RSVD_15_12=1), QueueError.RSVD_FIELD),
        (IotlbInvalidate.pack(G=0), QueueError.RSVD_FIELD),
        (InvalidationWait.pack(RSVD_65_64=1), QueueError.RSVD_FIELD),
    ],
)
def test_a_bad_descriptor_stops_the_queue_until_it_is_dropped(bad: int, error: QueueError) -> None:
    queue = queue_on(make_bench())
    where = queue.tail
    queue.submit(bad)
    pending = queue.start(descriptors.iotlb())
    with pytest.raises(QueueStopped, match=f"descriptor {bad:#x} at {where:#x}: {error.name}"):
        pending.finish()
    stop = queue.recover()
    assert stop is not None
    assert (stop.error, stop.descriptor, stop.offset) == (error, bad, where)
    assert stop.timed_out_device is None
    pending.finish()
    assert queue.stop_reason() is None
    assert queue.recover() is None


def test_every_bad_descriptor_of_several_is_dropped_in_turn() -> None:
    queue = queue_on(make_bench())
    queue.submit(0xC, 0xD, descriptors.iotlb(), 0xE)
    pending = queue.start()
    seen = []
    while (stop := queue.recover()) is not None:
        seen.append(stop.descriptor)
    assert seen == [0xC, 0xD, 0xE]
    pending.finish()


def test_an_error_of_the_queue_as_a_whole_restarts_it() -> None:
    bench = make_bench()
    queue = queue_on(bench)
    bench.driver.registers.write(IQT, IQT.pack(QT=0x7FFF))
    stop = queue.recover()
    assert stop is not None
    assert stop.error is QueueError.BAD_TAIL
    assert (queue.head, queue.tail) == (0, 0)
    queue.run(descriptors.iotlb())


def test_a_full_ring_that_has_stopped_raises() -> None:
    queue = queue_on(make_bench())
    queue.submit(0xC)
    with pytest.raises(QueueStopped, match="BAD_TYPE"):
        queue.submit(*[descriptors.iotlb()] * 2 * queue.capacity)


@pytest.mark.parametrize("fields", [{}, SCALABLE])
def test_a_real_unit_follows_over_several_laps(fields: dict[str, Any]) -> None:
    bench = make_bench(**fields)
    queue = queue_on(bench)
    for number in range(3 * queue.capacity):
        queue.run(descriptors.iotlb(number % 100))
    assert bench.fault_names() == []
    assert bench.driver.translating
    assert not bench.port.read(0x1000, 4).ok
    assert bench.fault_names() == ["LRT.2"]
