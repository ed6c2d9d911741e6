"""Replaying recorded cases on a fresh unit.

A case is a file of JSON lines: a header that describes the unit and its devices, then one step a
line (CPU and register accesses, DMA, resets, interrupts) with what a real implementation answered.
The format is described in the documentation under "Recorded vectors".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from vtd_plugin.bus import InterruptMessage, Platform, ResetKind
from vtd_plugin.iommu import VtdConfig, VtdUnit

if TYPE_CHECKING:
    from pathlib import Path

FORMAT: Final = 1
"""The version of the format, in the header's ``vtd_vector``."""

_BUFFER_BYTES: Final = 4096
"""Every device has a buffer of this size, from and into which its DMA goes."""

_INTERRUPT_BYTES: Final = 4

_MALFORMED: Final = (AttributeError, LookupError, MemoryError, OverflowError, TypeError, ValueError)
"""What a part that is missing, of another type, or without measure shows as."""

Step = Mapping[str, Any]


class VectorError(ValueError):
    """A file that is no vector, or a step that the format does not have."""


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
    lines = _parse(path)
    number, header = next(lines, (0, {}))
    if header.get("vtd_vector") != FORMAT:
        raise VectorError(
            f"{path}: the first line is no header of a vector of format {FORMAT} "
            f"(vtd_vector is {header.get('vtd_vector')!r})"
        )
    outcome = Outcome(str(header.get("name", path.stem)), path)
    bench = _bench_of(path, header)
    for number, step in lines:
        outcome.steps += 1
        mismatch = bench.do(path, number, step)
        if mismatch is not None:
            outcome.mismatches.append(mismatch)
    return outcome


def _parse(path: Path) -> Iterator[tuple[int, Step]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                step = json.loads(line.decode())
            except json.JSONDecodeError as error:
                raise VectorError(f"{path}:{number}: not JSON: {error.msg}") from error
            except (UnicodeDecodeError, RecursionError) as error:
                raise VectorError(f"{path}:{number}: not JSON: {error}") from error
            if not isinstance(step, dict):
                raise VectorError(f"{path}:{number}: {line.decode().strip()[:40]} is no object")
            yield number, step


def _bench_of(path: Path, header: Step) -> Bench:
    try:
        described = header["config"]
        config = VtdConfig.from_registers(
            _number(described["ver"]),
            _number(described["cap"]),
            _number(described["ecap"]),
            host_address_width=_number(described["haw"]),
        )
        devices = [device["bdf"] for device in header["devices"]]
        return Bench(config, _number(described["ram_size"]), devices)
    except _MALFORMED as error:
        raise VectorError(f"{path}: the header does not describe a unit: {error!r}") from error


def _number(text: str) -> int:
    return int(text, 16)


class Bench:
    """A platform with one unit and the devices of a case.

    Args:
        config: What the unit is.
        ram_size: Bytes of RAM from address 0.
        devices: Requester ids, such as ``"00:03.0"``.
    """

    def __init__(self, config: VtdConfig, ram_size: int, devices: list[str]) -> None:
        self._platform = Platform(ram_size=ram_size)
        self._unit = self._platform.add_unit(VtdUnit(config))
        self._ports = {device: self._platform.requester(device) for device in devices}
        self._buffers = {device: bytearray(_BUFFER_BYTES) for device in devices}
        self._interrupts: list[InterruptMessage] = []
        self._platform.add_interrupt_sink(self._interrupts.append)
        self._steps: dict[str, Callable[[Step], tuple[str, str] | None]] = {
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

    def do(self, path: Path, number: int, step: Step) -> Mismatch | None:
        """Do one step and compare.

        Raises:
            VectorError: The format has no such step, or it lacks a part.
        """
        operation = str(step.get("op"))
        if operation not in self._steps:
            known = ", ".join(self._steps)
            raise VectorError(f"{path}:{number}: there is no step {operation!r}; there are {known}")
        try:
            difference = self._steps[operation](step)
        except _MALFORMED as error:
            raise VectorError(f"{path}:{number}: {operation}: {error!r}") from error
        if difference is None:
            return None
        where = step.get("offset") or step.get("addr") or step.get("bdf") or ""
        return Mismatch(number, f"{operation} {where}".strip(), *difference)

    def _memory_write(self, step: Step) -> None:
        self._platform.write(_number(step["addr"]), bytes.fromhex(step["data"]))

    def _memory_fill(self, step: Step) -> None:
        fill = bytes([_number(step["byte"])]) * _number(step["size"])
        self._platform.write(_number(step["addr"]), fill)

    def _memory_read(self, step: Step) -> tuple[str, str] | None:
        got = self._platform.read(_number(step["addr"]), _number(step["size"])).hex()
        expected = str(step["expect"])
        return None if got == expected else (expected, got)

    def _register_write(self, step: Step) -> None:
        self._unit.write_register(
            _number(step["offset"]), _number(step["value"]), _number(step["size"])
        )

    def _register_read(self, step: Step) -> tuple[str, str] | None:
        size = _number(step["size"])
        mask = _number(step["mask"]) if "mask" in step else (1 << 8 * size) - 1
        got = self._unit.read_register(_number(step["offset"]), size) & mask
        expected = _number(step["expect"]) & mask
        return None if got == expected else (f"{expected:#x}", f"{got:#x}")

    def _dma_load(self, step: Step) -> None:
        size, start = _in_buffer(step)
        result = self._ports[step["bdf"]].read(_number(step["iova"]), size)
        self._buffers[step["bdf"]][start : start + size] = result.data

    def _dma_store(self, step: Step) -> None:
        size, start = _in_buffer(step)
        data = bytes(self._buffers[step["bdf"]][start : start + size])
        self._ports[step["bdf"]].write(_number(step["iova"]), data)

    def _reset(self, step: Step) -> None:
        if step["kind"] != "system":
            raise ValueError(f"reset of kind {step['kind']!r}; a recorded reset is 'system'")
        self._platform.reset(ResetKind.COLD)

    def _message(self, step: Step) -> tuple[str, str] | None:
        self._interrupts.clear()
        data = _number(step["data"]).to_bytes(_INTERRUPT_BYTES, "little")
        self._ports[step["bdf"]].write(_number(step["addr"]), data)
        got = [_attributes(message) for message in self._interrupts]
        wanted = step["expect"]
        expected = [] if wanted is None else [_numbers(wanted)]
        return None if got == expected else (str(expected), str(got))


def _in_buffer(step: Step) -> tuple[int, int]:
    """Size of a DMA and where in the device's buffer it goes."""
    size, start = _number(step["size"]), _number(step["buf"])
    if start + size > _BUFFER_BYTES:
        raise ValueError(f"{size:#x} bytes at {start:#x} are not within {_BUFFER_BYTES:#x} bytes")
    return size, start


def _numbers(attributes: Mapping[str, Any]) -> dict[str, int]:
    return {
        name: value if isinstance(value, int) else _number(value)
        for name, value in attributes.items()
    }


def _attributes(message: InterruptMessage) -> dict[str, int]:
    """An interrupt as the recordings describe it."""
    return {
        "vector": message.vector,
        "delivery_mode": message.delivery_mode,
        "trigger_mode": message.trigger_mode,
        "dest_mode": message.destination_mode,
        "redir_hint": message.redirection_hint,
        "dest": message.destination,
    }
