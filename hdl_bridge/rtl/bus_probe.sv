// What a requester port sees, as signals, so that it stands in the waveforms beside the RTL.
//
// Nothing drives these registers in RTL and nothing may read them: hdl_bridge.probe deposits into them
// from the events of the bus. Instantiate it once for each DMA master in the top of a testbench.

`default_nettype none

/* verilator lint_off UNUSEDSIGNAL */
module bus_probe;

    logic        remapped         = 1'b0;    // the port's address space is an IOMMU's
    logic [31:0] switches         = 32'd0;   // times it was switched
    logic [31:0] mappings         = 32'd0;   // ranges that its listeners hold now; 0 without listeners
    logic [15:0] in_flight        = 16'd0;   // requests begun and not ended
    logic [63:0] request_iova     = 64'd0;   // the last request begun:
    logic [15:0] request_bytes    = 16'd0;
    logic        request_is_write = 1'b0;
    logic [63:0] request_address  = 64'd0;   //   where in memory it went
    logic        request_blocked  = 1'b0;    //   or that it was blocked
    logic [31:0] faults           = 32'd0;   // requests blocked so far
    logic [63:0] fault_iova       = 64'd0;   // the last of them
    logic [7:0]  fault_code       = 8'd0;
    logic [31:0] interrupts       = 32'd0;   // interrupt messages delivered
    logic [31:0] interrupt_data   = 32'd0;   // the last of them

endmodule
/* verilator lint_on UNUSEDSIGNAL */

`default_nettype wire
