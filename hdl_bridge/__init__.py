"""RTL on one side, the bus of `vtd_plugin.bus` on the other.

`hdl_bridge.axi`, `hdl_bridge.wishbone`, `hdl_bridge.pcie` and `hdl_bridge.native` put a requester
port behind a master, `hdl_bridge.reset` ties RTL resets to those of a platform, `hdl_bridge.probe`
shows a port in the waveforms, and `hdl_bridge.waiting` lets software wait: all are for use inside a
cocotb test. `hdl_bridge.simulators` and `hdl_bridge.simulation` find a simulator and run such
tests. This package knows buses, not VT-d.
"""
