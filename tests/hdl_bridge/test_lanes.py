from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hdl_bridge._lanes import stores_of, words_of
from hdl_bridge.bursts import Burst, BurstType

if TYPE_CHECKING:
    from collections.abc import Callable

FIXED, INCR, WRAP = BurstType


@st.composite
def bursts(draw: Callable[[st.SearchStrategy[int]], int]) -> tuple[Burst, int]:
    """A burst in the first 4 KiB and the width of its bus in bytes."""
    bus = 1 << draw(st.integers(0, 5))
    beat = 1 << draw(st.integers(0, bus.bit_length() - 1))
    kind = BurstType(draw(st.integers(0, 2)))
    if kind is WRAP:
        beats = 1 << draw(st.integers(1, 4))
        return Burst(draw(st.integers(0, 64)) * beat, beats, beat, kind), bus
    return Burst(draw(st.integers(0, 1024)), draw(st.integers(1, 16)), beat, kind), bus


@given(bursts(), st.booleans())
def test_each_byte_of_a_read_is_on_its_lane(case: tuple[Burst, int], joined: bool) -> None:
    burst, bus = case
    memory = bytes((7 * address + address // 256) % 256 for address in range(4096))

    def read(offset: int, size: int) -> bytes:
        return memory[burst.first + offset : burst.first + offset + size]

    words = words_of(burst, read, bus, joined=joined)
    assert len(words) == burst.beats
    for word, (start, stop) in zip(words, burst.spans(), strict=True):
        lanes = word.to_bytes(bus, "little")
        wanted = bytearray(bus)
        for address in range(start, stop):
            wanted[address % bus] = memory[address]
        assert lanes == wanted


@given(bursts(), st.randoms(use_true_random=False), st.booleans(), st.booleans())
def test_each_selected_lane_of_a_write_is_stored(
    case: tuple[Burst, int], rng: object, everything: bool, joined: bool
) -> None:
    burst, bus = case
    words = [rng.getrandbits(8 * bus) for _ in range(burst.beats)]  # type: ignore[attr-defined]
    every = (1 << bus) - 1
    strobes = [
        every if everything else rng.getrandbits(bus)  # type: ignore[attr-defined]
        for _ in range(burst.beats)
    ]
    wanted: dict[int, int] = {}
    for word, strobe, (start, stop) in zip(words, strobes, burst.spans(), strict=True):
        for address in range(start, stop):
            if strobe >> address % bus & 1:
                wanted[address] = word >> 8 * (address % bus) & 0xFF
    stored: dict[int, int] = {}
    for address, data in stores_of(
        burst,
        [f"{word:0{8 * bus}b}" for word in words],
        [f"{strobe:0{bus}b}" for strobe in strobes],
        bus,
        joined=joined,
    ):
        assert data
        assert joined or len(data) <= burst.beat_bytes
        stored.update(zip(range(address, address + len(data)), data, strict=True))
    assert stored == wanted


def test_what_is_unknown_is_stored_as_zeroes_but_must_be_known_to_be_selected() -> None:
    burst = Burst(0, 1, 2)
    assert list(stores_of(burst, ["x" * 8 + "1010zx11"], ["01"], 2, joined=True)) == [(0, b"\xa3")]
    with pytest.raises(ValueError, match="invalid literal"):
        list(stores_of(burst, ["0" * 16], ["0x"], 2, joined=True))
