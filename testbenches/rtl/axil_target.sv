// AXI4-Lite target in front of a register file, 32 bits wide.
//
// Turns AXI4-Lite into a one-cycle write strobe and a read address whose data is sampled one cycle
// after it is given. One write and one read are served at a time; both always answer OKAY. A write
// address and its data may come in either order.
//
// Parameters
//   ADDR_WIDTH   bits of the register address

`default_nettype none

module axil_target #(
    parameter int ADDR_WIDTH = 13
) (
    input  wire                   clk,
    input  wire                   rst,

    input  wire  [ADDR_WIDTH-1:0] s_axil_awaddr,
    input  wire                   s_axil_awvalid,
    output logic                  s_axil_awready,
    input  wire  [31:0]           s_axil_wdata,
    input  wire  [3:0]            s_axil_wstrb,
    input  wire                   s_axil_wvalid,
    output logic                  s_axil_wready,
    output logic [1:0]            s_axil_bresp,
    output logic                  s_axil_bvalid,
    input  wire                   s_axil_bready,
    input  wire  [ADDR_WIDTH-1:0] s_axil_araddr,
    input  wire                   s_axil_arvalid,
    output logic                  s_axil_arready,
    output logic [31:0]           s_axil_rdata,
    output logic [1:0]            s_axil_rresp,
    output logic                  s_axil_rvalid,
    input  wire                   s_axil_rready,

    output logic                  write_valid,
    output logic [ADDR_WIDTH-1:0] write_address,
    output logic [31:0]           write_data,
    output logic [3:0]            write_strobe,
    output logic [ADDR_WIDTH-1:0] read_address,
    input  wire  [31:0]           read_data
);

    logic address_held;
    logic data_held;
    logic read_held;

    assign s_axil_bresp   = 2'b00;
    assign s_axil_rresp   = 2'b00;
    assign s_axil_awready = !address_held && !rst;
    assign s_axil_wready  = !data_held && !rst;
    assign s_axil_arready = !read_held && !s_axil_rvalid && !rst;
    assign write_valid    = address_held && data_held && !s_axil_bvalid;

    always_ff @(posedge clk) begin
        if (s_axil_awvalid && s_axil_awready) begin
            address_held  <= 1'b1;
            write_address <= s_axil_awaddr;
        end
        if (s_axil_wvalid && s_axil_wready) begin
            data_held    <= 1'b1;
            write_data   <= s_axil_wdata;
            write_strobe <= s_axil_wstrb;
        end
        if (write_valid) begin
            address_held  <= 1'b0;
            data_held     <= 1'b0;
            s_axil_bvalid <= 1'b1;
        end else if (s_axil_bready) begin
            s_axil_bvalid <= 1'b0;
        end
        if (rst) begin
            address_held  <= 1'b0;
            data_held     <= 1'b0;
            s_axil_bvalid <= 1'b0;
        end
    end

    always_ff @(posedge clk) begin
        if (s_axil_arvalid && s_axil_arready) begin
            read_held    <= 1'b1;
            read_address <= s_axil_araddr;
        end
        if (read_held) begin
            read_held     <= 1'b0;
            s_axil_rdata  <= read_data;
            s_axil_rvalid <= 1'b1;
        end else if (s_axil_rready) begin
            s_axil_rvalid <= 1'b0;
        end
        if (rst) begin
            read_held     <= 1'b0;
            s_axil_rvalid <= 1'b0;
        end
    end

endmodule

`default_nettype wire
