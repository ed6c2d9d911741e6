// sg_dma on an axi_native_memory: Python has the registers, and no beat passes it. For Verilator.
//
// The wires between the two have the names that they have as ports of tb_sg_dma. `stall` is that of
// axi_native_memory.

`default_nettype none

module tb_sg_dma_native #(
    parameter int ADDR_WIDTH  = 64,
    parameter int DATA_WIDTH  = 32,
    parameter int ID_WIDTH    = 4,
    parameter int SLOTS       = 4,
    parameter int BURST_BEATS = 16
) (
    input  wire                     clk,
    input  wire                     rst,
    output logic                    irq,
    input  wire  [4:0]              stall,

    input  wire  [5:0]              s_axil_awaddr,
    input  wire                     s_axil_awvalid,
    output logic                    s_axil_awready,
    input  wire  [31:0]             s_axil_wdata,
    input  wire  [3:0]              s_axil_wstrb,
    input  wire                     s_axil_wvalid,
    output logic                    s_axil_wready,
    output logic [1:0]              s_axil_bresp,
    output logic                    s_axil_bvalid,
    input  wire                     s_axil_bready,
    input  wire  [5:0]              s_axil_araddr,
    input  wire                     s_axil_arvalid,
    output logic                    s_axil_arready,
    output logic [31:0]             s_axil_rdata,
    output logic [1:0]              s_axil_rresp,
    output logic                    s_axil_rvalid,
    input  wire                     s_axil_rready
);

    logic [ID_WIDTH-1:0]           m_axi_awid;
    logic [ADDR_WIDTH-1:0]         m_axi_awaddr;
    logic [7:0]                    m_axi_awlen;
    logic [2:0]                    m_axi_awsize;
    logic [1:0]                    m_axi_awburst;
    logic [23:0]                   m_axi_awuser;
    logic                          m_axi_awvalid;
    logic                          m_axi_awready;
    logic [DATA_WIDTH-1:0]         m_axi_wdata;
    logic [DATA_WIDTH/8-1:0]       m_axi_wstrb;
    logic                          m_axi_wlast;
    logic                          m_axi_wvalid;
    logic                          m_axi_wready;
    logic [ID_WIDTH-1:0]           m_axi_bid;
    logic [1:0]                    m_axi_bresp;
    logic                          m_axi_bvalid;
    logic                          m_axi_bready;
    logic [ID_WIDTH-1:0]           m_axi_arid;
    logic [ADDR_WIDTH-1:0]         m_axi_araddr;
    logic [7:0]                    m_axi_arlen;
    logic [2:0]                    m_axi_arsize;
    logic [1:0]                    m_axi_arburst;
    logic [23:0]                   m_axi_aruser;
    logic                          m_axi_arvalid;
    logic                          m_axi_arready;
    logic [ID_WIDTH-1:0]           m_axi_rid;
    logic [DATA_WIDTH-1:0]         m_axi_rdata;
    logic [1:0]                    m_axi_rresp;
    logic                          m_axi_rlast;
    logic                          m_axi_rvalid;
    logic                          m_axi_rready;

    sg_dma #(
        .ADDR_WIDTH(ADDR_WIDTH), .DATA_WIDTH(DATA_WIDTH), .ID_WIDTH(ID_WIDTH), .SLOTS(SLOTS),
        .BURST_BEATS(BURST_BEATS)
    ) master (.*);

    axi_native_memory #(
        .ADDR_WIDTH(ADDR_WIDTH), .DATA_WIDTH(DATA_WIDTH), .ID_WIDTH(ID_WIDTH), .USER_WIDTH(24)
    ) memory (
        .clk, .rst, .stall, .s_axi_awid(m_axi_awid), .s_axi_awaddr(m_axi_awaddr),
        .s_axi_awlen(m_axi_awlen), .s_axi_awsize(m_axi_awsize), .s_axi_awburst(m_axi_awburst),
        .s_axi_awuser(m_axi_awuser), .s_axi_awvalid(m_axi_awvalid), .s_axi_awready(m_axi_awready),
        .s_axi_wdata(m_axi_wdata), .s_axi_wstrb(m_axi_wstrb), .s_axi_wlast(m_axi_wlast),
        .s_axi_wvalid(m_axi_wvalid), .s_axi_wready(m_axi_wready), .s_axi_bid(m_axi_bid),
        .s_axi_bresp(m_axi_bresp), .s_axi_bvalid(m_axi_bvalid), .s_axi_bready(m_axi_bready),
        .s_axi_arid(m_axi_arid), .s_axi_araddr(m_axi_araddr), .s_axi_arlen(m_axi_arlen),
        .s_axi_arsize(m_axi_arsize), .s_axi_arburst(m_axi_arburst), .s_axi_aruser(m_axi_aruser),
        .s_axi_arvalid(m_axi_arvalid), .s_axi_arready(m_axi_arready), .s_axi_rid(m_axi_rid),
        .s_axi_rdata(m_axi_rdata), .s_axi_rresp(m_axi_rresp), .s_axi_rlast(m_axi_rlast),
        .s_axi_rvalid(m_axi_rvalid), .s_axi_rready(m_axi_rready)
    );

    bus_probe probe ();
    vtd_probe unit ();

endmodule

`default_nettype wire
