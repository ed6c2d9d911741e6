"""Page frames are handed out once, next to each other when asked, and taken back."""

from __future__ import annotations

import pytest

from vtd_plugin.software import FrameAllocator

BASE = 0x10_0000


def test_frames_are_aligned_and_handed_out_once() -> None:
    frames = FrameAllocator(BASE, 8 * 4096)
    taken = [frames.allocate() for _ in range(8)]
    assert taken == list(range(BASE, BASE + 8 * 4096, 4096))
    assert frames.used == 8


def test_several_frames_lie_next_to_each_other() -> None:
    frames = FrameAllocator(BASE, 8 * 4096)
    frames.allocate()
    assert frames.allocate(4) == BASE + 0x1000
    assert frames.allocate() == BASE + 0x5000


def test_a_frame_that_was_given_back_is_used_again() -> None:
    frames = FrameAllocator(BASE, 2 * 4096)
    first, second = frames.allocate(), frames.allocate()
    frames.free(first)
    assert frames.used == 1
    assert frames.allocate() == first
    with pytest.raises(MemoryError, match=r"^1 frame of 4 KiB: no room .* 0x2000 bytes at"):
        frames.allocate()
    assert second == BASE + 0x1000


@pytest.mark.parametrize("address", [BASE + 0x1000, BASE + 4, BASE - 0x1000], ids=hex)
def test_only_what_is_handed_out_can_be_given_back(address: int) -> None:
    frames = FrameAllocator(BASE, 8 * 4096)
    frames.allocate()
    with pytest.raises(ValueError, match=f"{address:#x} is not a frame that was allocated"):
        frames.free(address)


def test_a_frame_cannot_be_given_back_twice() -> None:
    frames = FrameAllocator(BASE, 8 * 4096)
    frame = frames.allocate(2)
    frames.free(frame, 2)
    with pytest.raises(ValueError, match="0x101000 is not a frame"):
        frames.free(frame + 0x1000)


def test_a_range_is_whole_frames() -> None:
    with pytest.raises(ValueError, match="size 0x800 is not a multiple of 0x1000"):
        FrameAllocator(BASE, 0x800)
    with pytest.raises(ValueError, match="only 1 or more"):
        FrameAllocator(BASE, 0x1000).allocate(0)
