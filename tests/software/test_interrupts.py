"""Interrupts through a real unit: who may send which, and where they arrive."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.software.bench import DEVICE, OTHER_DEVICE, SCALABLE, Bench, make_bench
from vtd_plugin.encodings.codes import InterruptDeliveryMode
from vtd_plugin.encodings.structures import (
    CompatMsiAddress,
    CompatMsiData,
    IrtePosted,
    IrteRemapped,
    PostedInterruptDescriptor,
)
from vtd_plugin.software import FrameAllocator, Interrupt, InterruptTable

if TYPE_CHECKING:
    from vtd_plugin.bus import InterruptMessage

DESCRIPTOR = 0x300_0000
UNITS: dict[str, dict[str, Any]] = {
    "queue-128": {},
    "queue-256": SCALABLE,
    "caching-mode": {"CM": 1},
    "no-esirtps": {"ESIRTPS": 0},
    "version-6": {"version": 0x60, "SSTS": 1, "SMTS": 1},
}
each_unit = pytest.mark.parametrize("options", UNITS.values(), ids=UNITS.keys())


class InterruptBench:
    """A bench whose processors take down what interrupts them."""

    def __init__(self, **options: Any) -> None:
        self.bench: Bench = make_bench(**{"IR": 1, **options})
        self.messages: list[InterruptMessage] = []
        self.bench.platform.add_interrupt_sink(self.messages.append)
        self.interrupts = self.bench.driver.interrupts

    def send(self, interrupt: Interrupt, number: int = 0, device: str = DEVICE) -> bool:
        data = (interrupt.data + number).to_bytes(4, "little")
        return self.bench.platform.requester(device).write(interrupt.address, data).ok

    def arrived(self) -> list[tuple[int, int]]:
        """Vector and destination of what has arrived since the last time."""
        taken = [(message.vector, message.destination) for message in self.messages]
        self.messages.clear()
        return taken


@each_unit
def test_a_device_interrupts_where_it_is_mapped_to(options: dict[str, Any]) -> None:
    bench = InterruptBench(**options)
    bench.interrupts.enable()
    interrupt = bench.interrupts.map(DEVICE, 0x41, destination=3)
    other = bench.interrupts.map(OTHER_DEVICE, 0x42, destination=4)
    assert bench.send(interrupt)
    assert bench.send(other, device=OTHER_DEVICE)
    assert bench.arrived() == [(0x41, 3), (0x42, 4)]
    assert not bench.send(interrupt, device=OTHER_DEVICE)
    assert bench.bench.fault_names() == ["IR.26"]


@each_unit
def test_an_interrupt_moves_and_goes(options: dict[str, Any]) -> None:
    bench = InterruptBench(**options)
    bench.interrupts.enable()
    interrupt = bench.interrupts.map(DEVICE, 0x41, destination=3)
    assert bench.send(interrupt)
    bench.interrupts.change(interrupt, DST_XAPIC=9, V=0x51)
    assert bench.send(interrupt)
    bench.interrupts.unmap(interrupt)
    assert not bench.send(interrupt)
    again = bench.interrupts.map(DEVICE, 0x61)
    assert again.index == interrupt.index
    assert bench.send(again)
    assert bench.arrived() == [(0x41, 3), (0x51, 9), (0x61, 0)]
    assert bench.bench.fault_names() == ["IR.22"]


@each_unit
def test_a_device_that_counts_gets_neighbouring_vectors(options: dict[str, Any]) -> None:
    bench = InterruptBench(**options)
    bench.interrupts.enable()
    bench.interrupts.map(OTHER_DEVICE, 0x30)
    several = bench.interrupts.map(DEVICE, 0x40, destination=2, count=4)
    assert [bench.send(several, number) for number in range(5)] == [True] * 4 + [False]
    assert bench.arrived() == [(0x40 + number, 2) for number in range(4)]
    bench.interrupts.unmap(several)
    assert not any(bench.send(several, number) for number in range(4))


@pytest.mark.parametrize("caching_mode", [0, 1])
def test_an_entry_that_changes_untold_stays_as_it_was(caching_mode: int) -> None:
    bench = InterruptBench(CM=caching_mode)
    bench.interrupts.enable()
    table = bench.interrupts.table
    assert table is not None
    interrupt = bench.interrupts.map(DEVICE, 0x41)
    assert bench.send(interrupt)
    table.write_entry(interrupt.index, table.read_entry(interrupt.index).replace(V=0x51))
    assert bench.send(interrupt)
    bench.interrupts.change(interrupt)
    assert bench.send(interrupt)
    assert bench.arrived() == [(0x41, 0), (0x41, 0), (0x51, 0)]
    absent = Interrupt(7, 1, interrupt.address + (7 << 5), 0)
    assert not bench.send(absent)
    table.write_entry(7, IrteRemapped.pack(P=1, V=0x71))
    assert bench.send(absent) is not bool(caching_mode)


@each_unit
def test_compatibility_format_passes_only_where_it_is_let(options: dict[str, Any]) -> None:
    bench = InterruptBench(**options)
    old_style = Interrupt(
        0, 1, CompatMsiAddress.pack(DEST_ID=5), CompatMsiData.pack(VECTOR=0x31, LEVEL=1)
    )
    assert bench.send(old_style)
    bench.interrupts.enable(compatibility=True)
    assert bench.send(old_style)
    bench.interrupts.enable()
    assert not bench.send(old_style)
    bench.interrupts.disable()
    assert bench.send(old_style)
    assert bench.arrived() == [(0x31, 5)] * 3
    assert bench.bench.fault_names() == ["IR.25"]


def test_destinations_of_32_bits() -> None:
    bench = InterruptBench(EIM=1)
    bench.interrupts.enable(extended=True)
    interrupt = bench.interrupts.map(DEVICE, 0x41, destination=0x1234_5678)
    assert bench.send(interrupt)
    assert bench.arrived() == [(0x41, 0x1234_5678)]
    with pytest.raises(ValueError, match="interrupts are mapped with extended=True"):
        bench.interrupts.enable()


def test_further_fields_reach_the_entry() -> None:
    bench = InterruptBench()
    bench.interrupts.enable()
    nmi = bench.interrupts.map(DEVICE, 0, DLM=InterruptDeliveryMode.NMI, DM=1)
    assert bench.send(nmi)
    (message,) = bench.messages
    assert (message.delivery_mode, message.destination_mode) == (InterruptDeliveryMode.NMI, 1)
    silent = bench.interrupts.map(DEVICE, 0x41, FPD=1)
    assert not bench.send(silent, device=OTHER_DEVICE)
    assert bench.bench.fault_names() == []


@each_unit
def test_interrupts_are_posted_to_a_virtual_processor(options: dict[str, Any]) -> None:
    bench = InterruptBench(**options, PI=1)
    bench.interrupts.enable()
    platform = bench.bench.platform
    descriptor = PostedInterruptDescriptor(PostedInterruptDescriptor.pack(NV=0xF2, NDST_XAPIC=6))
    platform.write(DESCRIPTOR, descriptor.to_bytes())
    posted = bench.interrupts.post(DEVICE, 0x81, DESCRIPTOR)
    urgent = bench.interrupts.post(DEVICE, 0x82, DESCRIPTOR, urgent=True)
    assert bench.send(posted)
    assert bench.send(urgent)  # the notification is outstanding already
    assert bench.arrived() == [(0xF2, 6)]
    found = PostedInterruptDescriptor.from_bytes(platform.read(DESCRIPTOR, 64))
    assert (found.PIR, found.ON) == (1 << 0x81 | 1 << 0x82, 1)
    platform.write(DESCRIPTOR, PostedInterruptDescriptor(descriptor.replace(SN=1)).to_bytes())
    assert bench.send(posted)
    assert bench.arrived() == []
    assert bench.send(urgent)
    assert bench.arrived() == [(0xF2, 6)]
    bench.interrupts.change(posted, VV=0x83)
    assert bench.send(posted)
    found = PostedInterruptDescriptor.from_bytes(platform.read(DESCRIPTOR, 64))
    assert found.PIR == 1 << 0x81 | 1 << 0x82 | 1 << 0x83


@each_unit
@pytest.mark.parametrize("kind", ["warm", "cold"])
def test_after_a_reset_interrupts_are_as_they_were(options: dict[str, Any], kind: str) -> None:
    bench = InterruptBench(**options)
    bench.interrupts.enable()
    interrupt = bench.interrupts.map(DEVICE, 0x41, destination=3)
    bench.bench.platform.reset(kind)
    assert not bench.interrupts.enabled
    bench.bench.driver.recover_after_reset()
    assert bench.interrupts.enabled
    assert bench.send(interrupt)
    assert bench.arrived() == [(0x41, 3)]
    assert not bench.bench.driver.translating


def test_a_full_table_is_told(frames: FrameAllocator) -> None:
    bench = InterruptBench()
    bench.interrupts.enable(4)
    bench.interrupts.map(DEVICE, 0x40, count=2)
    hole = bench.interrupts.map(DEVICE, 0x42)
    bench.interrupts.map(DEVICE, 0x43)
    bench.interrupts.unmap(hole)
    with pytest.raises(ValueError, match="0x2 neighbouring entries are not free"):
        bench.interrupts.map(DEVICE, 0x44, count=2)
    assert bench.interrupts.map(DEVICE, 0x44).index == hole.index
    for entries in (0, 1, 3, 0x2_0000):
        with pytest.raises(ValueError, match="no power of two within 0x2 to 0x10000"):
            InterruptTable(bench.bench.platform, frames, entries)


def test_what_is_missing_is_said() -> None:
    bench = InterruptBench()
    with pytest.raises(ValueError, match=r"call enable\(\) first"):
        bench.interrupts.map(DEVICE, 0x40)
    with pytest.raises(ValueError, match="extended=True needs EIM=1"):
        bench.interrupts.enable(extended=True)
    with pytest.raises(ValueError, match="extended=False needs EIM=1, or EIMER=0"):
        InterruptBench(EIM=1, EIMER=1).interrupts.enable()
    with pytest.raises(ValueError, match="always blocked in extended mode"):
        InterruptBench(EIM=1).interrupts.enable(extended=True, compatibility=True)
    with pytest.raises(ValueError, match=r"needs ECAP\.IR and the invalidation queue"):
        make_bench(IR=0).driver.interrupts.enable()
    with pytest.raises(ValueError, match=r"needs ECAP\.IR and the invalidation queue"):
        make_bench(IR=1, use_queue=False).driver.interrupts.enable()
    bench.interrupts.enable()
    gone = bench.interrupts.map(DEVICE, 0x40)
    bench.interrupts.unmap(gone)
    for use in (bench.interrupts.unmap, bench.interrupts.change):
        with pytest.raises(ValueError, match="interrupt 0x0 is not mapped"):
            use(gone)
    with pytest.raises(ValueError, match=r"CAP\.PI is 0"):
        bench.interrupts.post(DEVICE, 0x40, DESCRIPTOR)
    table = bench.interrupts.table
    assert table is not None
    with pytest.raises(ValueError, match="index 0x100 is not within 0 to 0xff"):
        table.read_entry(0x100)


def test_an_entry_is_read_as_what_it_is(cpu: Any, frames: FrameAllocator) -> None:
    table = InterruptTable(cpu, frames, 2)
    table.write_entry(1, IrtePosted.pack(P=1, VV=0x41))
    assert isinstance(table.read_entry(0), IrteRemapped)
    assert table.read_entry(1) == IrtePosted(IrtePosted.pack(P=1, VV=0x41))
