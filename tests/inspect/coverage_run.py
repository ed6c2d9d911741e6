"""A machine of the unit's tests that is observed by `Coverage`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.iommu.bench import RAM_IN_USE
from vtd_plugin.encodings.registers import PLMLIMIT, PMEN
from vtd_plugin.inspect.coverage import Coverage
from vtd_plugin.inspect.coverage.report import contradictions

if TYPE_CHECKING:
    from tests.iommu.bench import Machine
    from vtd_plugin.inspect.coverage.model import Bin, Covergroup


class Run:
    """A machine that is observed from now on; what is counted is told per covergroup."""

    def __init__(self, machine: Machine) -> None:
        machine.port()  # so that it has been given its first address space
        self.coverage = Coverage(machine.platform)

    def counted(self, group: Covergroup) -> dict[Bin, int]:
        assert contradictions(self.coverage) == []
        return dict(self.coverage.hits[group.name])


def protect(bench: Machine) -> None:
    """Protect memory from address 0 on, as far as everything here reaches."""
    bench.registers.write(PLMLIMIT, RAM_IN_USE)
    bench.registers.write(PMEN, PMEN.pack(EPM=1))
