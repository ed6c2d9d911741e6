// An AXI4 memory whose bytes are those of the platform, moved without Python (Verilator only).
//
// It keeps pages that a requester port leased to it, so that bursts into them are served in RTL and
// C alone; `hdl_bridge.native` answers for the rest, and for what calls pages back. Both directions
// work side by side, each with one burst at a time. It is in every way a memory behind a requester
// port: what is in flight, what faults, and what a reset aborts are the same.
//
// Parameters
//   PORT         number of the instance, 0 to 15; no two of a simulation have the same
//   ADDR_WIDTH   12 + log2(LINES) to 64
//   DATA_WIDTH   a power of two, 8 to 1024
//   USER_WIDTH   bits of AxUSER, 1 to 64
//   LINES        pages kept for each direction, a power of two from 2 on
//
// Of each bit in `stall` set, a channel pauses: 0 AW, 1 W, 2 B, 3 AR, 4 R. `rst` is synchronous.
// Write data is not taken before its address.

`default_nettype none

module axi_native_memory #(
    parameter int PORT       = 0,
    parameter int ADDR_WIDTH = 64,
    parameter int DATA_WIDTH = 32,
    parameter int ID_WIDTH   = 4,
    parameter int USER_WIDTH = 1,
    parameter int LINES      = 64
) (
    input  wire                     clk,
    input  wire                     rst,
    input  wire  [4:0]              stall,

    input  wire  [ID_WIDTH-1:0]     s_axi_awid,
    input  wire  [ADDR_WIDTH-1:0]   s_axi_awaddr,
    input  wire  [7:0]              s_axi_awlen,
    input  wire  [2:0]              s_axi_awsize,
    input  wire  [1:0]              s_axi_awburst,
    input  wire  [USER_WIDTH-1:0]   s_axi_awuser,
    input  wire                     s_axi_awvalid,
    output logic                    s_axi_awready,
    input  wire  [DATA_WIDTH-1:0]   s_axi_wdata,
    input  wire  [DATA_WIDTH/8-1:0] s_axi_wstrb,
    input  wire                     s_axi_wlast,
    input  wire                     s_axi_wvalid,
    output logic                    s_axi_wready,
    output logic [ID_WIDTH-1:0]     s_axi_bid,
    output logic [1:0]              s_axi_bresp,
    output logic                    s_axi_bvalid,
    input  wire                     s_axi_bready,
    input  wire  [ID_WIDTH-1:0]     s_axi_arid,
    input  wire  [ADDR_WIDTH-1:0]   s_axi_araddr,
    input  wire  [7:0]              s_axi_arlen,
    input  wire  [2:0]              s_axi_arsize,
    input  wire  [1:0]              s_axi_arburst,
    input  wire  [USER_WIDTH-1:0]   s_axi_aruser,
    input  wire                     s_axi_arvalid,
    output logic                    s_axi_arready,
    output logic [ID_WIDTH-1:0]     s_axi_rid,
    output logic [DATA_WIDTH-1:0]   s_axi_rdata,
    output logic [1:0]              s_axi_rresp,
    output logic                    s_axi_rlast,
    output logic                    s_axi_rvalid,
    input  wire                     s_axi_rready
);

    if (PORT < 0 || PORT > 15)
        $error("PORT=%0d of an axi_native_memory: 0 to 15", PORT);
    if (DATA_WIDTH < 8 || DATA_WIDTH > 1024 || (DATA_WIDTH & (DATA_WIDTH - 1)) != 0)
        $error("DATA_WIDTH=%0d of an axi_native_memory: a power of two, 8 to 1024", DATA_WIDTH);
    if (USER_WIDTH < 1 || USER_WIDTH > 64)
        $error("USER_WIDTH=%0d of an axi_native_memory: 1 to 64", USER_WIDTH);
    if (LINES < 2 || (LINES & (LINES - 1)) != 0)
        $error("LINES=%0d of an axi_native_memory: a power of two from 2 on", LINES);
    if (ADDR_WIDTH < 12 + $clog2(LINES) || ADDR_WIDTH > 64)
        $error("ADDR_WIDTH=%0d of an axi_native_memory: 12 + log2(LINES) to 64", ADDR_WIDTH);

    initial
        if (!axi_native_pkg::native_claim(PORT))
            $fatal(1, "two axi_native_memory have PORT=%0d", PORT);

    logic [5:0] attention;  // what Python waits for: changes when the C side has something to do

    axi_native_write #(
        .PORT(PORT), .ADDR_WIDTH(ADDR_WIDTH), .DATA_WIDTH(DATA_WIDTH), .ID_WIDTH(ID_WIDTH),
        .USER_WIDTH(USER_WIDTH), .LINES(LINES)
    ) write_half (
        .clk, .rst, .stall_address(stall[0]), .stall_data(stall[1]), .stall_response(stall[2]),
        .attention(attention[5:3]),
        .s_axi_awid, .s_axi_awaddr, .s_axi_awlen, .s_axi_awsize, .s_axi_awburst, .s_axi_awuser,
        .s_axi_awvalid, .s_axi_awready, .s_axi_wdata, .s_axi_wstrb, .s_axi_wlast, .s_axi_wvalid,
        .s_axi_wready, .s_axi_bid, .s_axi_bresp, .s_axi_bvalid, .s_axi_bready
    );

    axi_native_read #(
        .PORT(PORT), .ADDR_WIDTH(ADDR_WIDTH), .DATA_WIDTH(DATA_WIDTH), .ID_WIDTH(ID_WIDTH),
        .USER_WIDTH(USER_WIDTH), .LINES(LINES)
    ) read_half (
        .clk, .rst, .stall_address(stall[3]), .stall_data(stall[4]),
        .attention(attention[2:0]),
        .s_axi_arid, .s_axi_araddr, .s_axi_arlen, .s_axi_arsize, .s_axi_arburst, .s_axi_aruser,
        .s_axi_arvalid, .s_axi_arready, .s_axi_rid, .s_axi_rdata, .s_axi_rresp, .s_axi_rlast,
        .s_axi_rvalid, .s_axi_rready
    );

endmodule

`default_nettype wire
