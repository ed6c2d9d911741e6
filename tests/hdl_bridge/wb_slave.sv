// A Wishbone slave with 64 bytes of registers, in classic cycles or in pipelined mode.
//
// By their byte address, accesses are answered `wait_states` clock cycles late with
//   0x000  ACK: the registers, each byte of which can be written by itself
//   0x040  ERR
//   0x080  RTY
//   0x0c0  nothing, for ever
//   0x100  ACK: what reads as X
// While `hold` is high, a pipelined one stalls, and a classic one keeps its answer until STB is low.
// `answers` counts the answers.

`default_nettype none

module wb_slave #(
    parameter int DATA_WIDTH   = 32,
    parameter int ADDRESS_UNIT = 1,
    parameter bit PIPELINED    = 1
) (
    input  wire                     clk,
    input  wire                     rst,

    input  wire  [7:0]              wait_states,
    input  wire                     hold,
    output logic [15:0]             answers,

    input  wire                     wb_cyc_i,
    input  wire                     wb_stb_i,
    input  wire                     wb_we_i,
    input  wire  [15:0]             wb_adr_i,
    input  wire  [DATA_WIDTH-1:0]   wb_dat_i,
    input  wire  [DATA_WIDTH/8-1:0] wb_sel_i,
    input  wire  [2:0]              wb_cti_i,
    output logic [DATA_WIDTH-1:0]   wb_dat_o,
    output logic                    wb_ack_o,
    output logic                    wb_err_o,
    output logic                    wb_rty_o,
    output wire                     wb_stall_o
);

    localparam int BYTES = DATA_WIDTH / 8;
    localparam int DEPTH = 4;

    logic [7:0]            registers [0:63];

    logic [8:0]            address [0:DEPTH-1];
    logic                  writes  [0:DEPTH-1];
    logic [DATA_WIDTH-1:0] data    [0:DEPTH-1];
    logic [BYTES-1:0]      select  [0:DEPTH-1];
    logic [2:0]            count;
    logic [7:0]            waited;

    wire answers_now = wb_ack_o || wb_err_o || wb_rty_o;
    wire keeps       = !PIPELINED && hold && wb_stb_i && answers_now;
    wire taken       = wb_cyc_i && wb_stb_i && wb_cti_i == 0
                       && (PIPELINED ? !wb_stall_o : count == 0 && !answers_now);
    wire due         = count != 0 && waited >= wait_states && address[0][8:6] != 3;
    wire [1:0] free  = 2'(count - 3'(due));  // where the next request goes

    assign wb_stall_o = PIPELINED && (hold || count == 3'(DEPTH));

    always_ff @(posedge clk) begin
        wb_ack_o <= keeps && wb_ack_o;
        wb_err_o <= keeps && wb_err_o;
        wb_rty_o <= keeps && wb_rty_o;
        waited   <= (count == 0 || due) ? 8'd0 : waited + 8'd1;
        if (due) begin
            wb_ack_o <= address[0][8:6] == 0 || address[0][8];
            wb_err_o <= address[0][8:6] == 1;
            wb_rty_o <= address[0][8:6] == 2;
            answers  <= answers + 16'd1;
            wb_dat_o <= {DATA_WIDTH{1'bx}};
            for (int lane = 0; lane < BYTES; lane++) begin
                if (address[0][8:6] == 0 && select[0][lane]) begin
                    if (writes[0]) registers[address[0][5:0] + 6'(lane)] <= data[0][8*lane +: 8];
                    else wb_dat_o[8*lane +: 8] <= registers[address[0][5:0] + 6'(lane)];
                end
            end
            for (int place = 1; place < DEPTH; place++) begin
                address[place-1] <= address[place];
                writes[place-1]  <= writes[place];
                data[place-1]    <= data[place];
                select[place-1]  <= select[place];
            end
        end
        if (taken) begin
            address[free] <= 9'(wb_adr_i * ADDRESS_UNIT) & ~9'(BYTES - 1);
            writes[free]  <= wb_we_i;
            data[free]    <= wb_dat_i;
            select[free]  <= wb_sel_i;
        end
        count <= count - 3'(due) + 3'(taken);
        if (rst || !wb_cyc_i) begin
            count    <= 3'd0;
            wb_ack_o <= 1'b0;
            wb_err_o <= 1'b0;
            wb_rty_o <= 1'b0;
        end
        if (rst) answers <= 16'd0;
    end

endmodule

`default_nettype wire
