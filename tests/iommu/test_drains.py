"""Draining: what waits for transfers in flight, for which of them, and what shows it (§6.5.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.iommu.bench import (
    DOMAIN,
    ELSEWHERE,
    HOST,
    IOVA,
    OTHER,
    OTHER_DOMAIN,
    OTHER_HOST,
    PAGE,
    SOURCE,
    Mapped,
    values,
)
from tests.iommu.legacy_cases import change_context
from tests.iommu.queue_bench import status, wait
from tests.iommu.scalable_bench import FIRST, PASID, Scalable
from vtd_plugin import VtdConfig
from vtd_plugin.encodings.codes import ContextGranularity, IotlbGranularity
from vtd_plugin.encodings.registers import CCMD, IOTLB, IVA, PMEN
from vtd_plugin.iommu.events import CommandCompleted, CommandSuperseded, DrainBegan
from vtd_plugin.software.commands import Command
from vtd_plugin.software.descriptors import (
    context_cache,
    iotlb,
    iotlb_pages,
    pasid_iotlb,
    pasid_iotlb_pages,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from vtd_plugin.bus import Transfer
    from vtd_plugin.encodings._layout import Layout

OLD: Final = HOST.to_bytes(8, "little")
UNMAPPED: Final = IOVA + 0x100 * PAGE


def begin(bench: Mapped, source: int = SOURCE, iova: int = IOVA) -> Transfer:
    transfer = bench.port(source).begin(iova, 16)
    assert transfer.ok
    return transfer


# --- global commands


@pytest.mark.parametrize("command", [Command.SET_ROOT_TABLE, Command.TRANSLATION])
def test_a_command_shows_as_done_when_the_last_older_transfer_has_ended(command: Command) -> None:
    bench = Mapped()
    older = [begin(bench), begin(bench, OTHER), begin(bench)]
    pending = bench.commands.start(command, on=command is not Command.TRANSLATION)
    younger = bench.port().begin(HOST, 8)
    for transfer in older:
        assert not pending.done
        transfer.end()
    assert pending.done
    younger.end()


def test_translation_on_waits_for_transfers_that_were_not_translated() -> None:
    bench = Mapped(on=False)
    transfer = bench.port().begin(HOST, 8)
    bench.commands.start(Command.TRANSLATION)
    assert not bench.status.TES
    assert bench.lands_at() == HOST  # new requests are translated at once
    transfer.end()
    assert bench.status.TES


def test_a_transfer_keeps_the_translation_it_began_with() -> None:
    bench = Mapped()
    read, write = begin(bench), bench.port().begin(IOVA + PAGE, 8, write=True)
    bench.remap(IOVA, ELSEWHERE)
    bench.mine.unmap(IOVA + PAGE, PAGE)
    bench.commands.start(Command.SET_ROOT_TABLE)
    bench.commands.start(Command.TRANSLATION, on=False)
    assert read.read(0, 8) == OLD
    write.write(0, b"finished")
    assert bench.platform.read(HOST + PAGE, 8) == b"finished"


@pytest.mark.parametrize("how", ["end", "abort", "function reset"])
def test_a_transfer_is_waited_for_however_it_is_over(how: str) -> None:
    bench = Mapped()
    transfer = begin(bench)
    bench.commands.start(Command.TRANSLATION, on=False)
    assert bench.status.TES
    finish = {"end": transfer.end, "abort": transfer.abort, "function reset": bench.port().reset}
    finish[how]()
    assert not bench.status.TES


def test_an_assigned_device_is_waited_for_as_well() -> None:
    bench = Mapped()
    transfer = bench.platform.assign(SOURCE).begin(IOVA, 8)
    bench.commands.start(Command.TRANSLATION, on=False)
    assert bench.status.TES
    transfer.end()
    assert not bench.status.TES


def test_a_command_taken_back_before_it_was_done_shows_only_the_last_wish() -> None:
    bench = Mapped()
    transfer = begin(bench)
    bench.commands.start(Command.TRANSLATION, on=False)
    bench.commands.start(Command.TRANSLATION, on=True)
    assert bench.status.TES
    transfer.end()
    assert bench.status.TES
    assert bench.lands_at() == HOST


def test_a_command_that_was_taken_back_is_never_seen_done() -> None:
    bench = Mapped()
    older = begin(bench)
    bench.commands.start(Command.TRANSLATION, on=False)
    younger = bench.port().begin(HOST, 8)
    bench.commands.start(Command.TRANSLATION, on=True)
    older.end()
    assert bench.status.TES
    younger.end()
    assert bench.status.TES


@pytest.mark.parametrize("kind", ["warm", "cold"])
def test_a_reset_in_the_middle_forgets_the_command(kind: str) -> None:
    bench = Mapped()
    transfer = begin(bench)
    bench.commands.start(Command.SET_ROOT_TABLE)
    bench.platform.reset_units(kind)
    transfer.end()
    assert values(bench.status, "TES", "RTPS") == (0, 0)


def test_protected_memory_shows_when_older_transfers_have_ended() -> None:
    bench = Mapped(VtdConfig(PLMR=1))
    transfer = begin(bench)
    bench.registers.write(PMEN, PMEN.pack(EPM=1))
    assert not bench.registers.read(PMEN).PRS
    transfer.end()
    assert bench.registers.read(PMEN).PRS


def test_observers_hear_that_a_command_waits_and_that_it_is_done() -> None:
    bench = Mapped()
    transfer = begin(bench)
    began, completed = bench.observe(DrainBegan), bench.observe(CommandCompleted)
    bench.commands.start(Command.TRANSLATION, on=False)
    assert began == [DrainBegan("vtd", "translation off", 1)]
    assert completed == []
    transfer.end()
    assert completed == [CommandCompleted("vtd", "translation off")]


def test_observers_hear_that_a_command_gave_way_to_its_opposite() -> None:
    bench = Mapped()
    transfer = begin(bench)
    superseded, completed = bench.observe(CommandSuperseded), bench.observe(CommandCompleted)
    bench.commands.start(Command.TRANSLATION, on=False)
    assert superseded == []
    bench.commands.start(Command.TRANSLATION)
    assert superseded == [CommandSuperseded("vtd", "translation off")]
    transfer.end()
    assert completed == [CommandCompleted("vtd", "translation on")]


def test_protected_memory_turned_off_again_never_shows_on() -> None:
    bench = Mapped(VtdConfig(PLMR=1))
    transfer = begin(bench)
    completed = bench.observe(CommandCompleted)
    bench.registers.write(PMEN, PMEN.pack(EPM=1))
    bench.registers.write(PMEN, PMEN.pack(EPM=0))
    transfer.end()
    assert not bench.registers.read(PMEN).PRS
    assert completed == [CommandCompleted("vtd", "protected memory off")]


# --- invalidation by register


def test_an_iotlb_command_is_owned_by_the_unit_until_it_has_drained() -> None:
    bench = Mapped()
    transfer = begin(bench)
    bench.registers.write(IOTLB, IOTLB.pack(IVT=1, IIRG=IotlbGranularity.GLOBAL))
    assert bench.registers.read(IOTLB).IVT
    transfer.end()
    assert values(bench.registers.read(IOTLB), "IVT", "IAIG") == (0, IotlbGranularity.GLOBAL)


@pytest.mark.parametrize(
    ("granularity", "domain", "page", "waits"),
    [
        (IotlbGranularity.DOMAIN, DOMAIN, 0, True),
        (IotlbGranularity.DOMAIN, OTHER_DOMAIN, 0, False),
        (IotlbGranularity.PAGE, DOMAIN, IOVA, True),
        (IotlbGranularity.PAGE, DOMAIN, IOVA + PAGE, False),
        (IotlbGranularity.PAGE, OTHER_DOMAIN, IOVA, False),
    ],
)
def test_a_selective_command_waits_for_what_it_names(
    granularity: IotlbGranularity, domain: int, page: int, waits: bool
) -> None:
    bench = Mapped()
    transfer = begin(bench)
    bench.registers.write(IVA, IVA.pack(ADDR_address=page))
    bench.registers.write(IOTLB, IOTLB.pack(IVT=1, IIRG=granularity, DID=domain))
    assert bool(bench.registers.read(IOTLB).IVT) is waits
    transfer.end()
    assert not bench.registers.read(IOTLB).IVT


def test_a_context_command_drains_nothing() -> None:
    bench = Mapped()
    begin(bench)
    bench.registers.write(CCMD, CCMD.pack(ICC=1, CIRG=ContextGranularity.GLOBAL))
    assert not bench.registers.read(CCMD).ICC


# --- invalidation by queue


def _pages(bench: Mapped, domain: int, iova: int, size: int = PAGE) -> Layout:
    return iotlb_pages(bench.unit.config.capabilities, domain, iova, size)


@pytest.mark.parametrize(
    ("descriptor", "waits"),
    [
        pytest.param(lambda bench: iotlb(), True, id="global"),
        pytest.param(lambda bench: iotlb(DOMAIN), True, id="domain"),
        pytest.param(lambda bench: iotlb(OTHER_DOMAIN), False, id="other-domain"),
        pytest.param(lambda bench: _pages(bench, DOMAIN, IOVA), True, id="page"),
        pytest.param(lambda bench: _pages(bench, DOMAIN, IOVA, 8 * PAGE), True, id="pages"),
        pytest.param(lambda bench: _pages(bench, DOMAIN, IOVA + PAGE), False, id="next-page"),
        pytest.param(lambda bench: _pages(bench, OTHER_DOMAIN, IOVA), False, id="page-elsewhere"),
        pytest.param(lambda bench: context_cache(), False, id="context-cache"),
        pytest.param(lambda bench: wait(0), False, id="nothing"),
    ],
)
def test_a_wait_waits_for_what_the_invalidations_before_it_name(
    descriptor: Callable[[Mapped], Layout], waits: bool
) -> None:
    bench = Mapped()
    transfer = begin(bench)
    queue = bench.start_queue()
    queue.submit(descriptor(bench), wait(5))
    assert status(bench) == (0 if waits else 5)
    assert queue.head == 2 * queue.entry_bytes
    transfer.end()
    assert status(bench) == 5


@pytest.mark.parametrize(
    ("descriptor", "waits"),
    [
        pytest.param(pasid_iotlb(DOMAIN, PASID), True, id="pasid"),
        pytest.param(pasid_iotlb(DOMAIN, PASID + 1), False, id="other-pasid"),
        pytest.param(pasid_iotlb(DOMAIN + 1, PASID), False, id="other-domain"),
        pytest.param(pasid_iotlb_pages(DOMAIN, PASID, IOVA, PAGE), True, id="page"),
        pytest.param(pasid_iotlb_pages(DOMAIN, PASID, IOVA + PAGE, PAGE), False, id="other-page"),
        pytest.param(iotlb(DOMAIN), True, id="domain"),
    ],
)
def test_a_wait_waits_for_transfers_with_the_pasid_that_is_named(
    descriptor: Layout, waits: bool
) -> None:
    bench = Scalable(kind=FIRST)
    transfer = bench.port().begin(IOVA, 8, pasid=PASID)
    bench.start_queue(wide=True).submit(descriptor, wait(5))
    assert status(bench) == (0 if waits else 5)
    transfer.end()
    assert status(bench) == 5


@pytest.mark.parametrize(
    ("iova", "waits"),
    [
        pytest.param(IOVA, True, id="page"),
        pytest.param(IOVA + PAGE, False, id="next-page"),
        pytest.param(UNMAPPED, False, id="nothing-granted"),
    ],
)
def test_a_wait_waits_for_translation_requests_that_were_told_of_the_page(
    iova: int, waits: bool
) -> None:
    bench = Mapped(VtdConfig(DT=1))
    change_context(bench, TT=1)
    request = bench.port().begin_translation(iova)
    bench.start_queue().submit(_pages(bench, DOMAIN, IOVA), wait(5))
    assert status(bench) == (0 if waits else 5)
    request.end()
    assert status(bench) == 5


def test_a_command_waits_for_translation_requests() -> None:
    bench = Mapped(VtdConfig(DT=1))
    change_context(bench, TT=1)
    request = bench.port().begin_translation(IOVA)
    bench.commands.start(Command.TRANSLATION, on=False)
    assert bench.status.TES
    request.end()
    assert not bench.status.TES


def test_a_transfer_over_several_pages_is_waited_for_by_each_of_them() -> None:
    bench = Mapped()
    transfer = bench.port().begin(IOVA, 3 * PAGE)
    bench.start_queue().submit(_pages(bench, DOMAIN, IOVA + 2 * PAGE), wait(5))
    assert status(bench) == 0
    transfer.end()
    assert status(bench) == 5


def test_transfers_that_pass_through_are_drained_too() -> None:
    bench = Mapped()
    bench.pass_through(OTHER, OTHER_DOMAIN)
    transfer = bench.port(OTHER).begin(OTHER_HOST, 8)
    bench.start_queue().submit(iotlb(OTHER_DOMAIN), wait(5))
    assert status(bench) == 0
    transfer.end()
    assert status(bench) == 5


def test_a_second_wait_waits_for_what_the_first_one_does() -> None:
    bench = Mapped()
    transfer = begin(bench)
    bench.start_queue().submit(iotlb(DOMAIN), wait(1), wait(2, STADDR_address=0x0F_0100))
    assert (status(bench), bench.platform.read(0x0F_0100, 1)) == (0, b"\x00")
    transfer.end()
    assert (status(bench), bench.platform.read(0x0F_0100, 1)) == (1, b"\x02")


def test_a_fence_holds_back_what_follows_until_it_is_complete() -> None:
    bench = Mapped()
    assert bench.lands_at(source_id=OTHER) == OTHER_HOST
    bench.others.write_entry(IOVA, 1, 0)
    transfer = begin(bench)
    queue = bench.start_queue()
    queue.submit(iotlb(DOMAIN), wait(1, FN=1), iotlb(OTHER_DOMAIN), wait(2))
    assert queue.head == 2 * queue.entry_bytes
    assert bench.lands_at(source_id=OTHER) == OTHER_HOST
    transfer.end()
    assert (status(bench), queue.head) == (2, 4 * queue.entry_bytes)
    assert bench.lands_at(source_id=OTHER) is None


def test_without_a_fence_what_follows_a_wait_is_done_at_once() -> None:
    bench = Mapped()
    assert bench.lands_at(source_id=OTHER) == OTHER_HOST
    bench.others.write_entry(IOVA, 1, 0)
    begin(bench)
    bench.start_queue().submit(iotlb(DOMAIN), wait(1), iotlb(OTHER_DOMAIN))
    assert bench.lands_at(source_id=OTHER) is None


def test_the_page_is_looked_up_anew_while_the_wait_still_waits() -> None:
    bench = Mapped()
    transfer = begin(bench)
    bench.remap(IOVA, ELSEWHERE)
    bench.start_queue().submit(_pages(bench, DOMAIN, IOVA), wait(1))
    assert bench.lands_at() == ELSEWHERE
    assert transfer.read(0, 8) == OLD
    assert status(bench) == 0


def test_a_reset_forgets_a_wait_that_waits() -> None:
    bench = Mapped()
    transfer = begin(bench)
    bench.start_queue().submit(iotlb(), wait(1))
    bench.platform.reset_units("warm")
    transfer.end()
    assert status(bench) == 0


def test_a_unit_says_which_commands_wait() -> None:
    bench = Mapped()
    transfer = begin(bench)
    bench.commands.start(Command.TRANSLATION, on=False)
    assert list(bench.unit.waiting) == ["translation off"]
    transfer.end()
    assert list(bench.unit.waiting) == []
