// The top of the testbenches with sg_dma: the DMA master and, for waveforms, probes of its port and of
// the unit in front of it.
// Parameters, ports and registers are those of sg_dma.

`default_nettype none

module tb_sg_dma #(
    parameter int ADDR_WIDTH  = 64,
    parameter int DATA_WIDTH  = 32,
    parameter int ID_WIDTH    = 4,
    parameter int SLOTS       = 4,
    parameter int BURST_BEATS = 16
) (
    input  wire                     clk,
    input  wire                     rst,
    output logic                    irq,

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
    input  wire                     s_axil_rready,

    output logic [ID_WIDTH-1:0]     m_axi_awid,
    output logic [ADDR_WIDTH-1:0]   m_axi_awaddr,
    output logic [7:0]              m_axi_awlen,
    output logic [2:0]              m_axi_awsize,
    output logic [1:0]              m_axi_awburst,
    output logic [23:0]             m_axi_awuser,
    output logic                    m_axi_awvalid,
    input  wire                     m_axi_awready,
    output logic [DATA_WIDTH-1:0]   m_axi_wdata,
    output logic [DATA_WIDTH/8-1:0] m_axi_wstrb,
    output logic                    m_axi_wlast,
    output logic                    m_axi_wvalid,
    input  wire                     m_axi_wready,
    input  wire  [ID_WIDTH-1:0]     m_axi_bid,
    input  wire  [1:0]              m_axi_bresp,
    input  wire                     m_axi_bvalid,
    output logic                    m_axi_bready,
    output logic [ID_WIDTH-1:0]     m_axi_arid,
    output logic [ADDR_WIDTH-1:0]   m_axi_araddr,
    output logic [7:0]              m_axi_arlen,
    output logic [2:0]              m_axi_arsize,
    output logic [1:0]              m_axi_arburst,
    output logic [23:0]             m_axi_aruser,
    output logic                    m_axi_arvalid,
    input  wire                     m_axi_arready,
    input  wire  [ID_WIDTH-1:0]     m_axi_rid,
    input  wire  [DATA_WIDTH-1:0]   m_axi_rdata,
    input  wire  [1:0]              m_axi_rresp,
    input  wire                     m_axi_rlast,
    input  wire                     m_axi_rvalid,
    output logic                    m_axi_rready
);

    sg_dma #(
        .ADDR_WIDTH(ADDR_WIDTH), .DATA_WIDTH(DATA_WIDTH), .ID_WIDTH(ID_WIDTH), .SLOTS(SLOTS),
        .BURST_BEATS(BURST_BEATS)
    ) master (.*);

    bus_probe probe ();
    vtd_probe unit ();

endmodule

`default_nettype wire
