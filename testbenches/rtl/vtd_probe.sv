// The state of the VT-d unit in front of a DMA master, as signals for the waveforms.
//
// Nothing drives these registers in RTL and nothing may read them: testbenches/unit_probe.py deposits
// into them. Instantiate it once in the top of a testbench.

`default_nettype none

/* verilator lint_off UNUSEDSIGNAL */
module vtd_probe;

    logic         translation   = 1'b0;     // GSTS.TES: translation is on
    logic         root_table    = 1'b0;     // GSTS.RTPS: the root table pointer is set
    logic         queue         = 1'b0;     // GSTS.QIES: the invalidation queue is on
    logic         fault_pending = 1'b0;     // FSTS.PPF: a fault record waits for software
    logic [127:0] note          = 128'd0;   // what the testbench is about, as text

endmodule
/* verilator lint_on UNUSEDSIGNAL */

`default_nettype wire
