"""RTL DMA engines on PCIe, behind a VT-d unit that a driver programs meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cocotb
from cocotb.triggers import Event, Timer
from cocotbext.pcie.core.tlp import CplStatus

from hdl_bridge.reset import reset_platform
from testbenches.pcie.bench import Bench
from testbenches.pcie.dma import IDENTIFICATION, PIECE_BYTES, SLOTS, DmaEngine, Register
from vtd_plugin.bus import InterruptMessage, ResetOrder
from vtd_plugin.software import Driver, FrameAllocator

if TYPE_CHECKING:
    from collections.abc import Callable

    from vtd_plugin.software import Domain, Pending

SOURCE = 0x4000_0000
DESTINATION = 0x7_0000_0000
"""Above 4 GiB: its writes have headers of four dwords. Neither is an address of RAM."""

PAGE = 0x1000
PAGES = 8
RAM = 16 << 20
SLOW = 3_000


class World(Bench):
    """Two engines that use the same addresses, each in a domain of its own."""

    def __init__(self, dut: Any) -> None:
        super().__init__(dut, RAM)
        self.driver = Driver(self.platform, frames=FrameAllocator(8 << 20, 4 << 20))
        self.domains: list[Domain] = []
        self.frames: list[list[int]] = []

    @classmethod
    async def start(cls, dut: Any) -> World:
        """Enumerated, with translation on."""
        world = cls(dut)
        await world.bring_up()
        world.driver.enable()
        frames = list(range(0, 8 << 20, PAGE))
        world.rng.shuffle(frames)
        for engine in world.engines:
            world.give_domain(engine, [frames.pop() for _ in range(2 * PAGES)])
        return world

    def give_domain(self, engine: DmaEngine, frames: list[int]) -> None:
        """Map source and destination to pages scattered over memory."""
        domain = self.driver.create_domain()
        for number, frame in enumerate(frames):
            base, page = (SOURCE, number) if number < PAGES else (DESTINATION, number - PAGES)
            domain.map(base + page * PAGE, frame, PAGE)
            self.platform.write(frame, self.rng.randbytes(PAGE))
        self.driver.attach(engine.source_id, domain)
        self.domains.append(domain)
        self.frames.append(frames)

    def content(self, number: int, iova: int, size: int) -> bytes:
        """What is behind addresses of an engine."""
        first = PAGES * (iova >= DESTINATION)
        frames = self.frames[number][first : first + PAGES]
        image = b"".join(self.platform.read(frame, PAGE) for frame in frames)
        offset = iova - (DESTINATION if first else SOURCE)
        return image[offset : offset + size]


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_engines_copy_across_scattered_pages_each_in_its_domain(dut: Any) -> None:
    """The same addresses lead each engine to its own memory, at random sizes and delays."""
    world = await World.start(dut)
    assert await world.engines[0].read(Register.ID) == IDENTIFICATION
    for world.slowest in (0, 100, 1000):
        expected = []
        for number, engine in enumerate(world.engines):
            length = 4 * world.rng.randrange(1, 1200)
            offsets = [4 * world.rng.randrange((PAGES * PAGE - length) // 4) for _ in range(2)]
            source, destination = SOURCE + offsets[0], DESTINATION + offsets[1]
            expected.append((destination, world.content(number, source, length)))
            await engine.start(source, destination, length)
        for number, engine in enumerate(world.engines):
            assert not (await engine.finish()).failed
            destination, data = expected[number]
            assert world.content(number, destination, len(data)) == data
    assert world.driver.handle_faults() == []


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_the_interrupt_comes_when_all_data_is_there(dut: Any) -> None:
    """Posted writes of a requester stay in order, and a message is one of them."""
    world = await World.start(dut)
    world.slowest = 500
    length = 3 * PAGE - 8
    arrived = Event()
    seen: list[tuple[InterruptMessage, bytes]] = []

    def sink(message: InterruptMessage) -> None:
        seen.append((message, world.content(1, DESTINATION, length)))
        arrived.set()

    world.platform.add_interrupt_sink(sink)
    await world.engines[1].start(SOURCE + 4, DESTINATION, length, message=0x4031)
    await arrived.wait()
    ((message, content),) = seen
    assert (message.data, message.source_id) == (0x4031, world.engines[1].source_id)
    assert content == world.content(1, SOURCE + 4, length)
    assert (await world.engines[1].finish()).done


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_a_page_that_is_not_mapped_ends_a_copy_with_ur_and_is_reported(dut: Any) -> None:
    """What was copied before stays, the other engine does not notice, software learns why."""
    world = await World.start(dut)
    world.domains[0].unmap(SOURCE + PAGE, PAGE)
    for engine in world.engines:
        await engine.start(SOURCE + PAGE - 64, DESTINATION, 256)
    failed, good = [await engine.finish() for engine in world.engines]
    assert (failed.failed, failed.completion) == (True, CplStatus.UR)
    assert not good.failed
    assert world.content(0, DESTINATION, 64) == world.content(0, SOURCE + PAGE - 64, 64)
    reports = world.driver.handle_faults()
    assert reports
    assert {(each.source_id, each.address, str(each.request)) for each in reports} == {
        (world.engines[0].source_id, SOURCE + PAGE, "read")
    }
    assert world.port(0).in_flight == ()


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_a_page_that_is_read_only_stays_as_it_was(dut: Any) -> None:
    """Nobody tells a requester of a dropped write, but the unit has recorded it."""
    world = await World.start(dut)
    world.domains[0].protect(DESTINATION, PAGE, write=False)
    before = world.content(0, DESTINATION, PAGE)
    await world.engines[0].start(SOURCE, DESTINATION, 2 * PAGE)
    assert not (await world.engines[0].finish()).failed
    assert world.content(0, DESTINATION, PAGE) == before
    assert world.content(0, DESTINATION + PAGE, PAGE) == world.content(0, SOURCE + PAGE, PAGE)
    reports = world.driver.handle_faults()
    assert {(each.address, str(each.request)) for each in reports} == {(DESTINATION, "write")}


def _disable(world: World) -> Pending:
    return world.driver.start_disable()


def _set_root(world: World) -> Pending:
    return world.driver.start_set_root(world.driver.root)


def _unmap(world: World) -> Pending:
    return world.domains[0].start_unmap(SOURCE, PAGE)


@cocotb.test(timeout_time=1, timeout_unit="ms")
@cocotb.parametrize(command=[_disable, _set_root, _unmap])
async def test_a_command_ends_after_the_last_completion_of_older_reads(
    dut: Any, command: Callable[[World], Pending]
) -> None:
    """Software sees that a command is done only when nothing old that it is about is under way."""
    world = await World.start(dut)
    world.slowest = SLOW
    await world.engines[0].start(SOURCE, DESTINATION, SLOTS * PIECE_BYTES)
    await world.outstanding(0, SLOTS)
    older = [
        transfer
        for transfer in world.port(0).in_flight
        if command is not _unmap or transfer.iova < SOURCE + PAGE
    ]
    assert any(not transfer.is_write for transfer in older)
    pending = command(world)
    assert not pending.done
    waited = 0
    while not pending.done:
        assert not all(transfer.ended for transfer in older)
        waited += 1
        await Timer(10, "ns")
    assert all(transfer.ended and transfer.ok for transfer in older)
    assert waited
    pending.finish()
    assert (await world.engines[0].finish()).failed is False
    assert world.driver.translating is (command is not _disable)


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def test_a_copy_goes_on_across_a_change_of_root_table(dut: Any) -> None:
    """A new root table that says the same is not noticed by anybody."""
    world = await World.start(dut)
    world.slowest = 300
    await world.engines[0].start(SOURCE, DESTINATION, 4 * PAGE)
    for _ in range(4):
        await Timer(700, "ns")
        pending = _set_root(world)
        while not pending.done:
            await Timer(20, "ns")
        pending.finish()
    assert not (await world.engines[0].finish()).failed
    assert world.content(0, DESTINATION, 4 * PAGE) == world.content(0, SOURCE, 4 * PAGE)
    assert world.driver.handle_faults() == []


@cocotb.test(timeout_time=1, timeout_unit="ms")
@cocotb.parametrize(order=list(ResetOrder), gap=[0, 100])
async def test_a_platform_reset_in_mid_flight_leaves_nothing_behind(
    dut: Any, order: ResetOrder, gap: int
) -> None:
    """Afterwards the same tables work again, and the engines with them."""
    world = await World.start(dut)
    world.slowest = SLOW
    for engine in world.engines:
        await engine.start(SOURCE, DESTINATION, PAGES * PAGE, message=0x4031)
    await world.outstanding(0, SLOTS)
    await world.outstanding(1, SLOTS)
    older = [*world.port(0).in_flight, *world.port(1).in_flight]
    await reset_platform(world.platform, world.engines[0].clock, "warm", order, gap=gap)
    assert all(transfer.ended for transfer in older)
    assert not world.driver.translating
    # What was on the link at the reset arrives after it, as requests of their own.
    await Timer(2 * SLOW, "ns")
    assert [world.port(number).in_flight for number in range(2)] == [(), ()]
    world.driver.recover_after_reset()
    world.slowest = 100
    for engine in world.engines:
        await engine.start(SOURCE, DESTINATION, 2 * PAGE + 4)
    for number, engine in enumerate(world.engines):
        assert not (await engine.finish()).failed
        expected = world.content(number, SOURCE, 2 * PAGE + 4)
        assert world.content(number, DESTINATION, 2 * PAGE + 4) == expected
    assert world.driver.handle_faults() == []
