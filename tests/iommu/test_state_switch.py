"""The state switch: what each event drops, and what every requester sees afterwards.

Reset, translation on and off, a new root pointer, and context- and PASID-cache invalidation all
choose every requester's address space afresh. A disk that is handed to a guest must find memory as
it is after the machine's reset, whatever the guest's unit did before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.iommu.bench import (
    DOMAIN,
    ELSEWHERE,
    HOST,
    IOVA,
    OTHER,
    OTHER_HOST,
    PAGE,
    PAGES,
    SOURCE,
    Bench,
    Mapped,
)
from tests.iommu.scalable_bench import SECOND, Scalable, scalable_config
from vtd_plugin import VtdConfig
from vtd_plugin.bus import AddressSpaceSwitched, Mapping
from vtd_plugin.bus.testing import RecordingListener, assert_shadow_equals
from vtd_plugin.encodings.codes import ContextGranularity
from vtd_plugin.encodings.registers import CCMD
from vtd_plugin.iommu.events import CachesDropped, ShadowTruncated
from vtd_plugin.software.commands import Command
from vtd_plugin.software.descriptors import context_cache, iotlb, iotlb_pages, pasid_cache

if TYPE_CHECKING:
    from collections.abc import Callable

RAM: Final = 64 << 20
AS_IT_IS: Final = Mapping(0, 0, RAM)
MINE: Final = Mapping(IOVA, HOST, PAGES * PAGE)


def _context_by_register(bench: Mapped) -> None:
    bench.registers.write(CCMD, CCMD.pack(ICC=1, CIRG=ContextGranularity.GLOBAL))


def _context_by_queue(bench: Mapped) -> None:
    bench.start_queue().run(context_cache())


# --- the case this began with


@pytest.mark.parametrize("kind", ["warm", "cold"])
@pytest.mark.parametrize("order", ["masters-first", "units-first"])
def test_a_disk_with_nothing_mapped_reaches_memory_as_it_is_after_a_reset(
    kind: str, order: str
) -> None:
    bench = Bench()
    disk = bench.platform.assign(SOURCE)
    bench.attach(SOURCE, bench.tables())
    bench.turn_on()
    assert disk.shadow.mappings == ()
    assert not disk.read(HOST, 8).ok
    bench.platform.reset(kind, order=order)
    assert disk.read(HOST, 8).ok
    assert disk.write(0x7C00, b"boot").ok
    assert bench.platform.read(0x7C00, 4) == b"boot"
    assert_shadow_equals(disk.shadow, [AS_IT_IS])


# --- what a requester sees


def _turn_off(bench: Mapped) -> None:
    bench.commands.run(Command.TRANSLATION, on=False)


OPENING: Final[dict[str, Callable[[Mapped], object]]] = {
    "translation off": _turn_off,
    "warm reset": lambda bench: bench.platform.reset("warm"),
    "cold reset": lambda bench: bench.platform.reset("cold"),
    "reset of units": lambda bench: bench.platform.reset_units("warm"),
}

RENEWING: Final[dict[str, Callable[[Mapped], object]]] = {
    "root pointer": lambda bench: bench.set_root(),
    "context by register": _context_by_register,
    "context by queue": _context_by_queue,
}


@pytest.mark.parametrize("event", OPENING.values(), ids=OPENING)
def test_what_ends_translation_opens_memory_at_once(event: Callable[[Mapped], object]) -> None:
    bench = Mapped()
    disk = bench.platform.assign(SOURCE)
    assert bench.lands_at() == HOST
    event(bench)
    assert bench.lands_at(HOST) == HOST
    assert disk.read(HOST, 8).data == HOST.to_bytes(8, "little")
    assert_shadow_equals(disk.shadow, [AS_IT_IS])


@pytest.mark.parametrize("event", RENEWING.values(), ids=RENEWING)
def test_what_may_change_a_requesters_tables_lets_its_listeners_see_them_anew(
    event: Callable[[Mapped], object],
) -> None:
    bench = Mapped()
    disk = bench.platform.assign(SOURCE)
    assert_shadow_equals(disk.shadow, [MINE])
    bench.attach(SOURCE, bench.others, DOMAIN)
    assert_shadow_equals(disk.shadow, [MINE])
    event(bench)
    assert_shadow_equals(disk.shadow, [Mapping(IOVA, OTHER_HOST, PAGES * PAGE)])


@pytest.mark.parametrize("event", (OPENING | RENEWING).values(), ids=OPENING | RENEWING)
def test_everything_is_unmapped_before_the_switch_and_mapped_after_it(
    event: Callable[[Mapped], object],
) -> None:
    bench = Mapped()
    bench.pass_through(OTHER, 2)
    listener = RecordingListener()
    bench.port().add_listener(listener)
    held = len(listener.mappings)
    listener.calls.clear()
    event(bench)
    kinds = [call[0] for call in listener.calls]
    assert kinds[: held + 1] == ["unmap"] * held + ["switch"]
    assert set(kinds[held + 1 :]) <= {"map"}


@pytest.mark.parametrize("event", (OPENING | RENEWING).values(), ids=OPENING | RENEWING)
def test_every_requester_is_switched_once_and_told_why(event: Callable[[Mapped], object]) -> None:
    bench = Mapped()
    ports = {bench.port(source).source_id for source in (SOURCE, OTHER, 0x1234)}
    seen = bench.observe(AddressSpaceSwitched)
    event(bench)
    assert sorted(switched.source_id for switched in seen) == sorted(ports)
    assert len({switched.reason for switched in seen}) == 1


def test_translation_on_takes_memory_away_from_who_has_no_tables() -> None:
    bench = Mapped(on=False)
    disks = {source: bench.platform.assign(source) for source in (SOURCE, OTHER, 0x0300)}
    for disk in disks.values():
        assert_shadow_equals(disk.shadow, [AS_IT_IS])
    bench.commands.run(Command.TRANSLATION)
    assert_shadow_equals(disks[SOURCE].shadow, [MINE])
    assert_shadow_equals(disks[OTHER].shadow, [Mapping(IOVA, OTHER_HOST, PAGES * PAGE)])
    assert_shadow_equals(disks[0x0300].shadow, [])


def test_pass_through_is_memory_as_it_is_to_listeners() -> None:
    bench = Mapped()
    bench.pass_through(SOURCE)
    disk = bench.platform.assign(SOURCE)
    assert_shadow_equals(disk.shadow, [AS_IT_IS])
    assert not disk.shadow.remapped
    assert disk.read(HOST, 8).ok


def test_a_requester_that_comes_later_sees_what_the_others_see() -> None:
    bench = Mapped()
    assert_shadow_equals(bench.platform.assign(SOURCE).shadow, [MINE])
    assert bench.platform.requester(0x0500).space.remapped


def test_in_abort_mode_nothing_is_mapped_for_anybody() -> None:
    bench = Mapped(VtdConfig(ADMS=1))
    disk = bench.platform.assign(SOURCE)
    bench.set_root(TTM=3)
    assert_shadow_equals(disk.shadow, [])
    assert not disk.read(IOVA, 8).ok


# --- what is dropped


def _stale(**capabilities: Any) -> Mapped:
    """A page is cached, and its tables have changed since."""
    bench = Mapped(VtdConfig(**capabilities))
    assert bench.lands_at() == HOST
    bench.remap(IOVA, ELSEWHERE)
    return bench


def _off_and_on(bench: Mapped) -> None:
    bench.commands.run(Command.TRANSLATION, on=False)
    bench.commands.run(Command.TRANSLATION)


def _reset_and_on(bench: Mapped) -> None:
    bench.platform.reset("warm")
    bench.set_root()
    bench.commands.run(Command.TRANSLATION)


@pytest.mark.parametrize(
    ("event", "capabilities", "dropped"),
    [
        pytest.param(_reset_and_on, {"ESRTPS": 0}, True, id="reset"),
        pytest.param(lambda bench: bench.set_root(), {"ESRTPS": 1}, True, id="root"),
        pytest.param(lambda bench: bench.set_root(), {"ESRTPS": 0}, False, id="root-by-software"),
        pytest.param(_off_and_on, {"SMTS": 1}, True, id="off-and-on"),
        pytest.param(_off_and_on, {}, False, id="off-and-on-without-scalable-mode"),
        pytest.param(_context_by_register, {}, False, id="context-by-register"),
        pytest.param(_context_by_queue, {}, False, id="context-by-queue"),
    ],
)
def test_each_event_drops_what_the_architecture_says(
    event: Callable[[Mapped], object], capabilities: dict[str, int], dropped: bool
) -> None:
    bench = _stale(**capabilities)
    event(bench)
    assert bench.lands_at() == (ELSEWHERE if dropped else HOST)


def test_observers_hear_how_much_was_dropped_and_why() -> None:
    bench = _stale()
    seen = bench.observe(CachesDropped)
    bench.set_root()
    # The page, its context entry, and the three tables on the way.
    assert seen == [CachesDropped("vtd", "root table pointer", 5)]


# --- between the events


def _page_invalidation(bench: Mapped) -> None:
    capabilities = bench.unit.config.capabilities
    bench.start_queue().run(iotlb_pages(capabilities, DOMAIN, IOVA, PAGE))


@pytest.mark.parametrize(
    "invalidate",
    [
        pytest.param(_page_invalidation, id="page"),
        pytest.param(lambda bench: bench.start_queue().run(iotlb(DOMAIN)), id="domain"),
        pytest.param(lambda bench: bench.start_queue().run(iotlb()), id="global"),
    ],
)
@pytest.mark.parametrize("caching_mode", [0, 1])
def test_a_shadow_follows_invalidations(
    invalidate: Callable[[Mapped], object], caching_mode: int
) -> None:
    bench = Mapped(VtdConfig(CM=caching_mode))
    disk = bench.platform.assign(SOURCE)
    bench.remap(IOVA, ELSEWHERE)
    assert_shadow_equals(disk.shadow, [MINE])
    invalidate(bench)
    rest = Mapping(IOVA + PAGE, HOST + PAGE, (PAGES - 1) * PAGE)
    assert_shadow_equals(disk.shadow, [Mapping(IOVA, ELSEWHERE, PAGE), rest])
    assert disk.read(IOVA, 8).data == ELSEWHERE.to_bytes(8, "little")


def test_a_shadow_is_left_alone_by_invalidations_of_other_domains() -> None:
    bench = Mapped()
    disk = bench.platform.assign(SOURCE)
    bench.remap(IOVA, ELSEWHERE)
    bench.start_queue().run(iotlb(DOMAIN + 1))
    assert_shadow_equals(disk.shadow, [MINE])


def test_a_pasid_cache_invalidation_lets_listeners_see_other_tables() -> None:
    bench = Scalable(scalable_config(), SECOND)
    disk = bench.platform.assign(SOURCE)
    assert_shadow_equals(disk.shadow, [MINE])
    other = bench.tables()
    other.map(IOVA, ELSEWHERE, PAGE)
    bench.change_entry(SSPTPTR_address=other.root)
    bench.start_queue(wide=True).run(pasid_cache(DOMAIN))
    assert_shadow_equals(disk.shadow, [Mapping(IOVA, ELSEWHERE, PAGE)])


# --- tables nobody should write


def test_tables_that_refer_to_themselves_do_not_map_without_end() -> None:
    bench = Mapped()
    # Every entry of the top table points back to it: 2**36 pages, all of them the table itself.
    pointer = bench.mine.root | 3
    bench.put(bench.mine.root, pointer.to_bytes(8, "little") * 512)
    seen = bench.observe(ShadowTruncated)
    listener = RecordingListener()
    bench.port().add_listener(listener)
    assert len(listener.mappings) <= 1 << 18
    assert [event.source_id for event in seen] == [SOURCE]


@pytest.mark.parametrize("where", [1 << 32, 0xFED9_0000], ids=["nowhere", "registers"])
def test_tables_that_are_no_memory_map_nothing(where: int) -> None:
    bench = Mapped()
    disk = bench.platform.assign(SOURCE)
    bench.latch_root(where)
    assert_shadow_equals(disk.shadow, [])
    assert not disk.read(IOVA, 8).ok
    assert bench.lands_at() is None
