"""Replaying recorded cases on a fresh unit.

A case is a file of JSON lines: a header that describes the unit and its devices, then one step a
line (CPU and register accesses, DMA, resets, interrupts) with what a real implementation answered.
The format is described in the documentation under "Recorded vectors".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from vtd_plugin.bus import InterruptMessage, Platform, ResetKind
from vtd_plugin.inspect.vector import Record, VectorError, read
from vtd_plugin.iommu import VtdConfig, VtdUnit

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FORMAT: Final = 1
"""The version of the format, in the header's ``vtd_vector``."""

_BUFFER_BYTES: Final = 4096
"""Every device has a buffer of this size, from and into which its DMA goes."""

_INTERRUPT_BYTES: Final = 4

_MESSAGE: Final = {
    "vector": "vector",
    "delivery_mode": "delivery_mode",
    "trigger_mode": "trigger_mode",
    "dest_mode": "destination_mode",
    "redir_hint": "redirection_hint",
    "dest": "destination",
}
"""The attributes of an interrupt that are compared, by their names in the recordings."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A step that came out otherwise than recorded.

    Attributes:
        line: Line of the step in its file, counted from 1.
        step: What was done.
        expected: What the recording says.
        got: What the unit answered.
    """

    line: int
    step: str
    expected: str
    got: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.step}: expected {self.expected}, got {self.got}"


@dataclass(slots=True)
class Outcome:
    """How one case came out.

    Attributes:
        name: Name of the case, from its header.
        path: The file.
        steps: Number of steps that were done.
        mismatches: The steps that came out otherwise than recorded.
    """

    name: str
    path: Path
    steps: int = 0
    mismatches: list[Mismatch] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether every step came out as recorded."""
        return not self.mismatches


def replay(path: Path) -> Outcome:
    """Replay one case.

    Args:
        path: The file.

    Raises:
        VectorError: The file is no vector, or has a step the format does not know.
        OSError: The file cannot be read.
    """
    lines = read(path)
    header = _check_header(path, next(lines, None))
    outcome = Outcome(header.text("name") if "name" in header else path.stem, path)
    bench = _bench_of(header)
    for step in lines:
        outcome.steps += 1
        mismatch = bench.do(step)
        if mismatch is not None:
            outcome.mismatches.append(mismatch)
    return outcome


def _check_header(path: Path, header: Record | None) -> Record:
    if header is None:
        raise VectorError(f"{path}: empty, without the header of a vector")
    if "vtd_vector" not in header or header.part("vtd_vector") != FORMAT:
        raise header.refuse(f"no header of a vector, which has 'vtd_vector': {FORMAT}")
    return header


def _bench_of(header: Record) -> Bench:
    described = header.record("config")
    ram_size = described.number("ram_size")
    devices = [device.text("bdf") for device in header.records("devices")]
    version, cap, ecap, haw = (described.number(name) for name in ("ver", "cap", "ecap", "haw"))
    try:
        config = VtdConfig.from_registers(version, cap, ecap, host_address_width=haw)
        return Bench(config, ram_size, devices)
    except (MemoryError, OSError, OverflowError) as error:
        raise described.refuse(f"no memory for a 'ram_size' of {ram_size:#x} bytes") from error
    except ValueError as error:
        raise header.refuse(error) from error


class Bench:
    """A platform with one unit and the devices of a case.

    Args:
        config: What the unit is.
        ram_size: Bytes of RAM from address 0.
        devices: Requester ids, such as ``"00:03.0"``.
    """

    def __init__(self, config: VtdConfig, ram_size: int, devices: list[str]) -> None:
        self._platform = Platform(ram_size=ram_size)
        self._ram_size = ram_size
        self._unit = self._platform.add_unit(VtdUnit(config))
        self._ports = {device: self._platform.requester(device) for device in devices}
        self._buffers = {device: bytearray(_BUFFER_BYTES) for device in devices}
        self._interrupts: list[InterruptMessage] = []
        self._platform.add_interrupt_sink(self._interrupts.append)
        self._steps: dict[str, Callable[[Record], tuple[str, str] | None]] = {
            "mem.write": self._memory_write,
            "mem.fill": self._memory_fill,
            "mem.read": self._memory_read,
            "reg.write": self._register_write,
            "reg.read": self._register_read,
            "dma.load": self._dma_load,
            "dma.store": self._dma_store,
            "reset": self._reset,
            "msi": self._message,
        }

    def do(self, step: Record) -> Mismatch | None:
        """Do one step and compare.

        Raises:
            VectorError: The format has no such step, or it lacks a part.
        """
        operation = step.text("op")
        if operation not in self._steps:
            known = ", ".join(self._steps)
            raise step.refuse(f"there is no step {operation!r}; there are {known}")
        step = step.titled(operation)
        try:
            difference = self._steps[operation](step)
        except VectorError:
            raise
        except ValueError as error:
            raise step.refuse(error) from error
        except MemoryError as error:
            raise step.refuse("more bytes than there is memory for") from error
        if difference is None:
            return None
        where = next((step.text(name) for name in ("offset", "addr") if name in step), "")
        return Mismatch(step.line, f"{operation} {where}", *difference)

    def _memory_write(self, step: Record) -> None:
        self._platform.write(step.number("addr"), step.data("data"))

    def _memory_fill(self, step: Record) -> None:
        fill = bytes([step.number("byte", bits=8)]) * self._memory_size(step)
        self._platform.write(step.number("addr"), fill)

    def _memory_read(self, step: Record) -> tuple[str, str] | None:
        got = self._platform.read(step.number("addr"), self._memory_size(step))
        expected = step.data("expect")
        return None if got == expected else (expected.hex(), got.hex())

    def _memory_size(self, step: Record) -> int:
        size = step.number("size")
        if size > self._ram_size:
            raise step.refuse(f"{size:#x} bytes are more than the {self._ram_size:#x} of the RAM")
        return size

    def _register_write(self, step: Record) -> None:
        self._unit.write_register(step.number("offset"), step.number("value"), step.number("size"))

    def _register_read(self, step: Record) -> tuple[str, str] | None:
        size = step.number("size")
        got = self._unit.read_register(step.number("offset"), size)
        mask = step.number("mask") if "mask" in step else (1 << 8 * size) - 1
        expected = step.number("expect") & mask
        return None if got & mask == expected else (f"{expected:#x}", f"{got & mask:#x}")

    def _dma_load(self, step: Record) -> None:
        device, size, start = self._dma(step)
        result = self._ports[device].read(step.number("iova"), size)
        self._buffers[device][start : start + size] = result.data

    def _dma_store(self, step: Record) -> None:
        device, size, start = self._dma(step)
        data = bytes(self._buffers[device][start : start + size])
        self._ports[device].write(step.number("iova"), data)

    def _dma(self, step: Record) -> tuple[str, int, int]:
        """Whose DMA it is, its size, and where in the device's buffer it goes."""
        size, start = step.number("size"), step.number("buf")
        if start + size > _BUFFER_BYTES:
            raise step.refuse(
                f"{size:#x} bytes at {start:#x} are not within the {_BUFFER_BYTES:#x} of a buffer"
            )
        return self._device(step), size, start

    def _device(self, step: Record) -> str:
        device = step.text("bdf")
        if device not in self._ports:
            known = ", ".join(self._ports) or "none"
            raise step.refuse(f"there is no device {device!r}; the header has {known}")
        return device

    def _reset(self, step: Record) -> None:
        if step.text("kind") != "system":
            raise step.refuse(f"kind {step.text('kind')!r}; a recorded reset is 'system'")
        self._platform.reset(ResetKind.COLD)

    def _message(self, step: Record) -> tuple[str, str] | None:
        self._interrupts.clear()
        data = step.number("data", bits=8 * _INTERRUPT_BYTES).to_bytes(_INTERRUPT_BYTES, "little")
        self._ports[self._device(step)].write(step.number("addr"), data)
        got = [_attributes(message) for message in self._interrupts]
        expected = []
        if step.part("expect") is not None:
            wanted = step.record("expect")
            expected = [{name: wanted.number(name) for name in _MESSAGE}]
        return None if got == expected else (str(expected), str(got))


def _attributes(message: InterruptMessage) -> dict[str, int]:
    """An interrupt as the recordings describe it."""
    return {name: getattr(message, attribute) for name, attribute in _MESSAGE.items()}
