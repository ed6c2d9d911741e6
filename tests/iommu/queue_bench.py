"""What tests of the invalidation queue share: waits, their status, and a machine for a queue."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tests.iommu.bench import Bench
from vtd_plugin import VtdConfig
from vtd_plugin.encodings.codes import QueueError
from vtd_plugin.encodings.registers import IQERCD
from vtd_plugin.encodings.structures import InvalidationWait

if TYPE_CHECKING:
    from tests.iommu.bench import Machine

STATUS: Final = 0x0F_0000


def wait(data: int = 1, **fields: int) -> InvalidationWait:
    usual = {"SW": 1, "STDATA": data, "STADDR_address": STATUS}
    return InvalidationWait(InvalidationWait.pack(**usual | fields))


def status(bench: Machine) -> int:
    return int.from_bytes(bench.platform.read(STATUS, 4), "little")


def legacy(**changes: Any) -> Bench:
    """A machine in legacy mode; translation is off, which is nothing to the queue."""
    bench = Bench(VtdConfig(**changes))
    bench.set_root()
    return bench


def error_of(bench: Machine) -> QueueError:
    """Why the queue has stopped; it must have."""
    assert bench.fault_status.IQE
    return QueueError(bench.registers.read(IQERCD).IQEI)
