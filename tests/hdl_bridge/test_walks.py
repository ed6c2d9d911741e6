from __future__ import annotations

from typing import Any

import pytest

from hdl_bridge._signals import known, sampler
from hdl_bridge.axi import Latency
from hdl_bridge.axi.side import Walks
from vtd_plugin import Platform, VtdUnit
from vtd_plugin.software import Driver, FrameAllocator

PORT = "00:04.0"
IOVA = 0x8000_0000


@pytest.mark.parametrize("page_size", [4096, 2 << 20])
def test_a_translation_in_the_iotlb_is_at_hand(page_size: int) -> None:
    platform = Platform(ram_size=16 << 20)
    platform.add_unit(VtdUnit())
    port = platform.requester(PORT)
    walks = Walks(Latency(walk=30))

    def cycles(iova: int) -> int:
        transfer = port.begin(iova, 64)
        transfer.end()
        return walks.cycles(transfer)

    assert cycles(0x4000) == 0, "memory as it is"
    driver = Driver(platform, frames=FrameAllocator(0x10_0000, 0x10_0000))
    driver.enable()
    domain = driver.create_domain()
    domain.map(IOVA, 0x20_0000, 2 << 20, page_size=page_size)
    driver.attach(PORT, domain)
    assert [cycles(IOVA), cycles(IOVA + 64), cycles(IOVA)] == [30, 0, 0]
    assert cycles(IOVA + 0x1000) == (30 if page_size == 4096 else 0)
    assert [cycles(0x4000), cycles(0x4000)] == [30, 30], "a fault is found anew each time"
    domain.unmap(IOVA, 2 << 20)
    domain.map(IOVA, 0x20_0000, 2 << 20, page_size=page_size)
    assert [cycles(IOVA), cycles(IOVA)] == [30, 0]


@pytest.mark.parametrize("wrong", [1.5, True, "4"])
def test_a_latency_is_a_number_of_clock_cycles(wrong: Any) -> None:
    with pytest.raises(TypeError, match=f"walk={wrong!r} is no int"):
        Latency(walk=wrong)
    with pytest.raises(ValueError, match="beat=-1: it must be at least 0"):
        Latency(beat=-1)


def test_a_signal_is_sampled_the_public_way_where_there_is_no_other() -> None:
    class Handle:
        value = "01XZ"

    sample = sampler(Handle())
    assert sample() == "01XZ"
    assert known(sample()) == 0b0100
