"""A platform simulator that gets an IOMMU: its memory, a DMA device of its own, and the unit.

The simulator keeps what it has. It lends its RAM to the platform, and its device asks a requester
port instead of the RAM. Run it with ``python examples/platform_simulator.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vtd_plugin import Platform, RequesterPort, VtdUnit
from vtd_plugin.software import Driver, FrameAllocator

if TYPE_CHECKING:
    from vtd_plugin.bus import ResetKind

DISK: Final = "00:1f.2"
MSI: Final = (0xFEE0_0000, 0x31)

BUFFER: Final = 0x20_0000
"""Where the buffer is in memory."""
IOVA: Final = 0x8000_0000
"""Where the disk finds it."""


class Disk:
    """A device of the simulator: reads blocks into memory and interrupts."""

    name = "disk"

    def __init__(self, port: RequesterPort) -> None:
        """Take the port that leads to memory."""
        self.port = port
        self.blocks = {0: b"boot".ljust(512, b"\0"), 7: b"data".ljust(512, b"\0")}
        self.failed = False

    def read_block(self, number: int, address: int) -> None:
        """Put a block where the guest asked for it."""
        result = self.port.write(address, self.blocks[number])
        self.failed = not result.ok
        self.port.write(MSI[0], MSI[1].to_bytes(4, "little"))

    def reset(self, kind: ResetKind) -> None:  # noqa: ARG002  every reset is the same to a disk
        """Forget what went wrong."""
        self.failed = False


def main() -> None:
    """Boot without the IOMMU, turn it on, misuse it, and reboot."""
    ram = bytearray(16 << 20)  # the simulator's own
    vectors: list[int] = []
    platform = Platform(ram=ram)
    platform.add_unit(VtdUnit())
    platform.add_interrupt_sink(lambda message: vectors.append(message.data & 0xFF))
    disk = platform.add_device(Disk(platform.requester(DISK)))

    disk.read_block(0, 0x7C00)
    print("firmware reads", bytes(ram[0x7C00:0x7C04]))

    driver = Driver(platform, frames=FrameAllocator(0x80_0000, 0x40_0000))
    driver.enable()
    domain = driver.create_domain()
    domain.map(IOVA, BUFFER, 0x1000)
    driver.attach(DISK, domain)
    disk.read_block(7, IOVA)
    print("the system reads", bytes(ram[BUFFER : BUFFER + 4]))

    disk.read_block(7, 0x7C00)
    print("a wild read", "fails" if disk.failed else "succeeds", bytes(ram[0x7C00:0x7C04]))
    for fault in driver.handle_faults():
        print("fault", fault)

    platform.reset()
    disk.read_block(7, 0x7C00)
    print("firmware reads", bytes(ram[0x7C00:0x7C04]), "after the reset")
    print("interrupts", vectors)


if __name__ == "__main__":
    main()
