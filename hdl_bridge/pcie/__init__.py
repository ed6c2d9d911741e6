"""Endpoints of cocotbext-pcie behind an IOMMU in their root complex.

`attach` puts it there, `route_msi` lets message-signalled interrupts pass it, and `FunctionReset`
resets functions in Python together with the platform.
"""

from hdl_bridge.pcie.bridge import PcieBridge, RequestListener, attach
from hdl_bridge.pcie.function_reset import FunctionReset
from hdl_bridge.pcie.msi import route_msi

__all__ = ["FunctionReset", "PcieBridge", "RequestListener", "attach", "route_msi"]
