"""A platform around the walker, just large enough to replay recorded cases of DMA.

It has memory, the registers that a walk depends on, fault recording (7.2.1), and of the
invalidation queue the wait descriptor only: without caches nothing else is to be done. All other
registers read as "not modelled".
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from tests.reference.capabilities import Caps
from tests.reference.faults import CONDITIONS
from tests.reference.model import Ask
from tests.reference.sparse_memory import PAGE, SparseMemory
from tests.reference.walker import walk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GCMD: Final = 0x18
RTADDR: Final = 0x20
IQT: Final = 0x88
IQA: Final = 0x90
TRANSLATION_ENABLE: Final = 1 << 31
SET_ROOT: Final = 1 << 30
QUEUE_ENABLE: Final = 1 << 26


@dataclass
class FaultLog:
    """The fault recording registers: one more than CAP.NFR says, filled in turn."""

    base: int
    count: int
    records: list[int] = field(default_factory=list)
    index: int = 0
    overflow: bool = False

    def __post_init__(self) -> None:
        self.records = [0] * self.count

    def record(self, code: int, source_id: int, address: int, *, read: bool) -> None:
        if self.overflow:
            return
        if self.records[self.index] >> 127:
            self.overflow = True
            return
        upper = 1 << 63 | read << 62 | code << 32 | source_id
        self.records[self.index] = upper << 64 | address & ~0xFFF
        self.index = (self.index + 1) % self.count

    def covers(self, offset: int) -> bool:
        return self.base <= offset < self.base + 16 * self.count

    def read(self, offset: int, size: int) -> int:
        number, byte = divmod(offset - self.base, 16)
        return self.records[number] >> 8 * byte & ((1 << 8 * size) - 1)

    def write(self, offset: int, size: int, value: int) -> None:
        number, byte = divmod(offset - self.base, 16)
        if (value << 8 * byte) >> 127 & 1:
            self.records[number] &= ~(1 << 127)


class WalkedPlatform:
    """Interprets the steps of one recorded case; `mismatches` are what it could not agree with."""

    def __init__(self, config: dict[str, Any]) -> None:
        number = {key: int(config[key], 16) for key in ("ver", "cap", "ecap", "haw", "ram_size")}
        self.caps = Caps(number["ver"], number["cap"], number["ecap"], number["haw"])
        self.memory = SparseMemory(number["ram_size"])
        self.buffers: dict[str, bytearray] = {}
        self.mismatches: list[str] = []
        self.checks = 0
        self.reset()

    def reset(self) -> None:
        cap = self.caps.cap
        self.faults = FaultLog((cap >> 24 & 0x3FF) * 16, (cap >> 40 & 0xFF) + 1)
        self.enabled = False
        self.root = self.new_root = 0
        self.queue = self.head = 0

    # -- steps ---------------------------------------------------------------------------------

    def step(self, step: dict[str, Any]) -> None:
        fields: dict[str, int] = {
            key: int(step[key], 16)
            for key in ("addr", "size", "offset", "value", "iova", "buf", "byte")
            if key in step
        }
        kind = step["op"]
        if kind == "mem.write":
            self.memory.write(fields["addr"], bytes.fromhex(step["data"]))
        elif kind == "mem.fill":
            self.memory.write(fields["addr"], bytes([fields["byte"]]) * fields["size"])
        elif kind == "mem.read":
            found = self.memory.read(fields["addr"], fields["size"])
            self.check(step, found == bytes.fromhex(step["expect"]), found)
        elif kind == "reg.write":
            self.write_register(fields["offset"], fields["size"], fields["value"])
        elif kind == "reg.read":
            self.read_register(step, fields["offset"], fields["size"])
        elif kind in ("dma.load", "dma.store"):
            self.dma(step["bdf"], fields, write=kind == "dma.store")
        elif kind == "reset":
            self.reset()

    def check(self, step: dict[str, Any], agreed: bool, found: object) -> None:
        self.checks += 1
        if not agreed:
            self.mismatches.append(f"{step}: found {found!r}")

    # -- registers -----------------------------------------------------------------------------

    def write_register(self, offset: int, size: int, value: int) -> None:
        if offset in (RTADDR, RTADDR + 4):
            self.new_root = _merge(self.new_root, offset - RTADDR, size, value)
        elif offset in (IQA, IQA + 4):
            self.queue = _merge(self.queue, offset - IQA, size, value)
        elif offset == GCMD:
            self.command(value)
        elif offset == IQT:
            self.run_queue(value)
        elif self.faults.covers(offset):
            self.faults.write(offset, size, value)
        elif offset == 0x34 and value & 1:
            self.faults.overflow = False

    def command(self, value: int) -> None:
        if value & SET_ROOT:
            self.root = self.new_root
        if not value & QUEUE_ENABLE:
            self.head = 0
        self.enabled = bool(value & TRANSLATION_ENABLE)

    def run_queue(self, tail: int) -> None:
        """Status writes of the wait descriptors up to the tail, which is to be legal (6.5.2.9)."""
        stride = 32 if self.queue >> 11 & 1 else 16
        length = PAGE << (self.queue & 7)
        if tail % stride or tail >= length:
            return
        while self.head != tail:
            raw = self.memory.read((self.queue & ~0xFFF) + self.head, 16)
            descriptor = int.from_bytes(raw or b"", "little")
            if descriptor & 0xF == 5 and descriptor >> 5 & 1:
                status = (descriptor >> 32 & 0xFFFFFFFF).to_bytes(4, "little")
                self.memory.write(descriptor >> 64 & ~3, status)
            self.head = (self.head + stride) % length

    def read_register(self, step: dict[str, Any], offset: int, size: int) -> None:
        if not self.faults.covers(offset):
            return
        mask = int(step.get("mask", hex((1 << 8 * size) - 1)), 16)
        found = self.faults.read(offset, size)
        self.check(step, found & mask == int(step["expect"], 16) & mask, hex(found))

    # -- DMA -----------------------------------------------------------------------------------

    def dma(self, bdf: str, fields: dict[str, int], *, write: bool) -> None:
        """Page by page; the pages that translate are moved even if others fault."""
        buffer = self.buffers.setdefault(bdf, bytearray(PAGE))
        done = 0
        while done < fields["size"]:
            iova = fields["iova"] + done
            size = min(fields["size"] - done, PAGE - iova % PAGE)
            address = self.resolve(bdf, iova, size, write=write)
            place = slice(fields["buf"] + done, fields["buf"] + done + size)
            if address is not None and write:
                self.memory.write(address, bytes(buffer[place]))
            elif address is not None:
                buffer[place] = self.memory.read(address, size) or bytes(size)
            done += size

    def resolve(self, bdf: str, iova: int, size: int, *, write: bool) -> int | None:
        if not self.enabled:
            return iova
        ask = Ask(_source_id(bdf), iova, "write" if write else "read", size)
        memory = self.memory
        outcome = walk(memory.read, memory.write, self.caps, self.root, ask)
        if outcome.fault is not None and outcome.recorded:
            code = CONDITIONS[outcome.fault].code
            self.faults.record(code, ask.source_id, iova, read=not write)
        return outcome.address


def replay(path: Path) -> WalkedPlatform:
    """Runs a recorded case to its end."""
    steps = _lines(path)
    platform = WalkedPlatform(next(steps)["config"])
    for step in steps:
        platform.step(step)
    return platform


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open() as lines:
        for line in lines:
            yield json.loads(line)


def _merge(old: int, byte: int, size: int, value: int) -> int:
    mask = ((1 << 8 * size) - 1) << 8 * byte
    return old & ~mask | value << 8 * byte & mask


def _source_id(bdf: str) -> int:
    bus, rest = bdf.split(":")
    device, function = rest.split(".")
    return int(bus, 16) << 8 | int(device, 16) << 3 | int(function)
