"""Long random lives of a driver and its devices: the unit never serves what is gone.

Whatever was mapped, attached, changed or taken away, what a device reaches equals what a dictionary
says. So that these tests could fail, one of them tells the unit nothing.
"""

from __future__ import annotations

import random
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any, Final

import pytest

from tests.software.bench import DATA, IOVA, SCALABLE, Bench, make_bench
from vtd_plugin.iommu import CacheSizes
from vtd_plugin.software import PAGE_2M, PAGE_4K, Domain, FirstStageDomain

DEVICES: Final = ("00:04.0", "00:05.0", "03:00.1")
SLOTS: Final = 6
STEPS: Final = 80
LIFE: Final = ("map", "map", "map", "unmap", "unmap", "protect", "attach", "attach", "detach")

LEGACY_UNITS: dict[str, dict[str, Any]] = {
    "queue-128": {},
    "queue-256": {"SMTS": 1, "SSTS": 1},
    "registers": {"QI": 0},
    "no-esrtps": {"ESRTPS": 0},
    "no-page-selective": {"PSI": 0, "MAMV": 0},
    "small-reach": {"MAMV": 9},
    "small-caches": {"cache_sizes": CacheSizes(2, 2, 3, 5, 1)},
}
SCALABLE_UNITS: dict[str, dict[str, Any]] = {
    "plain": {},
    "version-6": {"version": 0x60},
    "walks-not-snooped": {"SMPWCS": 0},
    "no-page-selective": {"PSI": 0, "MAMV": 0},
    "small-caches": {"cache_sizes": CacheSizes(2, 2, 3, 5, 1)},
}


@dataclass(eq=False)
class Space:
    """An address space, and what it should be.

    Attributes:
        domain: What the driver has.
        pages: Per slot of 2 MiB, the first physical address, the size of the pages, and whether
            they may be written. A slot is mapped whole by 2 MiB, or its first two pages are.
    """

    domain: Domain | FirstStageDomain
    pages: dict[int, tuple[int, int, bool]] = field(default_factory=dict)


class Life:
    """A driver with some spaces, and devices that use them, with a PASID or without."""

    def __init__(self, bench: Bench, spaces: list[Space], pasids: tuple[int | None, ...]) -> None:
        self._bench = bench
        self._spaces = spaces
        self._users = [(device, pasid) for device in DEVICES for pasid in pasids]
        self._uses: dict[tuple[str, int | None], Space] = {}

    def step(self, rng: random.Random) -> None:
        """Change one thing."""
        action = rng.choice(LIFE)
        if action in ("attach", "detach"):
            getattr(self, f"_{action}")(rng)
        else:
            space, slot = rng.choice(self._spaces), rng.randrange(SLOTS)
            if (action == "map") is (slot not in space.pages):
                getattr(self, f"_{action}")(rng, space, slot)

    def mismatches(self, rng: random.Random) -> list[str]:
        """What some devices reach and should not, or the other way."""
        found = []
        for user in rng.sample(self._users, 3):
            for slot in range(SLOTS):
                read, write = self._expected(user, slot)
                if self._seen(user, slot) != (read, write):
                    found.append(f"{user} slot {slot}")
        return found

    def _map(self, rng: random.Random, space: Space, slot: int) -> None:
        size = rng.choice((PAGE_4K, PAGE_2M))
        address = DATA + rng.randrange(8) * PAGE_2M
        write = rng.random() < 0.8
        iova = IOVA + slot * PAGE_2M
        length = 2 * PAGE_4K if size == PAGE_4K else PAGE_2M
        space.domain.map(iova, address, length, write=write, page_size=size)
        space.pages[slot] = address, length, write

    def _unmap(self, rng: random.Random, space: Space, slot: int) -> None:
        _address, length, _write = space.pages.pop(slot)
        iova, whole = IOVA + slot * PAGE_2M, rng.random() < 0.5
        space.domain.unmap(iova, PAGE_2M if whole else length)

    def _protect(self, rng: random.Random, space: Space, slot: int) -> None:
        address, length, _write = space.pages[slot]
        write = rng.random() < 0.5
        space.domain.protect(IOVA + slot * PAGE_2M, length, write=write)
        space.pages[slot] = address, length, write

    def _attach(self, rng: random.Random) -> None:
        user, space = rng.choice(self._users), rng.choice(self._spaces)
        device, pasid = user
        if pasid is None:
            self._bench.driver.attach(device, space.domain)
        elif isinstance(space.domain, FirstStageDomain):
            self._bench.driver.attach_pasid(device, pasid, first_stage=space.domain)
        else:
            self._bench.driver.attach_pasid(device, pasid, second_stage=space.domain)
        self._uses[user] = space

    def _detach(self, rng: random.Random) -> None:
        user = rng.choice(self._users)
        if user not in self._uses:
            return
        device, pasid = user
        if pasid is None:
            self._bench.driver.detach(device)
            for other in self._users:
                if other[0] == device:
                    self._uses.pop(other, None)
        else:
            self._bench.driver.detach_pasid(device, pasid)
            del self._uses[user]

    def _expected(self, user: tuple[str, int | None], slot: int) -> tuple[int | None, bool]:
        if user not in self._uses or slot not in self._uses[user].pages:
            return None, False
        address, _length, write = self._uses[user].pages[slot]
        return address + PAGE_4K, write

    def _seen(self, user: tuple[str, int | None], slot: int) -> tuple[int | None, bool]:
        device, pasid = user
        port = self._bench.platform.requester(device)
        iova = IOVA + slot * PAGE_2M + PAGE_4K
        result = port.read(iova, 8, pasid=pasid)
        where = int.from_bytes(result.data, "little") if result.ok else None
        return where, port.write(iova + 8, b"written", pasid=pasid).ok


def begin_life(seed: int, *, scalable: bool, **options: Any) -> tuple[Life, Bench, random.Random]:
    bench = make_bench(**({**SCALABLE, **options} if scalable else options))
    # Each page that is looked at holds its own address.
    for slot in range(8):
        address = DATA + slot * PAGE_2M + PAGE_4K
        bench.platform.write(address, address.to_bytes(8, "little"))
    driver = bench.driver
    driver.enable("scalable" if scalable else "legacy")
    spaces = [Space(driver.create_domain()) for _ in range(2)]
    if scalable:
        spaces += [Space(driver.create_first_stage_domain()) for _ in range(2)]
        for device in DEVICES:
            driver.add_device(device, RID_PASID=9)
    pasids = (None, 1, 2) if scalable else (None,)
    return Life(bench, spaces, pasids), bench, random.Random(seed)


def live(life: Life, rng: random.Random, steps: int = STEPS) -> list[str]:
    found = []
    for _ in range(steps):
        life.step(rng)
        found += life.mismatches(rng)
    return found


@pytest.mark.parametrize("cm", [0, 1])
@pytest.mark.parametrize("name", LEGACY_UNITS)
@pytest.mark.parametrize("seed", range(2))
def test_legacy_devices_reach_what_is_mapped_now(seed: int, name: str, cm: int) -> None:
    life, bench, rng = begin_life(seed, scalable=False, CM=cm, **LEGACY_UNITS[name])
    assert live(life, rng) == []
    bench.platform.reset()
    bench.driver.recover_after_reset()
    assert live(life, rng, 20) == []


@pytest.mark.parametrize("cm", [0, 1])
@pytest.mark.parametrize("name", SCALABLE_UNITS)
@pytest.mark.parametrize("seed", range(2))
def test_scalable_devices_reach_what_is_mapped_now(seed: int, name: str, cm: int) -> None:
    life, bench, rng = begin_life(seed, scalable=True, CM=cm, **SCALABLE_UNITS[name])
    assert live(life, rng) == []
    bench.platform.reset()
    bench.driver.recover_after_reset()
    assert live(life, rng, 20) == []


@pytest.mark.parametrize("scalable", [False, True])
@pytest.mark.parametrize("silent", [False, True])
def test_a_driver_that_tells_nothing_is_found_out(scalable: bool, silent: bool) -> None:
    life, bench, rng = begin_life(0, scalable=scalable)
    with bench.driver.keeper.muted() if silent else nullcontext():
        assert bool(live(life, rng)) is silent
