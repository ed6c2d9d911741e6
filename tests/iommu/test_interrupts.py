"""Interrupt requests that pass: compatibility format, remapped, posted; and their cache (ch. 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.iommu.bench import PAGE, SOURCE, Bench
from tests.iommu.interrupt_bench import COMPATIBLE, INDEX, Interrupting, remappable
from vtd_plugin import VtdConfig
from vtd_plugin.bus import INTERRUPT, AddressType, Answer, RequestResolved
from vtd_plugin.encodings.codes import InterruptDeliveryMode, InterruptEntryGranularity
from vtd_plugin.encodings.registers import IRTA, PMEN
from vtd_plugin.encodings.structures import InterruptEntryInvalidate
from vtd_plugin.iommu import CacheSizes
from vtd_plugin.software.commands import Command

if TYPE_CHECKING:
    from collections.abc import Callable

    from vtd_plugin.bus import RequesterPort, Result

# --- not remapped (§5.1.3)


@pytest.mark.parametrize("on", [False, True], ids=["off", "let-through"])
def test_a_message_in_compatibility_format_passes_unchanged(on: bool) -> None:
    bench = Interrupting(on=on, compatible=on)
    assert bench.send_to(COMPATIBLE, 0x4141) is None
    (message,) = bench.taken()
    assert (message.address, message.data, message.source_id) == (COMPATIBLE, 0x4141, SOURCE)


def test_while_remapping_is_off_the_format_bit_means_nothing() -> None:
    bench = Interrupting(on=False)
    assert bench.send(INDEX, data=0x55) is None
    assert [message.data for message in bench.taken()] == [0x55]


def test_a_unit_without_interrupt_remapping_passes_everything() -> None:
    bench = Bench(VtdConfig(IR=0))
    bench.commands.start(Command.INTERRUPT_REMAPPING)
    assert not bench.status.IRES
    assert bench.port().write(remappable(INDEX), bytes(4)).ok
    assert len(bench.interrupts.messages) == 1


# --- what is no interrupt, while translation is off (§3.15, §5.1.4.1)


@pytest.mark.parametrize("protected", [False, True])
@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(lambda port: port.read(COMPATIBLE, 4), id="read"),
        pytest.param(lambda port: port.read(COMPATIBLE, 4, pasid=5), id="read-with-pasid"),
        pytest.param(lambda port: port.write(COMPATIBLE, bytes(8)), id="qword"),
        pytest.param(lambda port: port.write(COMPATIBLE + 2, bytes(4)), id="misaligned"),
        pytest.param(lambda port: port.atomic(COMPATIBLE, 1, size=4), id="atomic"),
    ],
)
def test_what_is_no_interrupt_is_a_fault_where_interrupts_are_remapped(
    ask: Callable[[RequesterPort], Result], protected: bool
) -> None:
    bench = Interrupting(PLMR=1)
    if protected:
        bench.registers.write(PMEN, PMEN.pack(EPM=1))  # the first page
    result = ask(bench.port())
    assert result.fault is not None
    assert (result.fault.name, result.answer) == ("IR.29", Answer.UR)
    assert (bench.record().FR, bench.record().PP) == (0x29, 0)
    assert bench.taken() == []


def test_the_zero_length_read_and_requests_that_claim_to_be_translated_are_as_ever() -> None:
    bench = Interrupting()
    translated = bench.port().read(COMPATIBLE, 4, address_type=AddressType.TRANSLATED)
    assert translated.fault is not None
    assert translated.fault.name == "BUS.1"
    assert bench.port().read(COMPATIBLE, 0).ok
    assert not bench.fault_status.PPF


@pytest.mark.parametrize(
    "written", [(0, b"\x41"), (1, b"\x41\x42\x43")], ids=["one-byte", "three-bytes"]
)
def test_a_part_of_a_dword_is_no_interrupt(written: tuple[int, bytes]) -> None:
    bench = Interrupting()
    resolved = bench.observe(RequestResolved)
    transfer = bench.port().begin(COMPATIBLE, 4, write=True)
    transfer.write(*written)
    result = transfer.end()
    assert result.fault is not None
    assert [each.resolution for each in resolved] == [INTERRUPT, result.fault]
    assert (result.fault.name, result.answer) == ("IR.29", Answer.UR)
    assert bench.record().FR == 0x29
    assert bench.taken() == []


def test_while_nothing_is_remapped_it_is_refused_without_a_record() -> None:
    bench = Interrupting(on=False)
    result = bench.port().read(COMPATIBLE, 4)
    assert result.fault is not None
    assert (result.fault.name, result.fault.recorded) == ("BUS.2", False)
    assert not bench.fault_status.PPF


# --- remapped (§5.1.4, §9.9)


@pytest.mark.parametrize(
    ("eime", "fields", "destination"),
    [(False, {"DST_XAPIC": 0xA7}, 0xA7), (True, {"DST": 0x1234_56A7}, 0x1234_56A7)],
    ids=["xapic", "x2apic"],
)
@pytest.mark.parametrize(("hint", "mode"), [(0, 0), (1, 0), (0, 1), (1, 1)])
def test_the_entry_decides_where_the_interrupt_goes(
    eime: bool, fields: dict[str, int], destination: int, hint: int, mode: int
) -> None:
    bench = Interrupting(eime=eime)
    bench.write(V=0x93, RH=hint, DM=mode, AVAIL=0xF, **fields)
    assert bench.send(data=0xFFFF_FFFF) is None
    (message,) = bench.taken()
    assert (message.vector, message.destination) == (0x93, destination)
    assert (message.redirection_hint, message.destination_mode) == (hint, mode)
    assert (message.level, message.source_id) == (1, SOURCE)


@pytest.mark.parametrize("delivery_mode", list(InterruptDeliveryMode))
@pytest.mark.parametrize("trigger_mode", [0, 1])
def test_only_fixed_and_lowest_priority_can_be_level_triggered(
    delivery_mode: InterruptDeliveryMode, trigger_mode: int
) -> None:
    bench = Interrupting()
    bench.write(DLM=delivery_mode, TM=trigger_mode)
    assert bench.send() is None
    (message,) = bench.taken()
    assert message.delivery_mode == delivery_mode
    assert message.trigger_mode == (trigger_mode if delivery_mode <= 1 else 0)


@pytest.mark.parametrize(("handle", "sub", "index"), [(9, None, 9), (9, 0, 9), (9, 4, 13)])
def test_a_subhandle_counts_from_the_handle(handle: int, sub: int | None, index: int) -> None:
    bench = Interrupting()
    bench.write(index, V=0x77)
    assert bench.send(handle, sub=sub) is None
    assert [message.vector for message in bench.taken()] == [0x77]


def test_the_sixteenth_bit_of_a_handle_counts() -> None:
    bench = Interrupting()
    table = bench.frames.allocate(256)
    bench.table = table
    bench.set_table(S=15)
    bench.write(0x8001, V=0x31)
    assert bench.send(0x8001) is None
    assert [message.vector for message in bench.taken()] == [0x31]


@pytest.mark.parametrize(
    ("check", "source", "passes"),
    [
        pytest.param({"SVT": 0, "SID": 0xFFFF}, 0x0020, True, id="none"),
        pytest.param({"SVT": 1, "SID": 0x0020}, 0x0020, True, id="same"),
        pytest.param({"SVT": 1, "SID": 0x0020}, 0x0021, False, id="other-function"),
        pytest.param({"SVT": 1, "SQ": 1, "SID": 0x0020}, 0x0024, True, id="bit-2-ignored"),
        pytest.param({"SVT": 1, "SQ": 1, "SID": 0x0020}, 0x0022, False, id="bit-1-counts"),
        pytest.param({"SVT": 1, "SQ": 2, "SID": 0x0020}, 0x0026, True, id="bits-2-1-ignored"),
        pytest.param({"SVT": 1, "SQ": 2, "SID": 0x0020}, 0x0021, False, id="bit-0-counts"),
        pytest.param({"SVT": 1, "SQ": 3, "SID": 0x0020}, 0x0027, True, id="function-ignored"),
        pytest.param({"SVT": 1, "SQ": 3, "SID": 0x0020}, 0x0028, False, id="device-counts"),
        pytest.param({"SVT": 2, "SID": 0x0204}, 0x0200, True, id="first-bus"),
        pytest.param({"SVT": 2, "SID": 0x0204}, 0x04FF, True, id="last-bus"),
        pytest.param({"SVT": 2, "SID": 0x0204}, 0x01FF, False, id="bus-before"),
        pytest.param({"SVT": 2, "SID": 0x0204}, 0x0500, False, id="bus-after"),
    ],
)
@pytest.mark.parametrize("posted", [False, True], ids=["remapped", "posted"])
def test_an_entry_may_be_for_some_sources_only(
    check: dict[str, int], source: int, passes: bool, posted: bool
) -> None:
    bench = Interrupting()
    (bench.write_posted if posted else bench.write)(**check)
    fault = bench.send(source=source)
    assert (None if fault is None else fault.name) == (None if passes else "IR.26")


# --- posted (§5.2.3, §9.11)


@pytest.mark.parametrize(
    ("eime", "fields", "destination"),
    [(False, {"NDST_XAPIC": 0x9C}, 0x9C), (True, {"NDST": 0xABCD_EF9C}, 0xABCD_EF9C)],
    ids=["xapic", "x2apic"],
)
def test_a_posted_interrupt_is_noted_and_announced(
    eime: bool, fields: dict[str, int], destination: int
) -> None:
    bench = Interrupting(eime=eime)
    bench.write_posted(VV=0xE3)
    bench.write_descriptor(NV=0xF2, **fields)
    assert bench.send() is None
    (message,) = bench.taken()
    assert (message.vector, message.destination) == (0xF2, destination)
    assert (message.delivery_mode, message.trigger_mode) == (0, 0)
    assert (message.redirection_hint, message.destination_mode) == (0, 0)
    descriptor = bench.read_descriptor()
    assert (descriptor.PIR, descriptor.ON) == (1 << 0xE3, 1)


@pytest.mark.parametrize(
    ("outstanding", "suppress", "urgent", "announced"),
    [
        (0, 0, 0, True),
        (0, 0, 1, True),
        (0, 1, 0, False),
        (0, 1, 1, True),
        (1, 0, 0, False),
        (1, 0, 1, False),
        (1, 1, 1, False),
    ],
)
def test_a_notification_leaves_unless_outstanding_or_suppressed(
    outstanding: int, suppress: int, urgent: int, announced: bool
) -> None:
    bench = Interrupting()
    bench.write_posted(VV=3, URG=urgent)
    bench.write_descriptor(ON=outstanding, SN=suppress, PIR=1 << 200)
    assert bench.send() is None
    assert len(bench.taken()) == announced
    descriptor = bench.read_descriptor()
    assert descriptor.PIR == (1 << 200 | 1 << 3)
    assert (outstanding or announced, suppress) == (descriptor.ON, descriptor.SN)


def test_many_posted_interrupts_make_one_notification() -> None:
    bench = Interrupting()
    for vector in (0, 63, 64, 255):
        bench.write_posted(index=vector, VV=vector)
        assert bench.send(vector) is None
    assert len(bench.taken()) == 1
    assert bench.read_descriptor().PIR == 1 | 1 << 63 | 1 << 64 | 1 << 255


# --- the interrupt entry cache (§6.2.1, §6.5.2.8)


def _invalidate(bench: Interrupting, index: int | None, mask: int = 0) -> None:
    fields: dict[str, int] = {"G": InterruptEntryGranularity.GLOBAL}
    if index is not None:
        fields = {"G": InterruptEntryGranularity.INDEX, "IIDX": index, "IM": mask}
    bench.start_queue().run(InterruptEntryInvalidate(InterruptEntryInvalidate.pack(**fields)))


def _vector(bench: Interrupting, index: int = INDEX) -> int | str:
    fault = bench.send(index)
    return fault.name if fault is not None else bench.taken()[0].vector


def _off_and_on(bench: Interrupting) -> None:
    bench.commands.run(Command.INTERRUPT_REMAPPING, on=False)
    bench.commands.run(Command.INTERRUPT_REMAPPING)


DROPPING: Final[dict[str, Callable[[Interrupting], object]]] = {
    "all": lambda bench: _invalidate(bench, None),
    "index": lambda bench: _invalidate(bench, INDEX),
    "aligned-block": lambda bench: _invalidate(bench, 4, mask=1),
    "any-index-of-the-block": lambda bench: _invalidate(bench, 7, mask=2),
    "new-table": lambda bench: bench.set_table(),
    "remapping-off": _off_and_on,
}

KEEPING: Final[dict[str, Callable[[Interrupting], object]]] = {
    "nothing": lambda bench: None,
    "other-index": lambda bench: _invalidate(bench, INDEX + 1),
    "block-before": lambda bench: _invalidate(bench, 2, mask=1),
    "table-not-latched": lambda bench: bench.registers.write(IRTA, 0),
    "translation-on": lambda bench: bench.turn_on(),
}


@pytest.mark.parametrize("event", DROPPING.values(), ids=DROPPING)
def test_a_changed_entry_is_used_after_an_invalidation_that_covers_it(
    event: Callable[[Interrupting], object],
) -> None:
    bench = Interrupting()
    bench.write(V=0x40)
    assert _vector(bench) == 0x40
    bench.write(V=0x50)
    event(bench)
    assert _vector(bench) == 0x50


@pytest.mark.parametrize("event", KEEPING.values(), ids=KEEPING)
def test_an_old_entry_survives_whatever_does_not_cover_it(
    event: Callable[[Interrupting], object],
) -> None:
    bench = Interrupting()
    bench.write(V=0x40)
    assert _vector(bench) == 0x40
    bench.write(V=0x50)
    event(bench)
    assert _vector(bench) == 0x40


@pytest.mark.parametrize("event", ["new-table", "remapping-off"])
def test_a_unit_may_leave_the_invalidation_to_software(event: str) -> None:
    bench = Interrupting(ESIRTPS=0)
    bench.write(V=0x40)
    assert _vector(bench) == 0x40
    bench.write(V=0x50)
    DROPPING[event](bench)
    assert _vector(bench) == 0x40


@pytest.mark.parametrize(
    ("fields", "fault"), [({"P": 0}, "IR.22"), ({"RSVD_14_12": 1}, "IR.24"), ({"DLM": 3}, "IR.24")]
)
@pytest.mark.parametrize("caching_mode", [0, 1])
def test_what_is_wrong_is_cached_in_caching_mode_only(
    fields: dict[str, int], fault: str, caching_mode: int
) -> None:
    bench = Interrupting(CM=caching_mode)
    bench.write(**fields)
    assert _vector(bench) == fault
    bench.write(V=0x50)
    assert _vector(bench) == (fault if caching_mode else 0x50)


@pytest.mark.parametrize("size", [0, 1, 2])
def test_a_small_cache_forgets_the_oldest_entries(size: int) -> None:
    bench = Interrupting(cache_sizes=CacheSizes(interrupt_entry=size))
    for index in range(3):
        bench.write(index, V=0x40)
        assert _vector(bench, index) == 0x40
        bench.write(index, V=0x50)
    kept = [index for index in (2, 1, 0) if _vector(bench, index) == 0x40]
    assert kept == [2, 1][:size]


def test_a_new_table_takes_effect_when_it_is_latched() -> None:
    bench = Interrupting()
    bench.write(V=0x40)
    assert _vector(bench) == 0x40
    bench.table = bench.frames.allocate()
    bench.put(bench.table, bytes(PAGE))
    bench.write(V=0x60)
    assert _vector(bench) == 0x40
    bench.set_table()
    assert _vector(bench) == 0x60


def test_a_reset_turns_remapping_off_and_forgets_the_table() -> None:
    bench = Interrupting()
    bench.write(V=0x40)
    assert _vector(bench) == 0x40
    bench.platform.reset("warm")
    assert not bench.status.IRES
    assert bench.send(INDEX, data=0x99) is None
    assert [message.data for message in bench.taken()] == [0x99]
    bench.commands.run(Command.INTERRUPT_REMAPPING)
    assert _vector(bench) == "IR.21"


def test_a_message_sent_as_part_of_a_longer_transfer_is_refused() -> None:
    bench = Interrupting(on=False)
    assert not bench.port().write(COMPATIBLE, bytes(8)).ok
    assert bench.taken() == []


def test_a_unit_says_how_many_table_entries_it_holds() -> None:
    bench = Interrupting()
    bench.write()
    bench.send()
    assert bench.unit.cached.interrupt_entry == 1
