// Memory behind AXI4 that never makes a master wait longer than the protocol asks: one burst at a time
// in each direction, a beat in each cycle. Bursts are INCR with the full width of the bus.
//
// Parameters
//   ADDR_WIDTH   bits of an AXI address; those above the memory are ignored
//   DATA_WIDTH   bits of the AXI data bus, a power of two
//   ID_WIDTH     bits of an AXI identifier
//   BYTES        size, a power of two

`default_nettype none

module axi_memory #(
    parameter int ADDR_WIDTH = 64,
    parameter int DATA_WIDTH = 32,
    parameter int ID_WIDTH   = 4,
    parameter int BYTES      = 4 << 20
) (
    input  wire                    clk,
    input  wire                    rst,

    input  wire [ID_WIDTH-1:0]     s_axi_awid,
    input  wire [ADDR_WIDTH-1:0]   s_axi_awaddr,
    input  wire                    s_axi_awvalid,
    output wire                    s_axi_awready,
    input  wire [DATA_WIDTH-1:0]   s_axi_wdata,
    input  wire [DATA_WIDTH/8-1:0] s_axi_wstrb,
    input  wire                    s_axi_wlast,
    input  wire                    s_axi_wvalid,
    output wire                    s_axi_wready,
    output logic [ID_WIDTH-1:0]    s_axi_bid,
    output wire [1:0]              s_axi_bresp,
    output logic                   s_axi_bvalid,
    input  wire                    s_axi_bready,
    input  wire [ID_WIDTH-1:0]     s_axi_arid,
    input  wire [ADDR_WIDTH-1:0]   s_axi_araddr,
    input  wire [7:0]              s_axi_arlen,
    input  wire                    s_axi_arvalid,
    output wire                    s_axi_arready,
    output logic [ID_WIDTH-1:0]    s_axi_rid,
    output wire [DATA_WIDTH-1:0]   s_axi_rdata,
    output wire [1:0]              s_axi_rresp,
    output wire                    s_axi_rlast,
    output logic                   s_axi_rvalid,
    input  wire                    s_axi_rready
);

    localparam int BEAT_BYTES = DATA_WIDTH / 8;
    localparam int SIZE_BITS  = $clog2(BEAT_BYTES);
    localparam int WORDS      = BYTES / BEAT_BYTES;
    localparam int INDEX_BITS = $clog2(WORDS);

    logic [DATA_WIDTH-1:0] words [0:WORDS-1];

    // Reads: the word at `read_index` is on the bus while RVALID is high.
    logic [INDEX_BITS-1:0] read_index;
    logic [7:0]            read_beats;   // that follow the one on the bus

    assign s_axi_arready = !s_axi_rvalid || (s_axi_rready && s_axi_rlast);
    assign s_axi_rdata   = words[read_index];
    assign s_axi_rresp   = 2'b00;
    assign s_axi_rlast   = read_beats == 0;

    always_ff @(posedge clk) begin
        if (rst) begin
            s_axi_rvalid <= 1'b0;
            read_beats   <= '0;
        end else if (s_axi_arvalid && s_axi_arready) begin
            s_axi_rvalid <= 1'b1;
            s_axi_rid    <= s_axi_arid;
            read_index   <= s_axi_araddr[SIZE_BITS +: INDEX_BITS];
            read_beats   <= s_axi_arlen;
        end else if (s_axi_rvalid && s_axi_rready) begin
            s_axi_rvalid <= !s_axi_rlast;
            read_index   <= read_index + 1'b1;
            read_beats   <= read_beats - 1'b1;
        end
    end

    // Writes: the address first, then the data, then the response.
    logic                  writing;
    logic [INDEX_BITS-1:0] write_index;

    assign s_axi_awready = !writing && !s_axi_bvalid;
    assign s_axi_wready  = writing;
    assign s_axi_bresp   = 2'b00;

    always_ff @(posedge clk) begin
        if (rst) begin
            writing      <= 1'b0;
            s_axi_bvalid <= 1'b0;
        end else begin
            if (s_axi_bvalid && s_axi_bready)
                s_axi_bvalid <= 1'b0;
            if (s_axi_awvalid && s_axi_awready) begin
                writing     <= 1'b1;
                s_axi_bid   <= s_axi_awid;
                write_index <= s_axi_awaddr[SIZE_BITS +: INDEX_BITS];
            end else if (s_axi_wvalid && s_axi_wready) begin
                write_index <= write_index + 1'b1;
                if (s_axi_wlast) begin
                    writing      <= 1'b0;
                    s_axi_bvalid <= 1'b1;
                end
            end
        end
    end

    always_ff @(posedge clk)
        for (int lane = 0; lane < BEAT_BYTES; lane++)
            if (s_axi_wvalid && s_axi_wready && s_axi_wstrb[lane])
                words[write_index][8*lane +: 8] <= s_axi_wdata[8*lane +: 8];

endmodule

`default_nettype wire
