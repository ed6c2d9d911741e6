"""The parts of a unit, put together, and what its observers are told of them.

Each part is the module of one chapter and knows only those that it is given here. A reset goes
through all of them and ends in the state switch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vtd_plugin.encodings.registers import (
    FEADDR,
    FECTL,
    FEDATA,
    FEUADDR,
    GSTS,
    IEADDR,
    IECTL,
    IEDATA,
    IEUADDR,
    PEADDR,
    PECTL,
    PEDATA,
    PEUADDR,
)
from vtd_plugin.iommu.commands import GlobalCommand
from vtd_plugin.iommu.descriptors import Descriptors
from vtd_plugin.iommu.device_tlb import DeviceTlbs
from vtd_plugin.iommu.drain import Drains
from vtd_plugin.iommu.event_message import EventMessage
from vtd_plugin.iommu.events import (
    CommandCompleted,
    CommandSuperseded,
    DrainBegan,
    InterruptResolved,
    InvalidationWaited,
    QueueStopped,
    TablesWalked,
)
from vtd_plugin.iommu.faults import FaultLog
from vtd_plugin.iommu.interrupts import Interrupts
from vtd_plugin.iommu.invalidation import Invalidator
from vtd_plugin.iommu.memory_type import MemoryTypes
from vtd_plugin.iommu.page_requests import PageRequests
from vtd_plugin.iommu.protected import ProtectedMemory
from vtd_plugin.iommu.queue import InvalidationQueue
from vtd_plugin.iommu.register_invalidation import RegisterInvalidation
from vtd_plugin.iommu.registers import RegisterFile
from vtd_plugin.iommu.remapping import Remapper
from vtd_plugin.iommu.state import TranslationState
from vtd_plugin.iommu.switch import StateSwitch, Untranslated
from vtd_plugin.iommu.waits import InvalidationWaits

if TYPE_CHECKING:
    from vtd_plugin.bus import Fault, InterruptMessage, ResetKind, UnitHost
    from vtd_plugin.encodings.codes import QueueError
    from vtd_plugin.encodings.faults import Condition
    from vtd_plugin.encodings.structures import InvalidationWait
    from vtd_plugin.iommu.caches import IotlbEntry
    from vtd_plugin.iommu.config import VtdConfig
    from vtd_plugin.iommu.interrupts import InterruptAsk
    from vtd_plugin.iommu.request import Request


class Rooms:
    """The parts of a unit on a platform, wired in the order in which they need each other."""

    __slots__ = (
        "commands",
        "drains",
        "faults",
        "host",
        "interrupts",
        "invalidator",
        "name",
        "page_requests",
        "protected",
        "queue",
        "registers",
        "remapper",
        "state",
        "switch",
        "waits",
    )

    def __init__(self, name: str, config: VtdConfig, host: UnitHost) -> None:
        self.name = name
        self.host = host
        caps = config.capabilities
        self.registers = RegisterFile(caps)
        self.state = TranslationState(config, host.memory)
        self.drains = Drains(self._drain_began, self._command_completed, self._command_superseded)
        fault_event = EventMessage(self.registers, FECTL, FEDATA, FEADDR, FEUADDR, host.deliver)
        wait_event = EventMessage(self.registers, IECTL, IEDATA, IEADDR, IEUADDR, host.deliver)
        self.faults = FaultLog(caps, self.registers, fault_event, merge=config.merge_faults)
        self.protected = ProtectedMemory(
            caps,
            self.registers,
            self.drains,
            lambda: self.invalidator.in_flight(),
            self._regions_changed,
        )
        memory_types = MemoryTypes(self.registers, supported=bool(caps.ECAP.MTS))
        self.remapper = Remapper(
            self.state,
            self.faults,
            self.protected,
            memory_types,
            self._forgotten,
            self._walked,
        )
        untranslated = Untranslated(self.registers, self.faults)
        self.switch = StateSwitch(
            name, host, self.state, self.remapper, self.protected, untranslated
        )
        self.interrupts = Interrupts(
            config, host.memory, self.registers, self.faults, self._interrupt_resolved
        )
        self.invalidator = Invalidator(name, host, self.state, self.switch, self.interrupts)
        RegisterInvalidation(self.state, self.registers, self.invalidator, self.drains)
        page_event = EventMessage(self.registers, PECTL, PEDATA, PEADDR, PEUADDR, host.deliver)
        self.page_requests = PageRequests(
            name,
            host,
            self.state,
            self.registers,
            self.faults,
            self.remapper,
            self.invalidator,
            page_event,
        )
        self.waits = InvalidationWaits(
            self.state, self.registers, self.drains, wait_event, self._wait_began
        )
        self.queue = InvalidationQueue(
            self.state,
            self.registers,
            self.faults,
            Descriptors(
                self.state,
                self.invalidator,
                DeviceTlbs(name, host),
                self.page_requests,
                self.waits,
            ),
            self.waits,
            self._queue_stopped,
        )
        self.commands = GlobalCommand(
            self.registers,
            self.state,
            self.switch,
            self.drains,
            self.invalidator.in_flight,
            self.queue,
            self.interrupts,
            self.faults,
        )

    def reset(self, kind: ResetKind) -> None:
        """Everything back to where power-on left it, then the state switch."""
        self.drains.clear()
        self.registers.reset(kind)
        self.faults.restart()
        self.waits.reset()
        self.page_requests.reset()
        self.interrupts.reset()
        self.protected.reset()
        self.switch.perform(f"{kind} reset", self.state.reset)

    def _forgotten(self, entry: IotlbEntry) -> None:
        self.host.recall(lambda translation: translation is entry)

    def _walked(self, request: Request, found: IotlbEntry | Condition) -> None:
        if self.host.observed:
            self.host.emit(
                TablesWalked(
                    self.name,
                    request.source_id,
                    request.address,
                    request.attributes,
                    found,
                    request.tables,
                )
            )

    def _interrupt_resolved(
        self, ask: InterruptAsk, found: InterruptMessage | Fault | None
    ) -> None:
        if self.host.observed:
            self.host.emit(
                InterruptResolved(
                    self.name,
                    ask.source_id,
                    ask.address,
                    ask.data,
                    bool(self.registers.load(GSTS).IRES),
                    ask.entry,
                    ask.cached,
                    found,
                )
            )

    def _regions_changed(self, reason: str) -> None:
        self.switch.perform(reason)

    def _wait_began(self, wait: InvalidationWait, transfers: int) -> None:
        if self.host.observed:
            self.host.emit(
                InvalidationWaited(
                    self.name, bool(wait.SW), bool(wait.IF), bool(wait.FN), transfers
                )
            )

    def _drain_began(self, operation: str, transfers: int) -> None:
        if self.host.observed:
            self.host.emit(DrainBegan(self.name, operation, transfers))

    def _command_completed(self, operation: str) -> None:
        if self.host.observed:
            self.host.emit(CommandCompleted(self.name, operation))

    def _command_superseded(self, operation: str) -> None:
        if self.host.observed:
            self.host.emit(CommandSuperseded(self.name, operation))

    def _queue_stopped(self, error: QueueError, head: int) -> None:
        if self.host.observed:
            self.host.emit(QueueStopped(self.name, error, head))
