"""Reads, writes and atomics of a requester, over a unit that maps and over none."""

from __future__ import annotations

import pytest

from vtd_plugin.bus import (
    PAGE_SIZE,
    AddressType,
    Answer,
    Fault,
    InterruptMessage,
    Mapping,
    Platform,
    RequesterPort,
    RequestKind,
)
from vtd_plugin.bus.testing import FakeRegisters, FakeUnit, RecordingSink

IOVA = 0x1000_0000  # where `fake_unit` maps 16 MiB
HOST = 0x10_0000
WINDOW = 0xFEE0_0000
TOP = 1 << 64


@pytest.fixture
def port(platform: Platform, fake_unit: FakeUnit) -> RequesterPort:
    return platform.requester("00:04.0")


@pytest.fixture
def direct(platform: Platform) -> RequesterPort:
    return platform.requester("00:05.0")


def test_there_is_one_port_for_each_source_id(platform: Platform) -> None:
    port = platform.requester("00:04.0")
    assert platform.requester(0x20) is port
    assert platform.requester("00:04.1") is not port
    assert platform.ports == (port, platform.requester("00:04.1"))


def test_without_a_unit_memory_is_as_it_is(direct: RequesterPort, platform: Platform) -> None:
    assert direct.write(0x1234, b"direct").ok
    assert platform.read(0x1234, 6) == b"direct"
    assert direct.read(0x1234, 6).data == b"direct"


def test_bytes_go_where_the_unit_says(port: RequesterPort, platform: Platform) -> None:
    result = port.write(IOVA + 0x20, b"remapped")
    assert (result.ok, result.transferred, result.faults) == (True, 8, ())
    assert platform.read(HOST + 0x20, 8) == b"remapped"
    assert port.read(IOVA + 0x20, 8).data == b"remapped"


def test_a_run_is_one_request_for_each_page(port: RequesterPort, fake_unit: FakeUnit) -> None:
    port.read(IOVA + 0xFF0, 0x1020)
    asked = [(request.address, request.size) for request in fake_unit.requests]
    assert asked == [(IOVA + 0xFF0, 0x10), (IOVA + 0x1000, 0x1000), (IOVA + 0x2000, 0x10)]
    assert all(request.source_id == 0x20 for request in fake_unit.requests)


def test_a_large_translation_serves_the_pages_that_follow(
    port: RequesterPort, fake_unit: FakeUnit, platform: Platform
) -> None:
    fake_unit.granule = 2 << 20
    fake_unit.tables.clear()
    fake_unit.tables.add(Mapping(IOVA, 0x20_0000, 8 << 20))
    data = bytes(range(256)) * (12 << 10)  # 3 MiB
    assert port.write(IOVA + (1 << 20), data).transferred == len(data)
    asked = [request.address for request in fake_unit.requests]
    assert asked == [IOVA + (1 << 20), IOVA + (2 << 20)]
    assert platform.read(0x30_0000, len(data)) == data


def test_blocked_pages_are_not_touched_and_the_others_are_moved(
    port: RequesterPort, fake_unit: FakeUnit, platform: Platform
) -> None:
    fake_unit.block(IOVA + 0x1000, Answer.CA)
    fake_unit.block(IOVA + 0x2000, Answer.UR)
    platform.write(HOST, b"\x55" * 0x4000)
    result = port.write(IOVA + 0x800, b"\xaa" * 0x3000)
    assert not result.ok
    assert result.answer is Answer.CA
    assert [fault.address for fault in result.faults] == [IOVA + 0x1000, IOVA + 0x2000]
    assert result.fault is result.faults[0]
    assert result.transferred == 0x1000
    expected = b"\x55" * 0x800 + b"\xaa" * 0x800 + b"\x55" * 0x2000 + b"\xaa" * 0x800
    assert platform.read(HOST, 0x3800) == expected
    assert platform.read(HOST + 0x3800, 0x800) == b"\x55" * 0x800


def test_blocked_pages_read_as_ones(
    port: RequesterPort, fake_unit: FakeUnit, platform: Platform
) -> None:
    fake_unit.block(IOVA + 0x1000)
    platform.write(HOST, b"\x11" * 0x3000)
    result = port.read(IOVA + 0xFFE, 0x1004)
    assert result.data == b"\x11\x11" + b"\xff" * 0x1000 + b"\x11\x11"
    assert result.transferred == 4


def test_a_blocked_request_is_asked_once(port: RequesterPort, fake_unit: FakeUnit) -> None:
    fake_unit.block(IOVA)
    result = port.read(IOVA + 8, 4)
    assert (result.data, result.answer) == (b"\xff" * 4, Answer.UR)
    assert len(fake_unit.requests) == 1
    fault = result.fault
    assert isinstance(fault, Fault)
    assert (fault.name, fault.source_id, fault.address) == ("FAKE.1", 0x20, IOVA + 8)


@pytest.mark.parametrize("write", [False, True])
def test_a_translation_to_nothing_is_unsupported_without_a_fault(
    port: RequesterPort, fake_unit: FakeUnit, write: bool
) -> None:
    fake_unit.tables.add(Mapping(0x5000, 0x9000_0000, 0x1000))
    result = port.write(0x5000, b"lost") if write else port.read(0x5000, 4)
    assert (result.answer, result.faults, result.transferred) == (Answer.UR, (), 0)
    assert result.data == (b"" if write else b"\xff" * 4)


def test_of_a_run_over_the_end_of_ram_the_pages_inside_are_moved(
    direct: RequesterPort, platform: Platform
) -> None:
    end = platform.memory.regions[0].size
    result = direct.write(end - 0x1800, b"\x77" * 0x3000)
    assert (result.answer, result.transferred) == (Answer.UR, 0x1800)
    assert platform.read(end - 0x1800, 0x1800) == b"\x77" * 0x1800


def test_a_page_that_is_ram_only_in_part_takes_nothing_of_a_request_that_leaves_it() -> None:
    platform = Platform(0x1800, load_entry_points=False)
    port = platform.requester("00:04.0")
    assert port.write(0x17F0, b"\x01" * 0x20).transferred == 0
    assert platform.read(0x17F0, 0x10) == bytes(0x10)
    assert port.write(0x17F0, b"\x01" * 0x10).ok


def test_beyond_the_top_of_the_address_space_nothing_answers(
    direct: RequesterPort, platform: Platform
) -> None:
    platform.add_ram(TOP - 0x1000, bytearray(0x1000))
    result = direct.write(TOP - 4, b"12345678")
    assert (result.answer, result.transferred) == (Answer.UR, 4)
    assert platform.read(TOP - 4, 4) == b"1234"
    assert platform.read(0, 4) == bytes(4)
    assert direct.read(TOP - 4, 8).data == b"1234" + b"\xff" * 4


@pytest.mark.parametrize(("iova", "size"), [(-1, 1), (TOP, 1), (0, -1), (0, TOP + 1)])
def test_addresses_and_sizes_beyond_64_bits_are_the_callers_mistake(
    direct: RequesterPort, iova: int, size: int
) -> None:
    with pytest.raises(ValueError, match="is not within"):
        direct.read(iova, size)
    with pytest.raises(ValueError, match="is not within"):
        direct.begin(iova, size)


def test_a_zero_length_read_asks_and_moves_nothing(
    port: RequesterPort, fake_unit: FakeUnit
) -> None:
    result = port.read(IOVA + 4, 0)
    assert (result.ok, result.data, result.transferred) == (True, b"", 0)
    assert [(request.address, request.size) for request in fake_unit.requests] == [(IOVA + 4, 0)]
    assert port.read(0x9000, 0).fault is not None


def test_options_reach_the_unit(port: RequesterPort, fake_unit: FakeUnit) -> None:
    port.read(
        IOVA,
        4,
        pasid=0xFFFFF,
        privileged=True,
        execute=True,
        address_type=AddressType.TRANSLATED,
        no_snoop=True,
    )
    seen = fake_unit.requests[-1].attributes
    assert (seen.pasid, seen.privileged, seen.execute) == (0xFFFFF, True, True)
    assert (seen.address_type, seen.no_snoop, seen.kind) == (2, True, RequestKind.READ)


@pytest.mark.parametrize("pasid", [-1, 1 << 20])
def test_a_pasid_has_20_bits(port: RequesterPort, pasid: int) -> None:
    with pytest.raises(ValueError, match=f"PASID {pasid:#x}"):
        port.write(IOVA, b"x", pasid=pasid)
    with pytest.raises(ValueError, match=f"PASID {pasid:#x}"):
        port.request_translation(IOVA, pasid=pasid)


def test_a_translation_request_asks_for_the_page_and_moves_nothing(
    port: RequesterPort, fake_unit: FakeUnit
) -> None:
    found = port.request_translation(IOVA + 0x1FFF, pasid=3, no_write=True)
    assert not isinstance(found, Fault)
    seen = fake_unit.requests[-1]
    assert seen.address == IOVA + 0x1000
    assert (seen.attributes.address_type, seen.attributes.pasid) == (AddressType.TRANSLATION, 3)
    assert seen.attributes.no_write


def test_a_read_cannot_be_a_translation_request(port: RequesterPort) -> None:
    with pytest.raises(ValueError, match="use request_translation"):
        port.read(IOVA, 4, address_type=AddressType.TRANSLATION)


@pytest.mark.parametrize("address_type", [AddressType.TRANSLATED, AddressType.RESERVED])
def test_without_a_unit_nobody_takes_translated_requests(
    direct: RequesterPort, address_type: AddressType
) -> None:
    result = direct.read(0x1000, 4, address_type=address_type)
    assert result.answer is Answer.UR
    assert result.fault is not None
    assert not result.fault.recorded


def test_without_a_unit_a_pasid_is_ignored(direct: RequesterPort) -> None:
    assert direct.write(0x1000, b"pasid", pasid=5).ok


def test_peers_are_reached_only_if_registered_for_dma(
    direct: RequesterPort, platform: Platform
) -> None:
    private, peer = FakeRegisters(), FakeRegisters()
    platform.add_mmio(0xB000_0000, 4096, private)
    platform.add_mmio(0xB000_1000, 4096, peer, dma=True)
    assert direct.write(0xB000_1004, b"\x01\x02\x03\x04").ok
    assert direct.read(0xB000_1004, 4).data == b"\x01\x02\x03\x04"
    assert direct.write(0xB000_0004, b"\x01\x02\x03\x04").answer is Answer.UR
    assert direct.write(0xB000_1FFC, bytes(8)).transferred == 4
    assert private.accesses == []
    assert peer.accesses[0] == ("write", 4, 4)


def test_a_dword_to_the_window_is_an_interrupt(
    direct: RequesterPort, interrupts: RecordingSink
) -> None:
    result = direct.write(WINDOW + 0x1008, b"\x41\x00\x00\x00")
    assert (result.ok, result.transferred) == (True, 4)
    assert interrupts.messages == [InterruptMessage(WINDOW + 0x1008, 0x41, 0x28)]


@pytest.mark.parametrize(
    ("address", "data"),
    [
        (WINDOW, b"\x41\x00"),
        (WINDOW, bytes(8)),
        (WINDOW + 2, bytes(4)),
        (WINDOW, bytes(PAGE_SIZE)),
    ],
)
def test_other_writes_to_the_window_are_blocked(
    direct: RequesterPort, interrupts: RecordingSink, address: int, data: bytes
) -> None:
    result = direct.write(address, data)
    assert result.answer is Answer.UR
    assert result.fault is not None
    assert interrupts.messages == []


def test_the_window_reads_as_nothing_but_a_zero_length_read_completes(
    direct: RequesterPort,
) -> None:
    assert direct.read(WINDOW, 4).answer is Answer.UR
    assert direct.read(WINDOW, 0).ok


def test_memory_under_the_window_is_never_reached() -> None:
    platform = Platform(0, load_entry_points=False)
    platform.add_ram(WINDOW - 0x1000, bytearray(0x10_2000))
    result = platform.requester("00:04.0").write(WINDOW - 0x1000, b"\x99" * 0x10_2000)
    assert result.answer is Answer.UR
    assert len(result.faults) == 256
    assert platform.read(WINDOW - 0x1000, 0x1000) == b"\x99" * 0x1000
    assert platform.read(WINDOW, 0x10_0000) == bytes(0x10_0000)
    assert platform.read(WINDOW + 0x10_0000, 0x1000) == b"\x99" * 0x1000


def test_interrupts_pass_the_unit(
    port: RequesterPort, fake_unit: FakeUnit, interrupts: RecordingSink
) -> None:
    assert port.write(WINDOW, b"\x31\x00\x00\x00").ok
    fake_unit.block(WINDOW, Answer.CA)
    blocked = port.write(WINDOW, b"\x32\x00\x00\x00")
    assert blocked.answer is Answer.CA
    assert blocked.fault is not None
    assert blocked.fault.name == "FAKE.4"
    assert fake_unit.interrupts == [(0x20, WINDOW, 0x31), (0x20, WINDOW, 0x32)]
    assert [message.vector for message in interrupts.messages] == [0x31]


def test_a_unit_may_keep_an_interrupt(platform: Platform, interrupts: RecordingSink) -> None:
    class Keeping(FakeUnit):
        def interrupt(self, source_id: int, address: int, data: int) -> None:
            self.interrupts.append((source_id, address, data))

    unit = platform.add_unit(Keeping())
    assert platform.requester("00:04.0").write(WINDOW, b"\x31\x00\x00\x00").ok
    assert unit.interrupts == [(0x20, WINDOW, 0x31)]
    assert interrupts.messages == []


@pytest.mark.parametrize(
    ("operation", "operand", "compare", "after"),
    [
        ("fetch_add", 3, None, 8),
        ("fetch_add", 0xFFFF_FFFF, None, 4),
        ("swap", 9, None, 9),
        ("compare_swap", 9, 5, 9),
        ("compare_swap", 9, 6, 5),
    ],
)
def test_atomics_answer_the_old_value(
    port: RequesterPort,
    platform: Platform,
    operation: str,
    operand: int,
    compare: int | None,
    after: int,
) -> None:
    platform.write(HOST, b"\x05\x00\x00\x00\xee\xee\xee\xee")
    result = port.atomic(IOVA, operand, operation, compare=compare, size=4)
    assert (result.ok, result.data, result.transferred) == (True, b"\x05\x00\x00\x00", 4)
    assert platform.read(HOST, 8) == after.to_bytes(4, "little") + b"\xee" * 4


def test_an_atomic_needs_both_rights(port: RequesterPort, fake_unit: FakeUnit) -> None:
    fake_unit.tables.add(Mapping(0x5000, 0x5000, 0x1000, readable=False))
    assert port.atomic(0x5000, 1).fault is not None
    assert fake_unit.requests[-1].attributes.kind is RequestKind.ATOMIC


def test_registers_take_no_atomics(direct: RequesterPort, platform: Platform) -> None:
    peer = FakeRegisters()
    platform.add_mmio(0xB000_0000, 4096, peer, dma=True)
    assert direct.atomic(0xB000_0000, 1).answer is Answer.UR
    assert peer.accesses == []


@pytest.mark.parametrize(
    ("iova", "operand", "operation", "compare", "size"),
    [
        (IOVA + 4, 1, "fetch_add", None, 8),
        (IOVA, 1, "fetch_add", None, 16),
        (IOVA, 1 << 32, "swap", None, 4),
        (IOVA, -1, "swap", None, 4),
        (IOVA, 1, "swap", 0, 4),
        (IOVA, 1, "compare_swap", None, 4),
        (IOVA, 1, "compare_swap", 1 << 32, 4),
        (IOVA, 1, "fetch_sub", None, 4),
        (TOP, 1, "swap", None, 4),
    ],
)
def test_atomics_that_could_not_be_sent_are_the_callers_mistake(
    port: RequesterPort, iova: int, operand: int, operation: str, compare: int | None, size: int
) -> None:
    with pytest.raises(ValueError, match=r"atomic|compare|AtomicOperation|64 bits"):
        port.atomic(iova, operand, operation, compare=compare, size=size)


def test_a_port_says_who_it_is_and_what_it_sees(port: RequesterPort) -> None:
    assert repr(port) == "RequesterPort(00:04.0, fake)"
