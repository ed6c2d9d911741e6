// Two PCIe DMA engines, each with the signals of a hard IP of its own and, for waveforms, a probe of
// its port, and one of the unit before both.

`default_nettype none

module tb_pcie_dma #(
    parameter int SLOTS = 4
) (
    input  wire          a_clk,
    input  wire          a_rst,
    input  wire  [255:0] a_rx_st_data,
    input  wire  [2:0]   a_rx_st_empty,
    input  wire  [2:0]   a_rx_st_bar_range,
    input  wire          a_rx_st_sop,
    input  wire          a_rx_st_eop,
    input  wire          a_rx_st_valid,
    output wire          a_rx_st_ready,
    output wire  [255:0] a_tx_st_data,
    output wire          a_tx_st_sop,
    output wire          a_tx_st_eop,
    output wire          a_tx_st_valid,
    input  wire          a_tx_st_ready,
    output wire          a_tx_st_err,
    input  wire  [1:0]   a_tl_cfg_func,
    input  wire  [4:0]   a_tl_cfg_add,
    input  wire  [31:0]  a_tl_cfg_ctl,

    input  wire          b_clk,
    input  wire          b_rst,
    input  wire  [255:0] b_rx_st_data,
    input  wire  [2:0]   b_rx_st_empty,
    input  wire  [2:0]   b_rx_st_bar_range,
    input  wire          b_rx_st_sop,
    input  wire          b_rx_st_eop,
    input  wire          b_rx_st_valid,
    output wire          b_rx_st_ready,
    output wire  [255:0] b_tx_st_data,
    output wire          b_tx_st_sop,
    output wire          b_tx_st_eop,
    output wire          b_tx_st_valid,
    input  wire          b_tx_st_ready,
    output wire          b_tx_st_err,
    input  wire  [1:0]   b_tl_cfg_func,
    input  wire  [4:0]   b_tl_cfg_add,
    input  wire  [31:0]  b_tl_cfg_ctl
);

    assign a_tx_st_err = 1'b0;
    assign b_tx_st_err = 1'b0;

    pcie_dma #(.SLOTS(SLOTS)) a (
        .clk(a_clk), .rst(a_rst),
        .rx_st_data(a_rx_st_data), .rx_st_sop(a_rx_st_sop),
        .rx_st_valid(a_rx_st_valid), .rx_st_ready(a_rx_st_ready),
        .tx_st_data(a_tx_st_data), .tx_st_sop(a_tx_st_sop), .tx_st_eop(a_tx_st_eop),
        .tx_st_valid(a_tx_st_valid), .tx_st_ready(a_tx_st_ready),
        .tl_cfg_func(a_tl_cfg_func), .tl_cfg_add(a_tl_cfg_add), .tl_cfg_ctl(a_tl_cfg_ctl)
    );

    pcie_dma #(.SLOTS(SLOTS)) b (
        .clk(b_clk), .rst(b_rst),
        .rx_st_data(b_rx_st_data), .rx_st_sop(b_rx_st_sop),
        .rx_st_valid(b_rx_st_valid), .rx_st_ready(b_rx_st_ready),
        .tx_st_data(b_tx_st_data), .tx_st_sop(b_tx_st_sop), .tx_st_eop(b_tx_st_eop),
        .tx_st_valid(b_tx_st_valid), .tx_st_ready(b_tx_st_ready),
        .tl_cfg_func(b_tl_cfg_func), .tl_cfg_add(b_tl_cfg_add), .tl_cfg_ctl(b_tl_cfg_ctl)
    );

    bus_probe a_probe ();
    bus_probe b_probe ();
    vtd_probe unit ();

endmodule

`default_nettype wire
