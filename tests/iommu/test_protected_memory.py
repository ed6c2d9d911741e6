"""Protected memory regions: what DMA may not reach, with translation on and off (§11.4.8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.iommu.bench import ELSEWHERE, HOST, IOVA, PAGE, PAGES, SOURCE, Mapped
from vtd_plugin import VtdConfig
from vtd_plugin.bus import AddressType, Answer, Fault, Mapping
from vtd_plugin.bus.testing import assert_shadow_equals
from vtd_plugin.encodings.registers import PHMBASE, PHMLIMIT, PLMBASE, PLMLIMIT, PMEN

if TYPE_CHECKING:
    from collections.abc import Callable

    from vtd_plugin.encodings.registers import Register

MIB: Final = 1 << 20
RAM: Final = 64 << 20
LOW: Final = (PLMBASE, PLMLIMIT)
HIGH: Final = (PHMBASE, PHMLIMIT)


def machine(*, on: bool = True, **changes: Any) -> Mapped:
    return Mapped(VtdConfig(PLMR=1, PHMR=1, **changes), on=on)


def protect(
    bench: Mapped,
    base: int,
    limit: int,
    region: tuple[type[Register], type[Register]] = LOW,
    *,
    enable: bool = True,
) -> None:
    """Program one region, leave the other without any page, and enable both."""
    for other in (LOW, HIGH):
        if not bench.registers.read(other[0]).value:
            bench.registers.write(other[0], MIB)
    bench.registers.write(region[0], base)
    bench.registers.write(region[1], limit)
    bench.registers.write(PMEN, PMEN.pack(EPM=int(enable)))


@pytest.mark.parametrize("region", [LOW, HIGH], ids=["low", "high"])
@pytest.mark.parametrize("on", [True, False], ids=["remapped", "direct"])
def test_a_protected_page_is_reached_by_no_request(
    region: tuple[type[Register], type[Register]], on: bool
) -> None:
    bench = machine(on=on)
    protect(bench, HOST, HOST, region)
    iova = IOVA if on else HOST
    before = bench.platform.read(HOST, 8)
    result = bench.port().write(iova, b"intruder")
    assert result.answer is Answer.UR
    assert (result.fault.name, result.fault.recorded) == ("PMR", False)  # type: ignore[union-attr]
    assert bench.platform.read(HOST, 8) == before
    assert bench.port().read(iova, 8).data == b"\xff" * 8
    assert not bench.fault_status.PPF


def test_a_page_that_was_cached_before_is_blocked_as_well() -> None:
    bench = machine()
    assert bench.lands_at() == HOST
    protect(bench, HOST, HOST)
    assert bench.lands_at() is None
    bench.registers.write(PMEN, 0)
    assert bench.lands_at() == HOST


@pytest.mark.parametrize(
    ("address", "blocked"),
    [(HOST - PAGE, False), (HOST, True), (HOST + 2 * MIB - PAGE, True), (HOST + 2 * MIB, False)],
)
def test_low_bits_of_a_limit_count_as_ones(address: int, blocked: bool) -> None:
    bench = machine(on=False)
    protect(bench, HOST, HOST + MIB)
    assert bench.port().read(address, 8).ok is not blocked


@pytest.mark.parametrize("limit", [0, HOST - MIB])
def test_a_limit_below_the_base_protects_nothing(limit: int) -> None:
    bench = machine(on=False)
    protect(bench, HOST, limit)
    assert bench.registers.read(PMEN).PRS
    assert bench.port().read(HOST, 8).ok


@pytest.mark.parametrize(("region", "other"), [("PLMR", "PHMR"), ("PHMR", "PLMR")])
def test_a_region_that_nobody_programmed_is_the_lowest_megabyte(region: str, other: str) -> None:
    bench = Mapped(VtdConfig(**{region: 1, other: 0}), on=False)  # type: ignore[arg-type]
    bench.registers.write(PMEN, PMEN.pack(EPM=1))
    results = [bench.port().read(address, 8).ok for address in (0, MIB - PAGE, MIB)]
    assert results == [False, False, True]


def test_both_regions_hold_at_once() -> None:
    bench = machine(on=False)
    protect(bench, HOST, HOST, enable=False)
    protect(bench, ELSEWHERE, ELSEWHERE, HIGH)
    results = [bench.port().read(address, 8).ok for address in (HOST, HOST + MIB, ELSEWHERE)]
    assert results == [False, True, False]


def test_a_request_over_the_border_moves_what_is_outside() -> None:
    bench = machine(on=False)
    protect(bench, HOST, HOST)
    result = bench.port().read(HOST - PAGE, 2 * PAGE)
    assert (result.answer, result.transferred) == (Answer.UR, PAGE)


def test_translated_requests_are_blocked_too() -> None:
    bench = machine(DT=1)
    bench.attach(SOURCE, bench.mine, 1, TT=1)
    protect(bench, HOST, HOST)
    fault = bench.unit.translate(SOURCE, HOST, address_type=AddressType.TRANSLATED)
    assert isinstance(fault, Fault)
    assert fault.name == "PMR"


def test_pass_through_is_blocked_too() -> None:
    bench = machine()
    bench.pass_through(SOURCE)
    assert bench.lands_at(HOST) == HOST
    protect(bench, HOST, HOST)
    assert bench.lands_at(HOST) is None
    assert bench.port().read(HOST + MIB, 8).ok


def test_the_tables_of_the_unit_may_lie_in_protected_memory() -> None:
    bench = machine()
    protect(bench, 0x10_0000, 0x40_0000)
    assert bench.lands_at() == HOST
    assert bench.port().read(0x10_0000, 8).ok is False


def test_processors_are_not_kept_out() -> None:
    bench = machine(on=False)
    protect(bench, HOST, HOST)
    bench.put(HOST, b"software")
    assert bench.platform.read(HOST, 8) == b"software"


def test_status_follows_the_enable_bit() -> None:
    bench = machine()
    protect(bench, HOST, HOST)
    assert bench.registers.read(PMEN).PRS
    bench.registers.write(PMEN, 0)
    assert not bench.registers.read(PMEN).PRS


def test_a_unit_without_regions_cannot_enable_them() -> None:
    bench = Mapped()
    bench.registers.write(PMEN, PMEN.pack(EPM=1))
    assert bench.registers.read(PMEN).value == 0
    assert bench.lands_at() == HOST


@pytest.mark.parametrize("kind", ["warm", "cold"])
def test_a_reset_protects_nothing_any_more(kind: str) -> None:
    bench = machine(on=False)
    protect(bench, HOST, HOST)
    bench.platform.reset(kind)
    assert bench.port().read(HOST, 8).ok
    assert not bench.registers.read(PMEN).PRS


def _remapped(on: bool) -> list[Mapping]:
    return [] if on else [Mapping(0, 0, HOST), Mapping(HOST + MIB, HOST + MIB, RAM - HOST - MIB)]


@pytest.mark.parametrize("on", [True, False], ids=["remapped", "direct"])
def test_listeners_do_not_see_what_is_protected(on: bool) -> None:
    bench = machine(on=on)
    disk = bench.platform.assign(SOURCE)
    everything = [Mapping(IOVA, HOST, PAGES * PAGE)] if on else [Mapping(0, 0, RAM)]
    assert_shadow_equals(disk.shadow, everything)
    protect(bench, HOST, HOST)
    assert_shadow_equals(disk.shadow, _remapped(on))
    bench.registers.write(PMEN, 0)
    assert_shadow_equals(disk.shadow, everything)


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(lambda bench: bench.set_root(), id="root"),
        pytest.param(lambda bench: protect(bench, HOST, HOST), id="again"),
    ],
)
def test_protection_outlives_other_commands(event: Callable[[Mapped], object]) -> None:
    bench = machine()
    protect(bench, HOST, HOST)
    event(bench)
    assert bench.lands_at() is None
