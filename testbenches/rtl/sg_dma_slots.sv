// The bursts in flight of sg_dma: one slot for each AXI identifier.
//
// A slot is taken when its read burst is issued, fills with the data of its identifier in whatever
// order the identifiers come back, is then written to its destination, and is free again when the
// write response has come. A read burst answered with an error is not written anywhere.
//
// Parameters
//   ADDR_WIDTH    bits of an address
//   DATA_WIDTH    bits of the data bus
//   ID_WIDTH      bits of an AXI identifier
//   SLOTS         bursts in flight at most; slot n has identifier n
//   BURST_BEATS   most beats of a burst, a power of two from 2 to 256

`default_nettype none

module sg_dma_slots #(
    parameter int ADDR_WIDTH  = 64,
    parameter int DATA_WIDTH  = 32,
    parameter int ID_WIDTH    = 4,
    parameter int SLOTS       = 4,
    parameter int BURST_BEATS = 16
) (
    input  wire                     clk,
    input  wire                     rst,

    // A slot to be taken: `free` says whether there is one and `free_slot` which.
    output logic                    free,
    output logic [ID_WIDTH-1:0]     free_slot,
    output logic                    idle,
    output logic [7:0]              outstanding,
    input  wire                     take,
    input  wire  [ADDR_WIDTH-1:0]   take_source,
    input  wire  [ADDR_WIDTH-1:0]   take_destination,
    input  wire  [12:0]             take_bytes,

    output logic                    read_failed,
    output logic [ADDR_WIDTH-1:0]   read_failed_address,
    output logic                    write_failed,
    output logic [ADDR_WIDTH-1:0]   write_failed_address,

    // Read data of any identifier; those that are no slot's are ignored.
    input  wire  [ID_WIDTH-1:0]     m_axi_rid,
    input  wire  [DATA_WIDTH-1:0]   m_axi_rdata,
    input  wire  [1:0]              m_axi_rresp,
    input  wire                     m_axi_rlast,
    input  wire                     m_axi_rvalid,
    input  wire                     m_axi_rready,

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
    output logic                    m_axi_bready
);

    localparam int STRB_WIDTH  = DATA_WIDTH / 8;
    localparam int SIZE_BITS   = $clog2(STRB_WIDTH);
    localparam int BEAT_BITS   = $clog2(BURST_BEATS);
    localparam int SLOT_BITS   = SLOTS > 1 ? $clog2(SLOTS) : 1;
    localparam int BUFFER_BITS = SLOT_BITS + BEAT_BITS;

    typedef enum logic [1:0] {FREE, READING, FULL, WRITING} slot_state_t;

    logic [1:0]             slot_state       [0:SLOTS-1];
    logic [ADDR_WIDTH-1:0]  slot_source      [0:SLOTS-1];
    logic [ADDR_WIDTH-1:0]  slot_destination [0:SLOTS-1];
    logic [12:0]            slot_bytes       [0:SLOTS-1];
    logic [BEAT_BITS-1:0]   slot_beat        [0:SLOTS-1];
    logic [SLOTS-1:0]       slot_spoilt;
    logic [DATA_WIDTH-1:0]  data             [0:(1 << BUFFER_BITS)-1];

    // Which slots are in a state, and the lowest of them.
    logic [SLOTS-1:0]       is_free, is_full;
    logic [SLOT_BITS-1:0]   first_free, first_full;
    logic [7:0]             taken;

    generate
        for (genvar slot = 0; slot < SLOTS; slot++) begin : states
            assign is_free[slot] = slot_state[slot] == FREE;
            assign is_full[slot] = slot_state[slot] == FULL;
        end
    endgenerate

    always_comb begin
        first_free = '0;
        first_full = '0;
        taken      = 8'd0;
        for (int slot = SLOTS - 1; slot >= 0; slot--) begin
            if (is_free[slot]) first_free = SLOT_BITS'(slot);
            else taken = taken + 8'd1;
            if (is_full[slot]) first_full = SLOT_BITS'(slot);
        end
    end

    assign free        = is_free != '0;
    assign idle        = &is_free;
    assign free_slot   = ID_WIDTH'(first_free);
    assign outstanding = taken;

    wire [SLOT_BITS-1:0] r_slot = m_axi_rid[SLOT_BITS-1:0];
    wire [SLOT_BITS-1:0] b_slot = m_axi_bid[SLOT_BITS-1:0];
    wire r_beat  = m_axi_rvalid && m_axi_rready && m_axi_rid < ID_WIDTH'(SLOTS);
    wire r_spoilt = slot_spoilt[r_slot] || m_axi_rresp[1];
    wire b_beat  = m_axi_bvalid && m_axi_bready;

    assign read_failed          = r_beat && m_axi_rlast && r_spoilt;
    assign read_failed_address  = slot_source[r_slot];
    assign write_failed         = b_beat && m_axi_bresp[1];
    assign write_failed_address = slot_destination[b_slot];

    // The slot being written: one at a time, the next as soon as its address and data have gone.
    logic [SLOT_BITS-1:0]  w_slot;
    logic [BEAT_BITS-1:0]  w_beat;
    logic [BEAT_BITS-1:0]  w_last;
    logic [SIZE_BITS-1:0]  w_missing;        // bytes that the last beat lacks
    wire                   w_begin = !m_axi_awvalid && !m_axi_wvalid && is_full != '0;
    wire  [12:0]           w_bytes = slot_bytes[first_full];

    assign m_axi_awid    = ID_WIDTH'(w_slot);
    assign m_axi_awaddr  = slot_destination[w_slot];
    assign m_axi_awlen   = 8'(w_last);
    assign m_axi_awsize  = 3'(SIZE_BITS);
    assign m_axi_awburst = 2'd1;
    assign m_axi_wdata   = data[{w_slot, w_beat}];
    assign m_axi_wlast   = w_beat == w_last;
    assign m_axi_wstrb   = {STRB_WIDTH{1'b1}} >> (m_axi_wlast ? w_missing : '0);
    assign m_axi_bready  = !rst;

    always_ff @(posedge clk) begin
        if (take) begin
            slot_state[first_free]       <= READING;
            slot_source[first_free]      <= take_source;
            slot_destination[first_free] <= take_destination;
            slot_bytes[first_free]       <= take_bytes;
            slot_beat[first_free]        <= '0;
            slot_spoilt[first_free]      <= 1'b0;
        end
        if (r_beat) begin
            data[{r_slot, slot_beat[r_slot]}] <= m_axi_rdata;
            slot_beat[r_slot]                 <= slot_beat[r_slot] + 1'b1;
            slot_spoilt[r_slot]               <= r_spoilt;
            if (m_axi_rlast) slot_state[r_slot] <= r_spoilt ? FREE : FULL;
        end
        if (w_begin) begin
            slot_state[first_full] <= WRITING;
            w_slot                 <= first_full;
            w_beat                 <= '0;
            w_last                 <= BEAT_BITS'((w_bytes - 13'd1) >> SIZE_BITS);
            w_missing              <= -SIZE_BITS'(w_bytes);
            m_axi_awvalid          <= 1'b1;
            m_axi_wvalid           <= 1'b1;
        end else begin
            if (m_axi_awready) m_axi_awvalid <= 1'b0;
            if (m_axi_wvalid && m_axi_wready) begin
                w_beat       <= w_beat + 1'b1;
                m_axi_wvalid <= !m_axi_wlast;
            end
        end
        if (b_beat) slot_state[b_slot] <= FREE;
        if (rst) begin
            for (int slot = 0; slot < SLOTS; slot++) slot_state[slot] <= FREE;
            m_axi_awvalid <= 1'b0;
            m_axi_wvalid  <= 1'b0;
        end
    end

    wire unused = &{1'b0, m_axi_bid, m_axi_bresp[0], m_axi_rresp[0]};

endmodule

`default_nettype wire
