// A DMA engine on PCIe: copies memory to memory, on the user interface of a Stratix 10 hard IP.
//
// A copy is cut into pieces of at most 128 bytes that cross no 4 KiB border on either side; up to
// SLOTS of them are read at once, each under the tag of its slot, and are written as they are
// complete. Addresses and lengths are multiples of 4. When everything has been written the engine
// sends its interrupt. A read that is not completed successfully stops it when those under way
// have ended. `rst` ends everything when the TLP that is just leaving has left.
//
// Registers of BAR 0, 32 bits each, accessed by dwords
//   0x00  ID            reads "PDMA"
//   0x04  CONTROL       RUN (0) starts a copy; INTERRUPT (1) sends the interrupt at its end
//   0x08  STATUS        BUSY (0), DONE (1), ERROR (2), and in 10:8 the status of the first
//                       completion that was not successful; read-only
//   0x10  SOURCE        64 bits
//   0x18  DESTINATION   64 bits
//   0x20  LENGTH        in bytes
//   0x28  MESSAGE_ADDRESS  64 bits; where the interrupt is written to
//   0x30  MESSAGE_DATA

`default_nettype none

module pcie_dma #(
    parameter int SLOTS = 4
) (
    input  wire          clk,
    input  wire          rst,

    input  wire  [255:0] rx_st_data,
    input  wire          rx_st_sop,
    input  wire          rx_st_valid,
    output wire          rx_st_ready,

    output wire  [255:0] tx_st_data,
    output wire          tx_st_sop,
    output wire          tx_st_eop,
    output wire          tx_st_valid,
    input  wire          tx_st_ready,

    input  wire  [1:0]   tl_cfg_func,
    input  wire  [4:0]   tl_cfg_add,
    input  wire  [31:0]  tl_cfg_ctl
);

    localparam int PIECE_DWORDS = 32;
    localparam int SLOT_BITS    = SLOTS > 1 ? $clog2(SLOTS) : 1;

    localparam logic [31:0] ID = 32'h414D4450;

    // Requester id: the hard IP shows the configuration of its functions in turn.
    logic [15:0] id;
    always_ff @(posedge clk)
        if (tl_cfg_func == 0 && tl_cfg_add == 0)
            id <= {tl_cfg_ctl[23:16], tl_cfg_ctl[28:24], 3'd0};

    // What arrives ---------------------------------------------------------------------------
    wire         write, read, completion;
    wire [11:0]  address;
    wire [31:0]  write_data;
    wire [15:0]  read_requester;
    wire [7:0]   read_tag, completion_tag;
    wire [2:0]   completion_status;
    wire [255:0] completion_data;
    wire [3:0]   completion_dwords;

    assign rx_st_ready = 1'b1;

    pcie_dma_receiver receiver (
        .clk, .rst,
        .st_data(rx_st_data), .st_sop(rx_st_sop), .st_valid(rx_st_valid),
        .write, .read, .address, .write_data, .read_requester, .read_tag,
        .completion, .completion_tag, .completion_status, .completion_data,
        .completion_dwords
    );

    // Registers, and the state of a copy ------------------------------------------------------
    logic        busy, finished, failed, wants_interrupt;
    logic [2:0]  fail_status;
    logic [31:0] registers [0:15];           // those that hold what is written, by dword

    wire  [63:0] source          = {registers[5], registers[4]};
    wire  [63:0] destination     = {registers[7], registers[6]};
    wire  [31:0] length          = registers[8];
    wire  [63:0] message_address = {registers[11], registers[10]};
    wire  [31:0] message_data    = registers[12];

    logic [63:0] from, to;                   // of the next piece
    logic [31:0] left;                       // bytes that no slot has taken

    // Register reads wait here to be answered, eight at most.
    logic [35:0] reads [0:7];                // requester, tag, address
    logic [2:0]  reads_head, reads_tail;

    wire  [35:0] oldest_read  = reads[reads_head];
    wire  [11:0] read_address = oldest_read[11:0];
    wire  [31:0] register_value
        = read_address == 12'h000 ? ID
        : read_address == 12'h004 ? {30'd0, wants_interrupt, 1'b0}
        : read_address == 12'h008 ? {21'd0, fail_status, 5'd0, failed, finished, busy}
        : read_address <= 12'h030 ? registers[read_address[5:2]]
        : 32'd0;

    // Slots: a piece of a copy each -----------------------------------------------------------
    logic [SLOTS-1:0] reading, full;
    logic [63:0] slot_to   [0:SLOTS-1];
    logic [5:0]  slot_size [0:SLOTS-1];      // dwords
    logic [5:0]  slot_fill [0:SLOTS-1];
    logic [31:0] buffer    [0:SLOTS*PIECE_DWORDS-1];

    logic [SLOT_BITS-1:0] free_slot, full_slot;
    always_comb begin
        free_slot = '0;
        full_slot = '0;
        for (int k = 0; k < SLOTS; k++) begin
            if (!reading[k] && !full[k]) free_slot = SLOT_BITS'(k);
            if (full[k])                 full_slot = SLOT_BITS'(k);
        end
    end
    wire any_free = !(&(reading | full));
    wire any_full = |full;
    wire no_slot  = !(|(reading | full));

    wire [SLOT_BITS-1:0] tag_slot = completion_tag[SLOT_BITS-1:0];
    wire expected = completion && {24'd0, completion_tag} < SLOTS && reading[tag_slot];

    // The next piece ends at whatever comes first.
    function automatic [5:0] smaller(input [5:0] one, input [31:0] other);
        smaller = {26'd0, one} < other ? one : other[5:0];
    endfunction
    wire [31:0] to_border_from = (32'h1000 - {20'd0, from[11:0]}) >> 2;
    wire [31:0] to_border_to   = (32'h1000 - {20'd0, to[11:0]}) >> 2;
    wire [5:0]  piece = smaller(smaller(smaller(6'd32, left >> 2), to_border_from), to_border_to);

    // What leaves: answers to register reads first, then full slots, the interrupt, new reads.
    typedef enum logic [2:0] { NOTHING, ANSWER, STORE, INTERRUPT, FETCH } what_t;
    what_t what, next_what;
    logic [SLOT_BITS-1:0] store_slot;

    wire sender_idle, sender_done;
    wire [5:0] payload_index;

    logic stopping = 1'b0;                   // a reset waits for a TLP to leave
    wire  reset_now = (rst || stopping) && sender_idle;
    always_ff @(posedge clk) stopping <= (rst || stopping) && !sender_idle;

    wire copied = busy && no_slot && (left == 0 || failed) && what == NOTHING;

    always_comb begin
        next_what = NOTHING;
        if (reads_head != reads_tail)                      next_what = ANSWER;
        else if (any_full)                                 next_what = STORE;
        else if (copied && wants_interrupt)                next_what = INTERRUPT;
        else if (busy && any_free && left != 0 && !failed) next_what = FETCH;
    end

    wire start = sender_idle && what == NOTHING && next_what != NOTHING && !rst && !stopping;

    wire [63:0] tlp_address = next_what == STORE     ? slot_to[full_slot]
                            : next_what == INTERRUPT ? message_address : from;
    wire        is_long     = next_what != ANSWER && tlp_address[63:32] != 0;
    wire [5:0]  size        = next_what == STORE ? slot_size[full_slot]
                            : next_what == FETCH ? piece : 6'd1;
    wire        has_data    = next_what != FETCH;

    wire [31:0] header0 = {1'b0, has_data, is_long, next_what == ANSWER ? 5'b01010 : 5'b00000,
                           14'd0, 4'd0, size};
    wire [31:0] header1 = next_what == ANSWER
                        ? {id, 4'd0, 12'd4}
                        : {id, next_what == FETCH ? {{8-SLOT_BITS{1'b0}}, free_slot} : 8'd0,
                           size == 1 ? 4'h0 : 4'hF, 4'hF};
    wire [31:0] header2 = next_what == ANSWER ? {oldest_read[35:12], 1'b0, read_address[6:0]}
                        : is_long             ? tlp_address[63:32] : tlp_address[31:0];

    logic [31:0]  word;                      // the payload of what has only one dword
    logic [255:0] payload_data;
    always_comb begin
        payload_data = {224'd0, word};
        if (what == STORE)
            for (int k = 0; k < 8; k++)
                payload_data[32*k +: 32] =
                    buffer[(32'(store_slot) * PIECE_DWORDS + 32'(payload_index) + k)
                           % (SLOTS * PIECE_DWORDS)];
    end

    pcie_dma_sender sender (
        .clk,
        .start, .is_long, .header({tlp_address[31:0], header2, header1, header0}),
        .dwords(has_data ? size : 6'd0),
        .idle(sender_idle), .payload_index, .payload_data, .done(sender_done),
        .st_data(tx_st_data), .st_sop(tx_st_sop), .st_eop(tx_st_eop), .st_valid(tx_st_valid),
        .st_ready(tx_st_ready)
    );

    always_ff @(posedge clk) begin
        if (reset_now) begin
            {busy, finished, failed, wants_interrupt} <= '0;
            fail_status <= '0;
            left        <= '0;
            reading     <= '0;
            full        <= '0;
            reads_head  <= '0;
            reads_tail  <= '0;
            what        <= NOTHING;
            for (int k = 0; k < 16; k++) registers[k] <= '0;
        end else begin
            if (write && address <= 12'h030) registers[address[5:2]] <= write_data;
            if (write && address == 12'h004 && write_data[0] && !busy) begin
                busy            <= 1'b1;
                finished        <= 1'b0;
                failed          <= 1'b0;
                fail_status     <= '0;
                wants_interrupt <= write_data[1];
                from            <= source;
                to              <= destination;
                left            <= length;
            end
            if (read) begin
                reads[reads_tail] <= {read_requester, read_tag, address};
                reads_tail        <= reads_tail + 3'd1;
            end

            if (expected) begin
                for (int k = 0; k < 8; k++)
                    if (k < 32'(completion_dwords))
                        buffer[(32'(tag_slot) * PIECE_DWORDS + 32'(slot_fill[tag_slot]) + k)
                               % (SLOTS * PIECE_DWORDS)] <= completion_data[32*k +: 32];
                slot_fill[tag_slot] <= slot_fill[tag_slot] + {2'd0, completion_dwords};
                if (completion_status != 0) begin
                    reading[tag_slot] <= 1'b0;
                    failed            <= 1'b1;
                    if (!failed) fail_status <= completion_status;
                end else if (slot_fill[tag_slot] + {2'd0, completion_dwords}
                             == slot_size[tag_slot]) begin
                    reading[tag_slot] <= 1'b0;
                    full[tag_slot]    <= 1'b1;
                end
            end

            if (start) begin
                what       <= next_what;
                store_slot <= full_slot;
                word       <= next_what == INTERRUPT ? message_data : register_value;
                if (next_what == ANSWER) reads_head <= reads_head + 3'd1;
                if (next_what == FETCH) begin
                    reading[free_slot]   <= 1'b1;
                    slot_to[free_slot]   <= to;
                    slot_size[free_slot] <= piece;
                    slot_fill[free_slot] <= '0;
                    from <= from + {56'd0, piece, 2'd0};
                    to   <= to + {56'd0, piece, 2'd0};
                    left <= left - {24'd0, piece, 2'd0};
                end
            end
            if (sender_done) begin
                what <= NOTHING;
                if (what == STORE) full[store_slot] <= 1'b0;
            end
            if (copied && !wants_interrupt || sender_done && what == INTERRUPT) begin
                busy     <= 1'b0;
                finished <= 1'b1;
            end
        end
    end

endmodule

`default_nettype wire
