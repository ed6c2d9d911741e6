// Bare AXI wires: models of a master and of a slave, both in Python, meet on them.
//
// `axi` has the slave with a requester port behind it, `stock` one as it comes, to compare with; `axil`
// is an AXI4-Lite interface. The wires have initial values because Icarus drops what RTL neither
// drives nor reads.

`default_nettype none

module axi_wires #(
    parameter int DATA_WIDTH = 32,
    parameter int ID_WIDTH   = 4
) (
    input wire clk,
    input wire rst
);

    logic [ID_WIDTH-1:0]     axi_awid = '0;
    logic [63:0]             axi_awaddr = '0;
    logic [7:0]              axi_awlen = '0;
    logic [2:0]              axi_awsize = '0;
    logic [1:0]              axi_awburst = '0;
    logic                    axi_awlock = '0;
    logic [31:0]             axi_awuser = '0;
    logic                    axi_awvalid = '0;
    logic                    axi_awready = '0;
    logic [DATA_WIDTH-1:0]   axi_wdata = '0;
    logic [DATA_WIDTH/8-1:0] axi_wstrb = '0;
    logic                    axi_wlast = '0;
    logic                    axi_wvalid = '0;
    logic                    axi_wready = '0;
    logic [ID_WIDTH-1:0]     axi_bid = '0;
    logic [1:0]              axi_bresp = '0;
    logic                    axi_bvalid = '0;
    logic                    axi_bready = '0;
    logic [ID_WIDTH-1:0]     axi_arid = '0;
    logic [63:0]             axi_araddr = '0;
    logic [7:0]              axi_arlen = '0;
    logic [2:0]              axi_arsize = '0;
    logic [1:0]              axi_arburst = '0;
    logic                    axi_arlock = '0;
    logic [31:0]             axi_aruser = '0;
    logic                    axi_arvalid = '0;
    logic                    axi_arready = '0;
    logic [ID_WIDTH-1:0]     axi_rid = '0;
    logic [DATA_WIDTH-1:0]   axi_rdata = '0;
    logic [1:0]              axi_rresp = '0;
    logic                    axi_rlast = '0;
    logic                    axi_rvalid = '0;
    logic                    axi_rready = '0;

    logic [ID_WIDTH-1:0]     stock_awid = '0;
    logic [63:0]             stock_awaddr = '0;
    logic [7:0]              stock_awlen = '0;
    logic [2:0]              stock_awsize = '0;
    logic [1:0]              stock_awburst = '0;
    logic                    stock_awvalid = '0;
    logic                    stock_awready = '0;
    logic [DATA_WIDTH-1:0]   stock_wdata = '0;
    logic [DATA_WIDTH/8-1:0] stock_wstrb = '0;
    logic                    stock_wlast = '0;
    logic                    stock_wvalid = '0;
    logic                    stock_wready = '0;
    logic [ID_WIDTH-1:0]     stock_bid = '0;
    logic [1:0]              stock_bresp = '0;
    logic                    stock_bvalid = '0;
    logic                    stock_bready = '0;
    logic [ID_WIDTH-1:0]     stock_arid = '0;
    logic [63:0]             stock_araddr = '0;
    logic [7:0]              stock_arlen = '0;
    logic [2:0]              stock_arsize = '0;
    logic [1:0]              stock_arburst = '0;
    logic                    stock_arvalid = '0;
    logic                    stock_arready = '0;
    logic [ID_WIDTH-1:0]     stock_rid = '0;
    logic [DATA_WIDTH-1:0]   stock_rdata = '0;
    logic [1:0]              stock_rresp = '0;
    logic                    stock_rlast = '0;
    logic                    stock_rvalid = '0;
    logic                    stock_rready = '0;

    logic [15:0]             axil_awaddr = '0;
    logic                    axil_awvalid = '0;
    logic                    axil_awready = '0;
    logic [DATA_WIDTH-1:0]   axil_wdata = '0;
    logic [DATA_WIDTH/8-1:0] axil_wstrb = '0;
    logic                    axil_wvalid = '0;
    logic                    axil_wready = '0;
    logic [1:0]              axil_bresp = '0;
    logic                    axil_bvalid = '0;
    logic                    axil_bready = '0;
    logic [15:0]             axil_araddr = '0;
    logic                    axil_arvalid = '0;
    logic                    axil_arready = '0;
    logic [DATA_WIDTH-1:0]   axil_rdata = '0;
    logic [1:0]              axil_rresp = '0;
    logic                    axil_rvalid = '0;
    logic                    axil_rready = '0;

    bus_probe probe ();

endmodule

`default_nettype wire
