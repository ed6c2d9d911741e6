"""The case this project began with: a disk that could not be booted from after a reset.

An NVMe disk in RTL is assigned to a guest: its DMA goes by the mappings that the host was told of.
Firmware boots from it, an operating system turns DMA remapping on and uses it, the machine is reset
in the middle of a transfer, and firmware, which knows nothing of IOMMUs, must boot from it again.

`run_demo` runs all that in an HDL simulator. What happens inside is in `scenario`; the parts are a
`machine`, its `firmware` and its `operating_system`, and a `bug` that can be put into its unit.
"""

from testbenches.demo.launch import run_demo
from testbenches.demo.report import BlockedRequest, Phase

__all__ = ["BlockedRequest", "Phase", "run_demo"]
