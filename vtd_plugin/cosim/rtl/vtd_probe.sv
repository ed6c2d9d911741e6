// The state of a VT-d unit and what happens in it, as signals for the waveforms.
//
// Nothing drives these registers in RTL and nothing may read them: vtd_plugin.cosim deposits into them.
// Instantiate it once for each unit in the top of a testbench.

`default_nettype none

/* verilator lint_off UNUSEDSIGNAL */
module vtd_probe;

    // state
    logic         translation         = 1'b0;     // GSTS.TES: translation is on
    logic         root_table          = 1'b0;     // GSTS.RTPS: the root table pointer is set
    logic         interrupt_remapping = 1'b0;     // GSTS.IRES: interrupt remapping is on
    logic         queue               = 1'b0;     // GSTS.QIES: the invalidation queue is on
    logic         fault_pending       = 1'b0;     // FSTS.PPF: a fault record waits for software
    logic [15:0]  draining            = 16'd0;    // commands that wait for transfers to end
    logic [31:0]  context_entries     = 32'd0;    // what the caches hold
    logic [31:0]  pasid_entries       = 32'd0;
    logic [31:0]  structure_entries   = 32'd0;    //   paging structures of both stages
    logic [31:0]  iotlb_entries       = 32'd0;
    logic [31:0]  interrupt_entries   = 32'd0;

    // events: how many there were, and the last of them
    logic [31:0]  walks               = 32'd0;    // page walks
    logic [15:0]  walk_source_id      = 16'd0;
    logic [63:0]  walk_iova           = 64'd0;
    logic         walk_found          = 1'b0;     //   whether it found a page
    logic [31:0]  invalidations       = 32'd0;    // invalidations by software
    logic [255:0] invalidation        = 256'd0;   //   cache and granularity, as text
    logic [31:0]  drains_began        = 32'd0;    // commands that had to wait
    logic [31:0]  drains_ended        = 32'd0;    //   done, superseded, or reset
    logic [255:0] drain               = 256'd0;   //   the last that began, as text
    logic [31:0]  switches            = 32'd0;    // address spaces of requesters chosen afresh
    logic [15:0]  switch_source_id    = 16'd0;
    logic [31:0]  faults              = 32'd0;    // requests blocked
    logic [15:0]  fault_source_id     = 16'd0;
    logic [63:0]  fault_iova          = 64'd0;
    logic [7:0]   fault_code          = 8'd0;

    logic [127:0] note                = 128'd0;   // what the testbench is about, as text

endmodule
/* verilator lint_on UNUSEDSIGNAL */

`default_nettype wire
