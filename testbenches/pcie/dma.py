"""What a host does with pcie_dma, and the models around it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

from cocotbext.pcie.core.tlp import CplStatus
from cocotbext.pcie.intel.s10 import S10PcieDevice, S10RxBus, S10TxBus

IDENTIFICATION: Final = 0x414D_4450
PIECE_BYTES: Final = 128
SLOTS: Final = 4

_BAR_BYTES: Final = 4096
_RUN: Final = 1 << 0
_INTERRUPT: Final = 1 << 1


class Register(IntEnum):
    """Offsets of the registers in BAR 0."""

    ID = 0x00
    CONTROL = 0x04
    STATUS = 0x08
    SOURCE = 0x10
    DESTINATION = 0x18
    LENGTH = 0x20
    MESSAGE_ADDRESS = 0x28
    MESSAGE_DATA = 0x30


@dataclass(frozen=True, slots=True)
class Status:
    """The STATUS register.

    Attributes:
        busy: A copy is under way.
        done: A copy has ended.
        failed: A read of it was not completed successfully.
        completion: The status of the first such completion.
    """

    busy: bool
    done: bool
    failed: bool
    completion: CplStatus

    @classmethod
    def decode(cls, value: int) -> Status:
        """Take the register apart."""
        busy, done, failed = (bool(value >> bit & 1) for bit in range(3))
        return cls(busy, done, failed, CplStatus(value >> 8 & 7))


class DmaEngine:
    """A pcie_dma in the testbench, and its driver.

    Attributes:
        device: The model of the hard IP in front of it, to be connected to a root port.
        reset: The reset of the engine, asserted at first.
        clock: Its clock, which the hard IP drives.
    """

    def __init__(self, dut: Any, name: str) -> None:
        """Put the model of a hard IP before an engine.

        Args:
            dut: The top of the testbench.
            name: ``"a"`` or ``"b"``.
        """
        self.reset = getattr(dut, f"{name}_rst")
        self.clock = getattr(dut, f"{name}_clk")
        self.device: Any = S10PcieDevice(
            pcie_generation=3,
            pcie_link_width=8,
            pld_clk_frequency=250e6,
            coreclkout_hip=self.clock,
            rx_bus=S10RxBus.from_prefix(dut, f"{name}_rx_st"),
            tx_bus=S10TxBus.from_prefix(dut, f"{name}_tx_st"),
            tl_cfg_func=getattr(dut, f"{name}_tl_cfg_func"),
            tl_cfg_add=getattr(dut, f"{name}_tl_cfg_add"),
            tl_cfg_ctl=getattr(dut, f"{name}_tl_cfg_ctl"),
        )
        self.reset.value = 1
        self.device.functions[0].configure_bar(0, _BAR_BYTES)
        self._root_complex: Any = None

    @property
    def source_id(self) -> int:
        """Its requester id, once it has been enumerated."""
        return int(self.device.functions[0].pcie_id)

    async def enable(self, root_complex: Any) -> None:
        """Let it answer and master after its bus was enumerated."""
        self._root_complex = root_complex
        found = root_complex.find_device(self.device.functions[0].pcie_id)
        await found.enable_device()
        await found.set_master()

    async def write(self, register: Register, value: int) -> None:
        """Write a register; SOURCE, DESTINATION and MESSAGE_ADDRESS have 64 bits."""
        address = self._address(register)
        await self._root_complex.mem_write_dword(address, value & 0xFFFF_FFFF)
        if register in (Register.SOURCE, Register.DESTINATION, Register.MESSAGE_ADDRESS):
            await self._root_complex.mem_write_dword(address + 4, value >> 32)

    async def read(self, register: Register) -> int:
        """Read the lower 32 bits of a register."""
        value: int = await self._root_complex.mem_read_dword(self._address(register))
        return value

    async def start(
        self, source: int, destination: int, length: int, *, message: int | None = None
    ) -> None:
        """Start a copy.

        Args:
            source: Address of the first byte, a multiple of 4.
            destination: Address it is copied to, a multiple of 4.
            length: Bytes, a multiple of 4.
            message: Data of an interrupt to send to 0xFEE0_0000 at the end; None for no interrupt.
        """
        await self.write(Register.SOURCE, source)
        await self.write(Register.DESTINATION, destination)
        await self.write(Register.LENGTH, length)
        if message is not None:
            await self.write(Register.MESSAGE_ADDRESS, 0xFEE0_0000)
            await self.write(Register.MESSAGE_DATA, message)
        await self.write(Register.CONTROL, _RUN | (_INTERRUPT if message is not None else 0))

    async def finish(self) -> Status:
        """Poll STATUS until a copy has ended."""
        while True:
            status = Status.decode(await self.read(Register.STATUS))
            if status.done:
                return status

    def _address(self, register: Register) -> int:
        bar: int = self.device.functions[0].bar[0]
        return bar + register
