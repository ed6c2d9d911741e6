// A Wishbone master that does the accesses it is told, in classic cycles or in pipelined mode.
//
// A command is taken at a clock edge at which `command` is high and `busy` low. `done` is high for
// one clock cycle with the outcome of the oldest access that had none. Commands may follow each
// other at once; a classic master then keeps CYC and STB high from one access to the next, a
// pipelined one has several under way. While `give_up` is high, whatever is under way is given up,
// and has no outcome.

`default_nettype none

module wb_master #(
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

    logic [7:0] unanswered;  // without the one that is shown

    wire answered = wb_cyc_o && (wb_ack_i || wb_err_i || wb_rty_i);
    wire accepted = wb_stb_o && (PIPELINED ? !wb_stall_i : answered);

    assign wb_cyc_o = wb_stb_o || unanswered != 0;
    assign busy     = wb_stb_o && !accepted;

    always_ff @(posedge clk) begin
        done       <= answered;
        failed     <= !wb_ack_i;
        result     <= wb_dat_i;
        unanswered <= unanswered + 8'(accepted) - 8'(answered);
        if (!busy) begin
            wb_stb_o <= command;
            wb_we_o  <= command_write;
            wb_adr_o <= command_address;
            wb_dat_o <= command_data;
            wb_sel_o <= command_select;
        end
        if (rst || give_up) begin
            wb_stb_o   <= 1'b0;
            done       <= 1'b0;
            unanswered <= 8'd0;
        end
    end

endmodule

`default_nettype wire
