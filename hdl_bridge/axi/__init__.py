"""AXI4 masters before a requester port: behind a stock slave of cocotbext-axi, or a memory of ours.

`attach` lets an AxiRam or AxiSlave that is there ask the bus; `AxiMemory` takes its place and is
faster. The bursts of both are requests of the bus, in flight from the clock edge at which their
address is accepted until the master has accepted their last response.
"""

from hdl_bridge.axi.memory import AxiMemory, Latency
from hdl_bridge.axi.slave import attach, attach_registers
from hdl_bridge.axi.stock import TESTED_VERSION
from hdl_bridge.burst_port import AxiUser, BurstPort, FaultResponse
from hdl_bridge.bursts import AxiProtocolError

__all__ = [
    "TESTED_VERSION",
    "AxiMemory",
    "AxiProtocolError",
    "AxiUser",
    "BurstPort",
    "FaultResponse",
    "Latency",
    "attach",
    "attach_registers",
]
