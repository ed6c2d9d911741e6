"""The machine of the demo: a platform with a VT-d unit and, in RTL, an NVMe disk handed to a guest.

The disk is an assigned device: the host that carries its DMA out sees what the unit maps only
through the calls of a listener, as a hypervisor does. Waveforms show the unit, the disk's port and
the RTL side by side.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cocotbext.axi import AxiBus, AxiRam

from hdl_bridge import probe
from hdl_bridge.axi import attach
from hdl_bridge.reset import ResetLine
from testbenches.demo.bug import NoRefreshOnReset
from testbenches.master import Master
from testbenches.nvme import BLOCK
from vtd_plugin import Platform, VtdConfig, VtdUnit
from vtd_plugin.cosim import UnitProbe

if TYPE_CHECKING:
    from vtd_plugin.bus import AssignedDevice

DISK: Final = "00:04.0"
RAM_BYTES: Final = 64 << 20

_DISK_WORD_BYTES: Final = 4


class Machine:
    """A platform, its unit and its disk, powered up.

    Attributes:
        dut: The top of the RTL.
        platform: Memory, and the unit's registers.
        disk_port: The disk as the host of the guest has it.
        disk_reset: The disk's reset line.
        controller: The disk's registers.
        unit_probe: What waveforms show of the unit.
    """

    def __init__(self, controller: Master, *, refresh_on_reset: bool) -> None:
        dut = controller.dut
        self.dut = dut
        self.controller = controller
        self.platform = Platform(RAM_BYTES, load_entry_points=False)
        # A host can only follow a unit whose software invalidates after mapping as well (CAP.CM).
        config = VtdConfig(CM=1)
        unit = VtdUnit(config) if refresh_on_reset else NoRefreshOnReset(config)
        self.platform.add_unit(unit)
        self.disk_port: AssignedDevice = self.platform.assign(DISK)
        self.disk_reset = self.platform.add_device(ResetLine("disk", dut.rst, dut.clk))
        slave = AxiRam(AxiBus.from_prefix(dut, "m_axi"), dut.clk, dut.rst, size=RAM_BYTES)
        probe.show(dut.probe, self.platform, attach(slave, self.disk_port))
        self.unit_probe = UnitProbe(dut.unit, self.platform, unit)

    @classmethod
    async def power_up(cls, dut: Any, *, refresh_on_reset: bool) -> Machine:
        """Power up.

        Args:
            dut: The top of the RTL, ``tb_nvme_lite``.
            refresh_on_reset: Whether the unit's reset refreshes the address spaces of requesters,
                as it must.
        """
        machine = cls(await Master.power_up(dut), refresh_on_reset=refresh_on_reset)
        await machine.controller.leave_reset()
        return machine

    def write_medium(self, lba: int, data: bytes) -> None:
        """Put blocks on the disk as its maker does, without DMA."""
        first = lba * BLOCK // _DISK_WORD_BYTES
        for offset in range(0, len(data), _DISK_WORD_BYTES):
            word = int.from_bytes(data[offset : offset + _DISK_WORD_BYTES], "little")
            self.dut.master.disk[first + offset // _DISK_WORD_BYTES].value = word

    def read_medium(self, lba: int, size: int) -> bytes:
        """What is on the disk, seen without DMA."""
        first = lba * BLOCK // _DISK_WORD_BYTES
        words = range(first, first + size // _DISK_WORD_BYTES)
        disk = self.dut.master.disk
        return b"".join(
            int(disk[word].value).to_bytes(_DISK_WORD_BYTES, "little") for word in words
        )
