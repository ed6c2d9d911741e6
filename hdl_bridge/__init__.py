"""RTL on one side, the bus of `vtd_plugin.bus` on the other.

`hdl_bridge.axi` puts a requester port behind an AXI slave of cocotbext-axi, and
`hdl_bridge.reset` ties RTL resets to those of a platform: both are for use inside a cocotb test.
`hdl_bridge.simulators` and `hdl_bridge.simulation` find a simulator and run such tests. This
package knows buses, not VT-d.
"""
