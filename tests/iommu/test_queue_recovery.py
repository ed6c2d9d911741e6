"""What an error of the invalidation queue leaves behind, and how the queue goes on (§6.5.2.11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.iommu.bench import DOMAIN, IOVA, PAGE, Bench, Mapped, values
from tests.iommu.queue_bench import error_of, legacy, status, wait
from vtd_plugin.encodings.codes import IotlbGranularity, QueueError
from vtd_plugin.encodings.registers import FECTL, FSTS, IQA, IQERCD, IQH, IQT
from vtd_plugin.encodings.structures import IotlbInvalidate
from vtd_plugin.software.commands import Command

if TYPE_CHECKING:
    from vtd_plugin.software.queue import InvalidationQueue


def _stopped(raw: int = 0) -> tuple[Bench, InvalidationQueue]:
    bench = legacy()
    queue = bench.start_queue()
    queue.submit(raw, wait(2))
    assert bench.fault_status.IQE
    return bench, queue


def test_a_stopped_queue_fetches_nothing_more() -> None:
    bench, queue = _stopped()
    queue.submit(wait(3))
    assert (queue.head, status(bench)) == (0, 0)


def test_clearing_the_error_alone_brings_it_back_at_once() -> None:
    bench, queue = _stopped()
    bench.registers.write(FSTS, FSTS.pack(IQE=1))
    assert error_of(bench) is QueueError.BAD_TYPE
    assert queue.head == 0


def test_a_mended_descriptor_is_obeyed_once_the_error_is_cleared() -> None:
    bench, queue = _stopped()
    bench.put(queue.address, wait(7).to_bytes())
    assert status(bench) == 0
    bench.registers.write(FSTS, FSTS.pack(IQE=1))
    assert (status(bench), queue.head) == (2, 0x20)
    assert not bench.fault_status.IQE


def test_a_mended_tail_is_followed_once_the_error_is_cleared() -> None:
    bench = legacy()
    queue = bench.start_queue()
    bench.put(queue.address, wait(9).to_bytes())
    bench.registers.write(IQT, PAGE)
    bench.registers.write(IQT, 0x10)
    assert status(bench) == 0
    bench.registers.write(FSTS, FSTS.pack(IQE=1))
    assert status(bench) == 9


def test_software_that_recovers_skips_the_bad_descriptor() -> None:
    bench, queue = _stopped()
    assert queue.recover() is not None
    assert status(bench) == 2


def test_turning_the_queue_off_and_on_begins_at_its_start() -> None:
    bench, queue = _stopped()
    queue.turn_off()
    assert bench.registers.read(IQH).value == 0
    queue.enable()
    queue.submit(wait(5))
    assert status(bench) == 5


def test_an_error_is_announced_by_the_fault_event() -> None:
    bench = legacy()
    bench.registers.write(FECTL, 0)
    bench.start_queue().submit(0)
    assert len(bench.interrupts.messages) == 1


def test_an_error_while_faults_are_pending_is_not_announced_again() -> None:
    bench = legacy()
    bench.turn_on()
    bench.unit.translate(0x20, 0)
    bench.registers.write(FECTL, 0)
    assert len(bench.interrupts.messages) == 1
    bench.start_queue().submit(0)
    assert values(bench.fault_status, "PPF", "IQE") == (1, 1)
    assert len(bench.interrupts.messages) == 1


@pytest.mark.parametrize(("kind", "left"), [("warm", (1, 3)), ("cold", (0, 0))])
def test_an_error_survives_a_warm_reset_only(kind: str, left: tuple[int, int]) -> None:
    bench, _ = _stopped()
    bench.platform.reset(kind)
    assert left == (bench.fault_status.IQE, bench.registers.read(IQERCD).IQEI)


def test_an_error_left_by_a_reset_keeps_a_new_queue_from_starting() -> None:
    bench, queue = _stopped()
    bench.platform.reset("warm")
    bench.registers.write(IQA, IQA.pack(IQA_address=queue.address))
    bench.put(queue.address, wait(4).to_bytes())
    bench.registers.write(IQT, 0x10)
    bench.commands.run(Command.QUEUE)
    assert status(bench) == 0
    bench.registers.write(FSTS, FSTS.pack(IQE=1))
    assert status(bench) == 4


def test_a_fence_of_before_the_queue_was_turned_off_lifts_no_later_one() -> None:
    bench = Mapped()
    queue = bench.start_queue()
    old, new = (bench.port().begin(IOVA + page * PAGE, 8) for page in range(2))
    first, second = (
        IotlbInvalidate.pack(G=IotlbGranularity.PAGE, DID=DOMAIN, ADDR_address=address)
        for address in (IOVA, IOVA + PAGE)
    )
    queue.submit(first, wait(1, FN=1))
    queue.turn_off()
    queue.enable()
    queue.submit(second, wait(2, FN=1), wait(3))
    fenced_at = queue.head
    old.end()
    assert status(bench) == 1
    assert queue.head == fenced_at
    new.end()
    assert status(bench) == 3
