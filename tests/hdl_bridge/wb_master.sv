// A Wishbone master that does the accesses it is told, one at a time, in classic cycles.
//
// A command is taken while `busy` is low and `command` is high. `done` is high for one clock cycle
// with the outcome. While `give_up` is high, an access that has no answer yet is given up.

`default_nettype none

module wb_master #(
    parameter int DATA_WIDTH = 32,
    parameter int ADDR_WIDTH = 64
) (
    input  wire                     clk,
    input  wire                     rst,

    input  wire                     command,
    input  wire                     command_write,
    input  wire  [ADDR_WIDTH-1:0]   command_address,
    input  wire  [DATA_WIDTH-1:0]   command_data,
    input  wire  [DATA_WIDTH/8-1:0] command_select,
    input  wire                     give_up,
    output logic                    busy,
    output logic                    done,
    output logic                    failed,
    output logic [DATA_WIDTH-1:0]   result,

    output logic                    wb_cyc_o,
    output logic                    wb_stb_o,
    output logic                    wb_we_o,
    output logic [ADDR_WIDTH-1:0]   wb_adr_o,
    output logic [DATA_WIDTH-1:0]   wb_dat_o,
    output logic [DATA_WIDTH/8-1:0] wb_sel_o,
    input  wire  [DATA_WIDTH-1:0]   wb_dat_i,
    input  wire                     wb_ack_i,
    input  wire                     wb_err_i
);

    wire answered = wb_stb_o && (wb_ack_i || wb_err_i);

    assign busy     = wb_stb_o;
    assign wb_stb_o = wb_cyc_o;

    always_ff @(posedge clk) begin
        done <= 1'b0;
        if (!wb_cyc_o && command) begin
            wb_cyc_o <= 1'b1;
            wb_we_o  <= command_write;
            wb_adr_o <= command_address;
            wb_dat_o <= command_data;
            wb_sel_o <= command_select;
        end else if (answered || give_up) begin
            wb_cyc_o <= 1'b0;
            done     <= wb_cyc_o;
            failed   <= wb_err_i || !answered;
            result   <= wb_dat_i;
        end
        if (rst) begin
            wb_cyc_o <= 1'b0;
            done     <= 1'b0;
        end
    end

endmodule

`default_nettype wire
