"""What the host of an assigned device is told, and what its device then reaches."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from vtd_plugin.bus import (
    DIRECT,
    AddressSpaceSwitched,
    AddressType,
    Answer,
    AssignedDevice,
    Event,
    Mapped,
    Mapping,
    Platform,
    Shadow,
    Unmapped,
)
from vtd_plugin.bus.mappings import MappingSet
from vtd_plugin.bus.testing import (
    FakeRegisters,
    FakeUnit,
    RecordingListener,
    RecordingSink,
    assert_shadow_equals,
)

IOVA = 0x1000_0000
HOST = 0x10_0000
SIZE = 16 << 20
RAM = Mapping(0, 0, 64 << 20)
PAGE = 0x1000


@pytest.fixture
def device(platform: Platform, fake_unit: FakeUnit) -> AssignedDevice:
    return platform.assign("00:04.0")


def test_a_new_listener_is_brought_up_to_date(platform: Platform, fake_unit: FakeUnit) -> None:
    port, listener = platform.requester("00:04.0"), RecordingListener()
    assert not port.has_listeners
    port.add_listener(listener)
    assert port.has_listeners
    assert listener.calls == [("switch", True), ("map", IOVA, SIZE)]
    assert port.mappings == listener.mappings


def test_without_a_unit_a_listener_is_given_all_memory(platform: Platform) -> None:
    listener = RecordingListener()
    platform.requester("00:04.0").add_listener(listener)
    assert listener.calls == [("switch", False), ("map", 0, RAM.size)]


def test_a_switch_unmaps_then_switches_then_maps(platform: Platform, fake_unit: FakeUnit) -> None:
    listener = RecordingListener()
    platform.requester("00:04.0").add_listener(listener)
    listener.calls.clear()
    fake_unit.enable(False)
    assert listener.calls == [("unmap", IOVA, SIZE), ("switch", False), ("map", 0, RAM.size)]
    listener.calls.clear()
    fake_unit.enable()
    assert listener.calls == [("unmap", 0, RAM.size), ("switch", True), ("map", IOVA, SIZE)]


def test_a_switch_within_one_space_is_told_in_full(platform: Platform, fake_unit: FakeUnit) -> None:
    listener = RecordingListener()
    platform.requester("00:04.0").add_listener(listener)
    listener.calls.clear()
    fake_unit.refresh()
    assert listener.calls == [("unmap", IOVA, SIZE), ("switch", True), ("map", IOVA, SIZE)]


def test_nothing_is_enumerated_while_nobody_listens(
    platform: Platform, fake_unit: FakeUnit
) -> None:
    port = platform.requester("00:04.0")
    mappings = iter([Mapping(0, 0, PAGE)])
    port.switch(fake_unit, mappings, "test")
    port.update(0, PAGE - 1, mappings)
    assert list(mappings) == [Mapping(0, 0, PAGE)]
    assert port.mappings == ()


def test_an_update_tells_the_differences_only(platform: Platform, fake_unit: FakeUnit) -> None:
    port, listener = platform.requester("00:04.0"), RecordingListener()
    port.add_listener(listener)
    listener.calls.clear()
    port.update(IOVA, IOVA + 2 * PAGE - 1, [Mapping(IOVA, HOST, 2 * PAGE)])
    assert listener.calls == []
    port.update(IOVA, IOVA + PAGE - 1, [])
    assert listener.calls == [("unmap", IOVA, SIZE), ("map", IOVA + PAGE, SIZE - PAGE)]


def test_a_listener_that_leaves_holds_nothing(platform: Platform, fake_unit: FakeUnit) -> None:
    port, listener = platform.requester("00:04.0"), RecordingListener()
    port.add_listener(listener)
    port.remove_listener(listener)
    assert listener.mappings == ()
    fake_unit.refresh()
    assert listener.calls[-1] == ("unmap", IOVA, SIZE)


def test_all_listeners_are_told_the_same(platform: Platform, fake_unit: FakeUnit) -> None:
    port, first, second = platform.requester("00:04.0"), RecordingListener(), RecordingListener()
    port.add_listener(first)
    port.update(IOVA, IOVA + PAGE - 1, [])
    port.add_listener(second)
    assert_shadow_equals(second, first.mappings)
    port.remove_listener(first)
    port.update(IOVA + PAGE, IOVA + 2 * PAGE - 1, [])
    assert second.mappings == (Mapping(IOVA + 2 * PAGE, HOST + 2 * PAGE, SIZE - 2 * PAGE),)


def test_listening_twice_or_not_at_all_is_the_callers_mistake(platform: Platform) -> None:
    port, shadow = platform.requester("00:04.0"), Shadow()
    with pytest.raises(ValueError, match="does not listen"):
        port.remove_listener(shadow)
    port.add_listener(shadow)
    with pytest.raises(ValueError, match="listens to RequesterPort"):
        port.add_listener(shadow)


def test_memory_added_later_is_mapped_where_nothing_is_remapped(platform: Platform) -> None:
    device = platform.assign("00:04.0")
    platform.add_ram(0x1_0000_0000, bytearray(PAGE))
    platform.add_mmio(0xB000_0000, PAGE, FakeRegisters(), dma=True)
    platform.add_mmio(0xB000_1000, PAGE, FakeRegisters())
    assert device.shadow.mappings == (
        RAM,
        Mapping(0xB000_0000, 0xB000_0000, PAGE),
        Mapping(0x1_0000_0000, 0x1_0000_0000, PAGE),
    )
    assert device.write(0x1_0000_0000, b"new").ok
    assert device.write(0xB000_0000, bytes(4)).ok


def test_memory_added_later_is_no_news_where_addresses_are_remapped(
    platform: Platform, device: AssignedDevice
) -> None:
    platform.add_ram(0x1_0000_0000, bytearray(PAGE))
    assert device.shadow.mappings == (Mapping(IOVA, HOST, SIZE),)


def test_the_interrupt_window_is_never_mapped() -> None:
    platform = Platform(0, load_entry_points=False)
    platform.add_ram(0xFED0_0000, bytearray(0x30_0000))
    assert_shadow_equals(
        platform.assign("00:04.0").shadow,
        [
            Mapping(0xFED0_0000, 0xFED0_0000, 0x10_0000),
            Mapping(0xFEF0_0000, 0xFEF0_0000, 0x10_0000),
        ],
    )


def test_events_tell_the_switch_and_each_mapping(platform: Platform, fake_unit: FakeUnit) -> None:
    platform.assign("00:04.0")
    events: list[Event] = []
    platform.add_observer(events.append)
    fake_unit.enable(False)
    assert events == [
        Unmapped(0x20, Mapping(IOVA, HOST, SIZE)),
        AddressSpaceSwitched(0x20, fake_unit, DIRECT, "disabled"),
        Mapped(0x20, RAM),
    ]


def test_a_shadow_refuses_what_breaks_the_contract(platform: Platform) -> None:
    port, shadow = platform.requester("00:04.0"), Shadow()
    shadow.map(port, Mapping(0, 0, PAGE))
    with pytest.raises(ValueError, match="overlaps"):
        shadow.map(port, Mapping(0, 0, 2 * PAGE))
    with pytest.raises(ValueError, match="nothing is mapped at exactly"):
        shadow.unmap(port, 0, 2 * PAGE)
    with pytest.raises(ValueError, match="while 1 mappings were held"):
        shadow.switch(port, remapped=True)


def test_a_device_is_assigned_once(platform: Platform, device: AssignedDevice) -> None:
    assert platform.assign(0x20) is device


def test_the_device_reaches_what_its_host_was_told_and_nothing_else(
    device: AssignedDevice, fake_unit: FakeUnit, platform: Platform
) -> None:
    assert device.write(IOVA + 0x10, b"through").ok
    assert platform.read(HOST + 0x10, 7) == b"through"
    fake_unit.tables.clear()  # the host has not been told
    assert device.read(IOVA + 0x10, 7).data == b"through"
    device.port.update(IOVA, IOVA + SIZE - 1, [])
    result = device.read(IOVA + 0x10, 7)
    assert (result.answer, result.data) == (Answer.UR, b"\xff" * 7)
    assert result.fault is not None
    assert (result.fault.name, result.fault.recorded) == ("HOST.1", False)
    assert fake_unit.requests == []


@pytest.mark.parametrize(
    ("readable", "writable", "read", "write", "atomic"),
    [(True, False, True, False, False), (False, True, False, True, False)],
)
def test_rights_are_those_of_the_mapping(
    device: AssignedDevice,
    readable: bool,
    writable: bool,
    read: bool,
    write: bool,
    atomic: bool,
) -> None:
    device.port.update(0, PAGE - 1, [Mapping(0, HOST, PAGE, readable, writable)])
    assert device.read(0, 4).ok is read
    assert device.write(0, bytes(4)).ok is write
    assert device.atomic(0, 1).ok is atomic
    assert device.read(0, 0).ok


def test_an_aligned_mapping_is_one_translation(device: AssignedDevice) -> None:
    device.port.update(0, (2 << 20) - 1, [Mapping(0, 0x20_0000, 2 << 20)])
    assert len(device.begin(0x1000, 1 << 20).translations) == 1


def test_translated_requests_and_pasids_are_blocked(device: AssignedDevice) -> None:
    assert not device.read(IOVA, 4, address_type=AddressType.TRANSLATED).ok
    assert not device.read(IOVA, 4, pasid=1).ok


def test_a_pasid_is_ignored_where_nothing_is_remapped(platform: Platform) -> None:
    assert platform.assign("00:04.0").write(0x1000, b"x", pasid=1).ok


def test_interrupts_of_the_device_pass_the_unit(
    device: AssignedDevice, fake_unit: FakeUnit, interrupts: RecordingSink
) -> None:
    assert device.write(0xFEE0_0000, b"\x55\x00\x00\x00").ok
    assert fake_unit.interrupts == [(0x20, 0xFEE0_0000, 0x55)]
    assert interrupts.messages[0].vector == 0x55


def test_the_unit_waits_for_transfers_of_the_device(
    device: AssignedDevice, fake_unit: FakeUnit, platform: Platform
) -> None:
    transfer = device.begin(IOVA, 8, write=True)
    assert device.port.in_flight == (transfer,)
    assert transfer.port is platform.requester("00:04.0")
    fake_unit.enable(False)
    transfer.write(0, b"in time!")
    transfer.end()
    assert fake_unit.ended == [transfer]
    assert platform.read(HOST, 8) == b"in time!"


class ShadowFollowsTables(RuleBasedStateMachine):
    """Tables change at random; after each invalidation the shadow is what they were then."""

    pages = st.integers(0, 15)
    counts = st.integers(1, 6)

    @initialize()
    def begin(self) -> None:
        self.platform = Platform(load_entry_points=False)
        self.unit = self.platform.add_unit(FakeUnit())
        self.device = self.platform.assign("00:04.0")
        self.told: dict[int, Mapping] = {}
        self.tables: dict[int, Mapping] = {}

    @rule(first=pages, count=counts, to=st.integers(0, 31), writable=st.booleans())
    def change_tables(self, first: int, count: int, to: int, writable: bool) -> None:
        for page in range(first, first + count):
            address = (to + page) * PAGE
            self.tables[page] = Mapping(page * PAGE, address, PAGE, writable=writable)

    @rule(first=pages, count=counts)
    def clear_tables(self, first: int, count: int) -> None:
        for page in range(first, first + count):
            self.tables.pop(page, None)

    @rule(first=pages, count=counts)
    def invalidate(self, first: int, count: int) -> None:
        pages = range(first, first + count)
        now = {page: self.tables[page] for page in pages if page in self.tables}
        self.device.port.update(first * PAGE, (first + count) * PAGE - 1, now.values())
        if self.unit.enabled:
            kept = {page: item for page, item in self.told.items() if page not in pages}
            self.told = kept | now

    @rule(enabled=st.booleans())
    def switch(self, enabled: bool) -> None:
        self.unit.tables = MappingSet(self.tables.values())
        self.unit.enable(enabled)
        self.told = dict(self.tables) if enabled else {0: RAM}

    @rule()
    def listen_afresh(self) -> None:
        self.device.port.remove_listener(self.device.shadow)
        self.unit.tables = MappingSet(self.tables.values())
        self.device.port.add_listener(self.device.shadow)
        self.told = dict(self.tables) if self.unit.enabled else {0: RAM}

    @invariant()
    def shadow_is_what_was_told(self) -> None:
        assert_shadow_equals(self.device.shadow, self.told.values())


def test_a_shadow_always_equals_what_it_was_told() -> None:
    run_state_machine_as_test(
        ShadowFollowsTables,
        settings=settings(max_examples=60, stateful_step_count=25, derandomize=True, deadline=None),
    )
