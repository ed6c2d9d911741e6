// The read half of a native AXI4 memory: one burst at a time, a beat in each cycle.
//
// A burst whose page is known is served without asking; for any other the C side is asked, and the
// burst waits for its answer. It is in flight from the address to its last beat.

`default_nettype none

module axi_native_read #(
    parameter int PORT       = 0,
    parameter int ADDR_WIDTH = 64,
    parameter int DATA_WIDTH = 32,
    parameter int ID_WIDTH   = 4,
    parameter int USER_WIDTH = 1,
    parameter int LINES      = 64
) (
    input  wire                   clk,
    input  wire                   rst,
    input  wire                   stall_address,
    input  wire                   stall_data,
    output logic [2:0]            attention,    // changes when the C side has something to do

    input  wire  [ID_WIDTH-1:0]   s_axi_arid,
    input  wire  [ADDR_WIDTH-1:0] s_axi_araddr,
    input  wire  [7:0]            s_axi_arlen,
    input  wire  [2:0]            s_axi_arsize,
    input  wire  [1:0]            s_axi_arburst,
    input  wire  [USER_WIDTH-1:0] s_axi_aruser,
    input  wire                   s_axi_arvalid,
    output logic                  s_axi_arready,
    output logic [ID_WIDTH-1:0]   s_axi_rid,
    output logic [DATA_WIDTH-1:0] s_axi_rdata,
    output logic [1:0]            s_axi_rresp,
    output logic                  s_axi_rlast,
    output logic                  s_axi_rvalid,
    input  wire                   s_axi_rready
);
    import axi_native_pkg::*;

    localparam int BUS_BYTES = DATA_WIDTH / 8;
    localparam int WORDS     = (DATA_WIDTH + 63) / 64;
    localparam int WORD      = DATA_WIDTH < 64 ? DATA_WIDTH : 64;

    typedef enum logic [2:0] {IDLE, ASKED, PAGE_BEATS, ASK_BEAT, ASKED_BEAT} state_t;

    state_t                state;
    logic [31:0]           handle;
    logic [ADDR_WIDTH-1:0] address;     // of the next beat
    logic [8:0]            beats_left;
    logic [ADDR_WIDTH-1:0] first;
    logic [7:0]            len;
    logic [2:0]            size;
    logic [1:0]            burst;
    logic [USER_WIDTH-1:0] user;
    logic                  asked;       // toggles with each thing asked
    logic                  freed;       // toggles with each page given back
    logic                  forgotten;

    logic [31:0] found;
    logic        fill;
    logic [31:0] fill_handle;

    wire room     = !s_axi_rvalid || s_axi_rready;
    wire accepted = s_axi_arvalid && s_axi_arready;
    wire over     = s_axi_rvalid && s_axi_rready && s_axi_rlast;
    wire legal    = is_legal(
        64'(s_axi_araddr), s_axi_arlen, s_axi_arsize, s_axi_arburst, BUS_BYTES);

    assign s_axi_arready = state == IDLE && !s_axi_rvalid && !stall_address && !rst;
    assign attention     = {asked, freed, forgotten};

    axi_native_pages #(
        .ADDR_WIDTH(ADDR_WIDTH), .USER_WIDTH(USER_WIDTH), .LINES(LINES)
    ) pages (
        .clk, .address(s_axi_araddr), .user(s_axi_aruser), .found,
        .fill, .fill_address(first), .fill_user(user), .fill_handle, .attention(forgotten)
    );

    initial begin
        state  = IDLE;
        handle = 32'd0;
        asked  = 1'b0;
        freed  = 1'b0;
        fill   = 1'b0;
    end

    // One beat out of a page.
    function automatic logic [DATA_WIDTH-1:0] page_beat(
        input logic [31:0] page, input logic [11:0] offset);
        for (int word = 0; word < WORDS; word++)
            page_beat[word*WORD+:WORD] =
                WORD'(native_read(page, {20'd0, offset} + word * 8, WORD / 8));
    endfunction

    function automatic logic [DATA_WIDTH-1:0] asked_beat();
        for (int word = 0; word < WORDS; word++)
            asked_beat[word*WORD+:WORD] = WORD'(native_get_data(PORT, READ, word));
    endfunction

    always_ff @(posedge clk) begin
        fill <= 1'b0;
        if (rst) begin
            if (handle != 32'd0) begin
                if (native_release(handle)) freed <= !freed;
            end else if (state != IDLE || s_axi_rvalid) begin
                native_end(PORT, READ, 1'b1);
                asked <= !asked;
            end
            state        <= IDLE;
            handle       <= 32'd0;
            s_axi_rvalid <= 1'b0;
            s_axi_rlast  <= 1'b0;
        end else begin
            if (room) s_axi_rvalid <= 1'b0;
            if (over) begin
                if (handle == 32'd0) begin
                    native_end(PORT, READ, 1'b0);
                    asked <= !asked;
                end else if (native_release(handle)) begin
                    freed <= !freed;
                end
                handle <= 32'd0;
            end

            case (state)
                IDLE: if (accepted) begin
                    first      <= s_axi_araddr;
                    address    <= s_axi_araddr;
                    len        <= s_axi_arlen;
                    size       <= s_axi_arsize;
                    burst      <= s_axi_arburst;
                    user       <= s_axi_aruser;
                    s_axi_rid  <= s_axi_arid;
                    beats_left <= {1'b0, s_axi_arlen} + 9'd1;
                    if (legal && found != 32'd0 && native_acquire(found)) begin
                        handle <= found;
                        state  <= PAGE_BEATS;
                    end else begin
                        native_ask_burst(
                            PORT, READ, 64'(s_axi_araddr), {24'd0, s_axi_arlen} + 32'd1,
                            32'd1 << s_axi_arsize, {30'd0, s_axi_arburst}, 64'(s_axi_aruser));
                        asked <= !asked;
                        state <= ASKED;
                    end
                end

                ASKED: case (native_answer(PORT, READ))
                    PAGE: begin
                        handle      <= native_handle(PORT, READ);
                        fill_handle <= native_handle(PORT, READ);
                        fill        <= 1'b1;
                        state       <= PAGE_BEATS;
                    end
                    BEATS: state <= ASK_BEAT;
                    default: ;
                endcase

                PAGE_BEATS: if (room && !stall_data) begin
                    s_axi_rdata <= page_beat(handle, address[11:0] & -12'(BUS_BYTES));
                    s_axi_rresp <= 2'(native_page_response(handle));
                    put_beat();
                end

                ASK_BEAT: if (room && !stall_data) begin
                    native_ask_beat(PORT, READ, 64'(address), 32'd1 << size);
                    asked <= !asked;
                    state <= ASKED_BEAT;
                end

                ASKED_BEAT: if (native_answer(PORT, READ) != PENDING) begin
                    s_axi_rdata <= asked_beat();
                    s_axi_rresp <= 2'(native_response(PORT, READ));
                    state       <= ASK_BEAT;
                    put_beat();
                end

                default: state <= IDLE;
            endcase
        end
    end

    // Put a beat on the channel; after the last one nothing is left to be done but to end.
    task automatic put_beat();
        s_axi_rvalid <= 1'b1;
        s_axi_rlast  <= beats_left == 9'd1;
        beats_left   <= beats_left - 9'd1;
        address      <= ADDR_WIDTH'(next_address(64'(address), len, size, burst));
        if (beats_left == 9'd1) state <= IDLE;
    endtask

endmodule

`default_nettype wire
