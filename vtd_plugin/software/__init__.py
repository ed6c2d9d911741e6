"""What firmware and drivers do with a unit: build tables, enable, map, invalidate, recover.

It acts through registers and memory only, as real software must, and knows nothing of how a unit is
made. `Driver` has whole sequences; its parts can be used alone to do something else, or wrong.
"""

from vtd_plugin.software import descriptors
from vtd_plugin.software.address_spaces import AddressSpaceControl
from vtd_plugin.software.channel import UnitChannel
from vtd_plugin.software.commands import Command, GlobalCommand
from vtd_plugin.software.control import Root, UnitControl
from vtd_plugin.software.cpu import Cpu
from vtd_plugin.software.domains import Domain, DomainBase, FirstStageDomain
from vtd_plugin.software.driver import Driver
from vtd_plugin.software.events import Event
from vtd_plugin.software.faults import FaultedRequest, FaultReport, decode_fault
from vtd_plugin.software.first_stage import FirstStageTable, GuestMemory
from vtd_plugin.software.frames import FrameAllocator
from vtd_plugin.software.interrupts import Interrupt, InterruptRemapping, InterruptTable
from vtd_plugin.software.mmio import Registers
from vtd_plugin.software.page_requests import PageRequestQueue
from vtd_plugin.software.page_table import PageTable
from vtd_plugin.software.pages import PAGE_1G, PAGE_2M, PAGE_4K, Change, Page
from vtd_plugin.software.pasid_tables import PasidTables
from vtd_plugin.software.polling import Pending, Poller, Timeout
from vtd_plugin.software.probe import ProbedUnit
from vtd_plugin.software.protected_memory import ProtectedMemory
from vtd_plugin.software.queue import InvalidationQueue, QueueStop, QueueStopped
from vtd_plugin.software.register_invalidation import InvalidationRefused
from vtd_plugin.software.root_tables import LegacyRootTable, RootTable, ScalableRootTable
from vtd_plugin.software.second_stage import SecondStageTable
from vtd_plugin.software.tree import TableTree

__all__ = [
    "PAGE_1G",
    "PAGE_2M",
    "PAGE_4K",
    "AddressSpaceControl",
    "Change",
    "Command",
    "Cpu",
    "Domain",
    "DomainBase",
    "Driver",
    "Event",
    "FaultReport",
    "FaultedRequest",
    "FirstStageDomain",
    "FirstStageTable",
    "FrameAllocator",
    "GlobalCommand",
    "GuestMemory",
    "Interrupt",
    "InterruptRemapping",
    "InterruptTable",
    "InvalidationQueue",
    "InvalidationRefused",
    "LegacyRootTable",
    "Page",
    "PageRequestQueue",
    "PageTable",
    "PasidTables",
    "Pending",
    "Poller",
    "ProbedUnit",
    "ProtectedMemory",
    "QueueStop",
    "QueueStopped",
    "Registers",
    "Root",
    "RootTable",
    "ScalableRootTable",
    "SecondStageTable",
    "TableTree",
    "Timeout",
    "UnitChannel",
    "UnitControl",
    "decode_fault",
    "descriptors",
]
