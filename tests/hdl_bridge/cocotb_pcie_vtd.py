"""What a VT-d unit answers, as an endpoint on PCIe sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cocotb
from cocotb.utils import get_sim_time
from cocotbext.pcie.core import Device, RootComplex
from cocotbext.pcie.core.tlp import CplStatus, TlpAt

from hdl_bridge.pcie import attach, route_msi
from tests.hdl_bridge.pcie_bench import (
    ask,
    make_function,
    memory_read,
    settle,
    translation_request,
)
from vtd_plugin import Platform, VtdConfig, VtdUnit
from vtd_plugin.bus.testing import RecordingSink
from vtd_plugin.iommu.events import TablesWalked
from vtd_plugin.software import Driver, FrameAllocator, InterruptRemapping

if TYPE_CHECKING:
    from vtd_plugin.bus import Event
    from vtd_plugin.software import Domain

IOVA = 0x4000_0000
HOST = 0x10_0000
OTHER = 0x20_0000
RAM = 16 << 20


class World:
    """An endpoint behind a unit with a driver."""

    endpoint: Any

    def __init__(self, **capabilities: Any) -> None:
        self.platform = Platform(RAM, load_entry_points=False)
        self.platform.add_unit(VtdUnit(VtdConfig(**capabilities)))
        self.frames = FrameAllocator(8 << 20, 4 << 20)
        self.driver = Driver(self.platform, frames=self.frames)
        self.pasid: int | None = None
        self.walk_nanoseconds = 0
        self._walked = False
        self.platform.add_observer(self._observe)
        self.root_complex = RootComplex()
        attach(
            self.root_complex,
            self.platform,
            latency=self._latency,
            pasid_of=lambda _: self.pasid,
        )

    @classmethod
    async def start(cls, **capabilities: Any) -> World:
        world = cls(**capabilities)
        device = Device()
        world.endpoint, _ = make_function(device)
        world.root_complex.make_port().connect(device)
        await world.root_complex.enumerate()
        found = world.root_complex.find_device(world.endpoint.pcie_id)
        await found.enable_device()
        await found.set_master()
        return world

    def _observe(self, event: Event) -> None:
        self._walked |= isinstance(event, TablesWalked)

    def _latency(self, tlp: Any) -> int:
        walked, self._walked = self._walked, False
        return self.walk_nanoseconds if walked else 0

    @property
    def source_id(self) -> int:
        return int(self.endpoint.pcie_id)

    def map_pages(self, size: int, *, device_tlb: bool = False) -> Domain:
        """Turn translation on, with so many bytes mapped for the endpoint."""
        self.driver.enable()
        domain = self.driver.create_domain()
        domain.map(IOVA, HOST, size)
        self.driver.attach(self.source_id, domain, device_tlb=device_tlb)
        return domain

    def fault_names(self) -> list[str]:
        return [report.name for report in self.driver.handle_faults()]


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_an_endpoint_asks_for_a_translation_and_uses_it(dut: Any) -> None:
    world = await World.start(DT=1)
    endpoint = world.endpoint
    world.map_pages(0x4000, device_tlb=True)
    world.platform.write(HOST + 0x2040, b"translated")
    (told,) = await ask(endpoint, translation_request(endpoint, IOVA + 0x2000))
    entry = int.from_bytes(told.data, "big")
    assert entry == HOST + 0x2000 | 0b11
    read = memory_read(endpoint, entry & ~0xFFF | 0x40, 2)
    read.at = TlpAt.TRANSLATED
    (completion,) = await ask(endpoint, read)
    assert bytes(completion.data) == b"translat"
    (told,) = await ask(endpoint, translation_request(endpoint, IOVA + 0x8000))
    assert (told.status, bytes(told.data)) == (CplStatus.SC, bytes(8))
    assert world.fault_names() == []


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_software_is_not_told_that_a_page_is_forgotten_before_a_device_was_told_of_it(
    dut: Any,
) -> None:
    world = await World.start(DT=1)
    endpoint = world.endpoint
    domain = world.map_pages(0x1000, device_tlb=True)
    world.walk_nanoseconds = 5000
    asking = cocotb.start_soon(ask(endpoint, translation_request(endpoint, IOVA), 10_000))
    await settle()
    forgetting = domain.start_unmap(IOVA, 0x1000)
    assert not asking.done()
    assert not forgetting.done
    (told,) = await asking
    assert int.from_bytes(told.data, "big") == HOST | 0b11
    assert forgetting.done


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_the_interrupt_window_is_only_for_untranslated_requests(dut: Any) -> None:
    world = await World.start(DT=1)
    world.driver.enable()
    world.driver.attach(world.source_id, world.driver.create_domain(), device_tlb=True)
    (told,) = await ask(world.endpoint, translation_request(world.endpoint, 0xFEE0_3000))
    entry = int.from_bytes(told.data, "big")
    assert (told.status, entry & 0b111) == (CplStatus.SC, 0b110)  # U and W, not R


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_what_the_unit_cannot_look_up_is_ur_for_a_read_and_ca_for_a_translation(
    dut: Any,
) -> None:
    world = await World.start(DT=1)
    endpoint, driver = world.endpoint, world.driver
    driver.enable()
    driver.attach(world.source_id, driver.create_domain(), device_tlb=True)
    nowhere = 0x4000_0000_0000
    root_entry = driver.root.address + 16 * endpoint.pcie_id.bus
    world.platform.write(root_entry, (nowhere | 1).to_bytes(8, "little"))
    driver.invalidate_everything()
    (completion,) = await ask(endpoint, memory_read(endpoint, IOVA))
    assert completion.status is CplStatus.UR
    (completion,) = await ask(endpoint, translation_request(endpoint, IOVA))
    assert completion.status is CplStatus.CA
    assert world.fault_names() == ["LCT.1", "LCT.1"]


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_a_walk_takes_the_time_it_is_given_and_a_hit_none(dut: Any) -> None:
    world = await World.start()
    world.map_pages(0x1000)
    world.walk_nanoseconds = 1000
    taken = []
    for _ in range(3):
        start = get_sim_time("ns")
        await world.endpoint.mem_read(IOVA, 4)
        taken.append(get_sim_time("ns") - start)
    assert 1000 <= taken[0] < 1100
    assert max(taken[1:]) < 100


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_requests_go_to_the_address_space_of_their_pasid(dut: Any) -> None:
    world = await World.start(SMTS=1, SSTS=1, PASID=1, PSS=19)
    endpoint, driver = world.endpoint, world.driver
    driver.enable("scalable")
    for pasid, host in ((5, HOST), (6, OTHER)):
        domain = driver.create_domain()
        domain.map(IOVA, host, 0x1000)
        driver.attach_pasid(world.source_id, pasid, second_stage=domain)
    for world.pasid, host in ((5, HOST), (6, OTHER)):
        data = bytes([world.pasid]) * 4
        await endpoint.mem_write(IOVA, data)
        assert await endpoint.mem_read(IOVA, 4) == data
        assert world.platform.read(host, 4) == data
    world.pasid = None
    (completion,) = await ask(endpoint, memory_read(endpoint, IOVA))
    assert completion.status is CplStatus.UR
    assert len(world.fault_names()) == 1


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_messages_are_remapped_or_blocked_like_those_of_any_device(dut: Any) -> None:
    world = await World.start(IR=1)
    endpoint = world.endpoint
    sink = RecordingSink()
    world.platform.add_interrupt_sink(sink)
    remapping = InterruptRemapping(world.platform, world.frames, world.driver)
    remapping.enable()
    mine = remapping.map(world.source_id, 0x51)
    others = remapping.map(world.source_id + 8, 0x52)
    for message in (mine, others):
        await endpoint.mem_write(message.address, message.data.to_bytes(4, "little"))
    await settle()
    assert [each.data & 0xFF for each in sink.messages] == [0x51]
    (report,) = world.driver.handle_faults()
    assert (report.interrupt_index, report.source_id) == (others.index, world.source_id)


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_vectors_of_cocotbext_pcie_pass_a_unit_that_does_not_remap_them(dut: Any) -> None:
    world = await World.start()
    route_msi(world.root_complex, world.platform)
    world.driver.enable()  # no context entry for the endpoint: its memory requests are blocked
    device = world.root_complex.find_device(world.endpoint.pcie_id)
    await device.alloc_irq_vectors(1, 1)
    await world.endpoint.msi_cap.issue_msi_interrupt(0)
    await device.msi_vectors[0].event.wait()
    assert world.fault_names() == []
