// One AXI4 burst at a time, of 32-bit beats, on a data bus of 32 bits or more.
//
// `start` with `write`, `address` and `last_beat` begins a burst; `done` is high for one cycle when
// its last response has come, together with `failed` if any response was SLVERR or DECERR. `beat`
// counts the dwords: on a write, `write_data` is the dword number `beat` and is taken whenever
// `write_taken` is high; on a read, `read_data` is the dword number `beat` whenever `read_valid` is
// high. Beats are always four bytes, so that buffers need be aligned to no more than that; on a wider
// bus each beat uses the lanes of its address. The user keeps bursts inside 4 KiB.
//
// Parameters
//   ADDR_WIDTH   bits of an address
//   DATA_WIDTH   bits of the data bus, a power of two from 32 to 1024
//   ID_WIDTH     bits of a transaction identifier; all bursts use identifier 0

`default_nettype none

module axi_burst_port #(
    parameter int ADDR_WIDTH = 64,
    parameter int DATA_WIDTH = 32,
    parameter int ID_WIDTH   = 4
) (
    input  wire                     clk,
    input  wire                     rst,

    input  wire                     start,
    input  wire                     write,
    input  wire  [ADDR_WIDTH-1:0]   address,
    input  wire  [7:0]              last_beat,
    output logic                    busy,
    output logic                    done,
    output logic                    failed,
    output logic [7:0]              beat,
    input  wire  [31:0]             write_data,
    output logic                    read_valid,
    output logic [31:0]             read_data,

    output logic [ID_WIDTH-1:0]     m_axi_awid,
    output logic [ADDR_WIDTH-1:0]   m_axi_awaddr,
    output logic [7:0]              m_axi_awlen,
    output logic [2:0]              m_axi_awsize,
    output logic [1:0]              m_axi_awburst,
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
    output logic                    m_axi_arvalid,
    input  wire                     m_axi_arready,
    input  wire  [ID_WIDTH-1:0]     m_axi_rid,
    input  wire  [DATA_WIDTH-1:0]   m_axi_rdata,
    input  wire  [1:0]              m_axi_rresp,
    input  wire                     m_axi_rlast,
    input  wire                     m_axi_rvalid,
    output logic                    m_axi_rready
);

    localparam logic [2:0] SIZE_DWORD = 3'd2;
    localparam logic [1:0] BURST_INCR = 2'd1;
    localparam int STRB_WIDTH = DATA_WIDTH / 8;
    localparam logic [7:0] LANE_MASK = 8'(DATA_WIDTH / 32 - 1);

    logic [ADDR_WIDTH-1:0] burst_address;
    logic [7:0]            burst_last;
    logic                  failed_before;
    logic [7:0]            lane;

    assign lane = (burst_address[9:2] + beat) & LANE_MASK;

    assign m_axi_awid    = '0;
    assign m_axi_awaddr  = burst_address;
    assign m_axi_awlen   = burst_last;
    assign m_axi_awsize  = SIZE_DWORD;
    assign m_axi_awburst = BURST_INCR;
    assign m_axi_wdata   = {DATA_WIDTH / 32{write_data}};
    assign m_axi_wstrb   = STRB_WIDTH'(4'hF) << {lane, 2'b00};
    assign m_axi_wlast   = beat == burst_last;

    assign m_axi_arid    = '0;
    assign m_axi_araddr  = burst_address;
    assign m_axi_arlen   = burst_last;
    assign m_axi_arsize  = SIZE_DWORD;
    assign m_axi_arburst = BURST_INCR;

    assign read_valid = m_axi_rvalid && m_axi_rready;
    assign read_data  = 32'(m_axi_rdata >> {lane, 5'b00000});

    // The response that ends the burst is seen by the user in the cycle in which it is accepted.
    assign done   = (read_valid && m_axi_rlast) || (m_axi_bvalid && m_axi_bready);
    assign failed = failed_before || (read_valid && m_axi_rresp[1])
                  || (m_axi_bvalid && m_axi_bready && m_axi_bresp[1]);

    always_ff @(posedge clk) begin
        if (start) begin
            busy          <= 1'b1;
            burst_address <= address;
            burst_last    <= last_beat;
            beat          <= 8'd0;
            failed_before <= 1'b0;
            m_axi_awvalid <= write;
            m_axi_wvalid  <= write;
            m_axi_bready  <= write;
            m_axi_arvalid <= !write;
            m_axi_rready  <= !write;
        end else begin
            if (m_axi_awready) m_axi_awvalid <= 1'b0;
            if (m_axi_arready) m_axi_arvalid <= 1'b0;
            if (m_axi_wvalid && m_axi_wready) begin
                beat         <= beat + 8'd1;
                m_axi_wvalid <= !m_axi_wlast;
            end
            if (read_valid) begin
                beat          <= beat + 8'd1;
                failed_before <= failed;
            end
            if (done) begin
                busy         <= 1'b0;
                m_axi_rready <= 1'b0;
                m_axi_bready <= 1'b0;
            end
        end
        if (rst) begin
            busy          <= 1'b0;
            m_axi_awvalid <= 1'b0;
            m_axi_wvalid  <= 1'b0;
            m_axi_bready  <= 1'b0;
            m_axi_arvalid <= 1'b0;
            m_axi_rready  <= 1'b0;
        end
    end

    // Responses are known by their order: there is one burst at a time.
    wire unused = &{1'b0, m_axi_bid, m_axi_rid, m_axi_bresp[0], m_axi_rresp[0]};

endmodule

`default_nettype wire
