// An axi_native_memory on bare wires, and a stock slave's wires to compare with; the master of both
// is a model in Python.

`default_nettype none

module native_wires #(
    parameter int DATA_WIDTH = 32,
    parameter int ID_WIDTH   = 4,
    parameter bit TWINS      = 0    // whether there is a second memory with the same number
) (
    input wire       clk,
    input wire       rst,
    input wire [4:0] stall
);

    logic [ID_WIDTH-1:0]     axi_awid = '0;
    logic [63:0]             axi_awaddr = '0;
    logic [7:0]              axi_awlen = '0;
    logic [2:0]              axi_awsize = '0;
    logic [1:0]              axi_awburst = '0;
    logic [31:0]             axi_awuser = '0;
    logic                    axi_awvalid = '0;
    logic                    axi_awready;
    logic [DATA_WIDTH-1:0]   axi_wdata = '0;
    logic [DATA_WIDTH/8-1:0] axi_wstrb = '0;
    logic                    axi_wlast = '0;
    logic                    axi_wvalid = '0;
    logic                    axi_wready;
    logic [ID_WIDTH-1:0]     axi_bid;
    logic [1:0]              axi_bresp;
    logic                    axi_bvalid;
    logic                    axi_bready = '0;
    logic [ID_WIDTH-1:0]     axi_arid = '0;
    logic [63:0]             axi_araddr = '0;
    logic [7:0]              axi_arlen = '0;
    logic [2:0]              axi_arsize = '0;
    logic [1:0]              axi_arburst = '0;
    logic [31:0]             axi_aruser = '0;
    logic                    axi_arvalid = '0;
    logic                    axi_arready;
    logic [ID_WIDTH-1:0]     axi_rid;
    logic [DATA_WIDTH-1:0]   axi_rdata;
    logic [1:0]              axi_rresp;
    logic                    axi_rlast;
    logic                    axi_rvalid;
    logic                    axi_rready = '0;

    axi_native_memory #(
        .PORT(3), .DATA_WIDTH(DATA_WIDTH), .ID_WIDTH(ID_WIDTH), .USER_WIDTH(32), .LINES(4)
    ) memory (
        .clk, .rst, .stall,
        .s_axi_awid(axi_awid), .s_axi_awaddr(axi_awaddr), .s_axi_awlen(axi_awlen),
        .s_axi_awsize(axi_awsize), .s_axi_awburst(axi_awburst), .s_axi_awuser(axi_awuser),
        .s_axi_awvalid(axi_awvalid), .s_axi_awready(axi_awready),
        .s_axi_wdata(axi_wdata), .s_axi_wstrb(axi_wstrb), .s_axi_wlast(axi_wlast),
        .s_axi_wvalid(axi_wvalid), .s_axi_wready(axi_wready),
        .s_axi_bid(axi_bid), .s_axi_bresp(axi_bresp), .s_axi_bvalid(axi_bvalid),
        .s_axi_bready(axi_bready),
        .s_axi_arid(axi_arid), .s_axi_araddr(axi_araddr), .s_axi_arlen(axi_arlen),
        .s_axi_arsize(axi_arsize), .s_axi_arburst(axi_arburst), .s_axi_aruser(axi_aruser),
        .s_axi_arvalid(axi_arvalid), .s_axi_arready(axi_arready),
        .s_axi_rid(axi_rid), .s_axi_rdata(axi_rdata), .s_axi_rresp(axi_rresp),
        .s_axi_rlast(axi_rlast), .s_axi_rvalid(axi_rvalid), .s_axi_rready(axi_rready)
    );

    if (TWINS) begin : twins
        /* verilator lint_off PINMISSING */
        axi_native_memory #(.PORT(3)) twin (.clk, .rst, .stall);
        /* verilator lint_on PINMISSING */
    end

endmodule

`default_nettype wire
