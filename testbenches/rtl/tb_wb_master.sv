// The top of the testbenches with wb_master: the master and, for waveforms, probes of its port and of the
// unit in front of it.
// Parameters, ports and commands are those of wb_master.

`default_nettype none

module tb_wb_master #(
    parameter int DATA_WIDTH = 32,
    parameter int ADDR_WIDTH = 64,
    parameter bit PIPELINED  = 1
) (
    input  wire                     clk,
    input  wire                     rst,

    input  wire                     command,
    input  wire                     command_write,
    input  wire  [ADDR_WIDTH-1:0]   command_address,
    input  wire  [DATA_WIDTH-1:0]   command_data,
    input  wire  [DATA_WIDTH/8-1:0] command_select,
    input  wire                     give_up,
    output wire                     busy,
    output logic                    done,
    output logic                    failed,
    output logic [DATA_WIDTH-1:0]   result,

    output wire                     wb_cyc_o,
    output logic                    wb_stb_o,
    output logic                    wb_we_o,
    output logic [ADDR_WIDTH-1:0]   wb_adr_o,
    output logic [DATA_WIDTH-1:0]   wb_dat_o,
    output logic [DATA_WIDTH/8-1:0] wb_sel_o,
    input  wire  [DATA_WIDTH-1:0]   wb_dat_i,
    input  wire                     wb_ack_i,
    input  wire                     wb_err_i,
    input  wire                     wb_rty_i,
    input  wire                     wb_stall_i
);

    wb_master #(
        .DATA_WIDTH(DATA_WIDTH), .ADDR_WIDTH(ADDR_WIDTH), .PIPELINED(PIPELINED)
    ) master (.*);

    bus_probe probe ();
    vtd_probe unit ();

endmodule

`default_nettype wire
