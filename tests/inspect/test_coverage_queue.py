"""Waits and errors of the invalidation queue are counted, with what they meet in flight."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.inspect.coverage_run import Run
from tests.iommu.bench import BEYOND_RAM, IOVA, PAGE
from tests.iommu.queue_bench import wait
from tests.iommu.scalable_bench import Scalable
from vtd_plugin.encodings.codes import QueueError, TableMode
from vtd_plugin.encodings.registers import IQA, IQT, RTADDR
from vtd_plugin.encodings.structures import ContextInvalidate
from vtd_plugin.inspect.coverage.bins import QUEUE_ERRORS, WAITS
from vtd_plugin.software import descriptors
from vtd_plugin.software.commands import Command

if TYPE_CHECKING:
    from collections.abc import Callable

    from vtd_plugin.software.queue import InvalidationQueue

COMPLETIONS = {
    "status write": {"SW": 1},
    "interrupt": {"SW": 0, "IF": 1},
    "status write and interrupt": {"SW": 1, "IF": 1},
    "nothing": {"SW": 0},
}


@pytest.mark.parametrize(("completion", "fence", "drain"), WAITS.bins)
def test_each_wait_has_its_bin(completion: str, fence: str, drain: str) -> None:
    bench = Scalable()
    queue = bench.start_queue(wide=True)
    if drain == "drains transfers":
        bench.port().begin(IOVA, 8)
    run = Run(bench)
    queue.submit(descriptors.iotlb(), wait(**COMPLETIONS[completion], FN=int(fence == "fence")))
    assert run.counted(WAITS) == {(completion, fence, drain): 1}


# --- errors


def _restart(bench: Scalable, **fields: int) -> None:
    """Turn the queue off, and on again with another set-up and one descriptor in it."""
    bench.commands.run(Command.QUEUE, on=False)
    bench.registers.write(IQT, 0)
    bench.registers.write(IQA, IQA.pack(**fields))
    bench.commands.run(Command.QUEUE)
    bench.registers.write(IQT, IQT.pack(QT=32 >> 4))


def _submit(**fields: int) -> Callable[[Scalable, InvalidationQueue], object]:
    bad = ContextInvalidate(ContextInvalidate.pack(**fields))
    return lambda bench, queue: queue.submit(bad)


def _bad_table_mode(bench: Scalable, queue: InvalidationQueue) -> None:
    bench.registers.write(RTADDR, RTADDR.pack(TTM=TableMode.RESERVED))
    bench.commands.start(Command.SET_ROOT_TABLE)
    queue.submit(descriptors.iotlb())


ERRORS: dict[str, Callable[[Scalable, InvalidationQueue], object]] = {
    "BAD_TAIL": lambda bench, _: bench.registers.write(IQT, PAGE),
    "FETCH_ERROR": lambda bench, _: _restart(bench, IQA_address=BEYOND_RAM, DW=1),
    "BAD_TYPE": _submit(TYPE_6_4=7),
    "RSVD_FIELD": _submit(G=0),
    "BAD_WIDTH": lambda bench, _: _restart(bench, DW=0),
    "TAIL_MISALIGNED": lambda bench, _: bench.registers.write(IQT, 16),
    "BAD_TTM": _bad_table_mode,
}


@pytest.mark.parametrize(("error", "waits"), QUEUE_ERRORS.bins)
def test_each_error_has_its_bin(error: str, waits: str) -> None:
    bench = Scalable()
    queue = bench.start_queue(wide=True)
    run = Run(bench)
    queue.submit(descriptors.iotlb(), wait())  # over at once
    if waits == "wait pending":
        bench.port().begin(IOVA, 8)
        queue.submit(descriptors.iotlb(), wait())
    ERRORS[error](bench, queue)
    assert run.counted(QUEUE_ERRORS) == {(error, waits): 1}


def test_a_wait_is_pending_until_its_transfers_have_ended_or_the_unit_is_reset() -> None:
    for reset in (False, True):
        bench = Scalable()
        queue = bench.start_queue(wide=True)
        run = Run(bench)
        transfer = bench.port().begin(IOVA, 8)
        queue.submit(descriptors.iotlb(), wait())
        if reset:
            bench.platform.reset()
            bench.set_root()
            queue = bench.start_queue(wide=True)
        else:
            transfer.end()
        queue.submit(ContextInvalidate(ContextInvalidate.pack(G=0)))
        assert run.counted(QUEUE_ERRORS) == {("RSVD_FIELD", "no wait pending"): 1}


def test_every_error_of_current_hardware_can_be_hit() -> None:
    errors = {error for error, _ in QUEUE_ERRORS.bins}
    assert errors == {error.name for error in QueueError} - {QueueError.NO_INFO.name}
