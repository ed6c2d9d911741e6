"""Everything at random: what happens, when, and how often each channel is held back.

Each seed is a test of its own: a unit in legacy or in scalable mode, behind it a master that copies
without end between the pages of all address spaces. Meanwhile software breaks and mends entries of
its tables, moves pages, changes tables, and turns translation off and on; resets overtake it. After
each chain of copies all of memory and what the master was told are compared, and now and then the
fault records. The environment has the seeds.
"""

from __future__ import annotations

import random
from typing import Any, Final

import cocotb

from testbenches.address_spaces import config, let_unit_set_accessed_bits
from testbenches.master import pause_all
from testbenches.scene import Scene
from testbenches.soak.fault_book import FaultBook
from testbenches.soak.legacy import LegacyTables
from testbenches.soak.scalable import ScalableTables
from testbenches.soak.world import World
from testbenches.soak_seeds import seeds_of_this_simulation
from vtd_plugin.iommu import CacheSizes

_RAM_BYTES: Final = 4 << 20
"""What lies in a page of 2 MiB is memory too where it is not remapped."""
_FAULT_REGISTERS: Final = (1, 2, 8)
_CACHES: Final = (
    CacheSizes(),
    CacheSizes(context=1, pasid=2, paging_structure=2, iotlb=3),
    CacheSizes(context=0, pasid=0, paging_structure=0, iotlb=0),
)
_ACTS: Final = 16


@cocotb.test(timeout_time=3, timeout_unit="ms")
@cocotb.parametrize(seed=seeds_of_this_simulation())
async def nothing_is_lost(dut: Any, seed: int) -> None:
    random.seed(seed)
    registers, merge = random.choice(_FAULT_REGISTERS), random.random() < 0.2
    unit = config(ADMS=1, NFR=registers - 1, merge_faults=merge, cache_sizes=random.choice(_CACHES))
    scene = await Scene.power_up(dut, unit, ram_bytes=_RAM_BYTES)
    let_unit_set_accessed_bits(scene)
    kind = scene.rng.choice((LegacyTables, ScalableTables, ScalableTables))
    use_queue = kind is ScalableTables or scene.rng.random() < 0.7
    inside = scene.random_view("inside the large page")
    tables = [kind(scene, number, inside, use_queue=use_queue) for number in range(2)]
    world = World(scene, tables, FaultBook(registers, merge=merge))
    pause_all(scene.memory, scene.rng, duty=scene.rng.uniform(0, 0.5))
    await world.turn_on()
    world.traffic.start()
    for _ in range(_ACTS):
        await world.act()
    await world.finish()
