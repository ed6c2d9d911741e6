// The write half of a native AXI4 memory: one burst at a time, a beat in each cycle.
//
// A burst whose page is known is served without asking; for any other the C side is asked, and the
// burst waits for its answer. It is in flight from the address until its response is taken.

`default_nettype none

module axi_native_write #(
    parameter int PORT       = 0,
    parameter int ADDR_WIDTH = 64,
    parameter int DATA_WIDTH = 32,
    parameter int ID_WIDTH   = 4,
    parameter int USER_WIDTH = 1,
    parameter int LINES      = 64
) (
    input  wire                     clk,
    input  wire                     rst,
    input  wire                     stall_address,
    input  wire                     stall_data,
    input  wire                     stall_response,
    output logic [2:0]              attention,  // changes when the C side has something to do

    input  wire  [ID_WIDTH-1:0]     s_axi_awid,
    input  wire  [ADDR_WIDTH-1:0]   s_axi_awaddr,
    input  wire  [7:0]              s_axi_awlen,
    input  wire  [2:0]              s_axi_awsize,
    input  wire  [1:0]              s_axi_awburst,
    input  wire  [USER_WIDTH-1:0]   s_axi_awuser,
    input  wire                     s_axi_awvalid,
    output logic                    s_axi_awready,
    input  wire  [DATA_WIDTH-1:0]   s_axi_wdata,
    input  wire  [DATA_WIDTH/8-1:0] s_axi_wstrb,
    input  wire                     s_axi_wlast,
    input  wire                     s_axi_wvalid,
    output logic                    s_axi_wready,
    output logic [ID_WIDTH-1:0]     s_axi_bid,
    output logic [1:0]              s_axi_bresp,
    output logic                    s_axi_bvalid,
    input  wire                     s_axi_bready
);
    import axi_native_pkg::*;

    localparam int BUS_BYTES = DATA_WIDTH / 8;
    localparam int WORDS     = (DATA_WIDTH + 63) / 64;
    localparam int WORD      = DATA_WIDTH < 64 ? DATA_WIDTH : 64;

    typedef enum logic [2:0] {
        IDLE, ASKED, PAGE_BEATS, TAKE_BEAT, ASKED_BEAT, RESPOND, ASKED_RESPONSE
    } state_t;

    state_t                state;
    logic [31:0]           handle;
    logic [ADDR_WIDTH-1:0] address;     // of the next beat
    logic [ADDR_WIDTH-1:0] first;
    logic [8:0]            beats_left;
    logic [7:0]            len;
    logic [2:0]            size;
    logic [1:0]            burst;
    logic [USER_WIDTH-1:0] user;
    logic                  last_taken;
    logic                  asked;       // toggles with each thing asked
    logic                  freed;       // toggles with each page given back
    logic                  forgotten;

    logic [31:0] found;
    logic        fill;
    logic [31:0] fill_handle;

    wire accepted = s_axi_awvalid && s_axi_awready;
    wire taken    = s_axi_wvalid && s_axi_wready;
    wire over     = s_axi_bvalid && s_axi_bready;
    wire legal    = is_legal(
        64'(s_axi_awaddr), s_axi_awlen, s_axi_awsize, s_axi_awburst, BUS_BYTES);
    wire last     = beats_left == 9'd1;

    assign s_axi_awready = state == IDLE && !s_axi_bvalid && !stall_address && !rst;
    assign s_axi_wready  = (state == PAGE_BEATS || state == TAKE_BEAT) && !stall_data && !rst;
    assign attention     = {asked, freed, forgotten};

    // Strobes of lanes that the beat has no part in count for nothing.
    localparam logic [BUS_BYTES-1:0] ALL_LANES = '1;
    wire [31:0]          beat_bytes = 32'd1 << size;
    wire [31:0]          lane       = 32'(address) & (BUS_BYTES - 1);
    wire [BUS_BYTES-1:0] strobe     = s_axi_wstrb & (ALL_LANES << lane)
                                    & ~(ALL_LANES << ((lane & -beat_bytes) + beat_bytes));

    axi_native_pages #(
        .ADDR_WIDTH(ADDR_WIDTH), .USER_WIDTH(USER_WIDTH), .LINES(LINES)
    ) pages (
        .clk, .address(s_axi_awaddr), .user(s_axi_awuser), .found,
        .fill, .fill_address(first), .fill_user(user), .fill_handle, .attention(forgotten)
    );

    initial begin
        state  = IDLE;
        handle = 32'd0;
        asked  = 1'b0;
        freed  = 1'b0;
        fill   = 1'b0;
    end

    always_ff @(posedge clk) begin
        fill <= 1'b0;
        if (rst) begin
            if (handle != 32'd0) begin
                if (native_release(handle)) freed <= !freed;
            end else if (state != IDLE || s_axi_bvalid) begin
                native_end(PORT, WRITE, 1'b1);
                asked <= !asked;
            end
            state        <= IDLE;
            handle       <= 32'd0;
            s_axi_bvalid <= 1'b0;
        end else begin
            if (over) begin
                s_axi_bvalid <= 1'b0;
                if (handle == 32'd0) begin
                    native_end(PORT, WRITE, 1'b0);
                    asked <= !asked;
                end else if (native_release(handle)) begin
                    freed <= !freed;
                end
                handle <= 32'd0;
            end

            case (state)
                IDLE: if (accepted) begin
                    first      <= s_axi_awaddr;
                    address    <= s_axi_awaddr;
                    len        <= s_axi_awlen;
                    size       <= s_axi_awsize;
                    burst      <= s_axi_awburst;
                    user       <= s_axi_awuser;
                    s_axi_bid  <= s_axi_awid;
                    beats_left <= {1'b0, s_axi_awlen} + 9'd1;
                    if (legal && found != 32'd0 && native_acquire(found)) begin
                        handle <= found;
                        state  <= PAGE_BEATS;
                    end else begin
                        native_ask_burst(
                            PORT, WRITE, 64'(s_axi_awaddr), {24'd0, s_axi_awlen} + 32'd1,
                            32'd1 << s_axi_awsize, {30'd0, s_axi_awburst}, 64'(s_axi_awuser));
                        asked <= !asked;
                        state <= ASKED;
                    end
                end

                ASKED: case (native_answer(PORT, WRITE))
                    PAGE: begin
                        handle      <= native_handle(PORT, WRITE);
                        fill_handle <= native_handle(PORT, WRITE);
                        fill        <= 1'b1;
                        state       <= PAGE_BEATS;
                    end
                    BEATS: state <= TAKE_BEAT;
                    default: ;
                endcase

                PAGE_BEATS: if (taken) begin
                    for (int word = 0; word < WORDS; word++)
                        native_write(
                            handle, {20'd0, address[11:0] & -12'(BUS_BYTES)} + word * 8,
                            WORD / 8, 64'(s_axi_wdata[word*WORD+:WORD]),
                            8'(strobe[word*8+:WORD/8]));
                    advance();
                    if (last) state <= RESPOND;
                end

                TAKE_BEAT: if (taken) begin
                    for (int word = 0; word < WORDS; word++)
                        native_put_data(
                            PORT, WRITE, word, 64'(s_axi_wdata[word*WORD+:WORD]),
                            8'(strobe[word*8+:WORD/8]));
                    native_ask_beat(PORT, WRITE, 64'(address) & -64'(BUS_BYTES), BUS_BYTES);
                    asked      <= !asked;
                    last_taken <= last;
                    state      <= ASKED_BEAT;
                    advance();
                end

                ASKED_BEAT: if (native_answer(PORT, WRITE) != PENDING)
                    state <= last_taken ? RESPOND : TAKE_BEAT;

                RESPOND: if (!stall_response) begin
                    if (handle != 32'd0) begin
                        s_axi_bresp  <= 2'(native_page_response(handle));
                        s_axi_bvalid <= 1'b1;
                        state        <= IDLE;
                    end else begin
                        native_ask_response(PORT, WRITE);
                        asked <= !asked;
                        state <= ASKED_RESPONSE;
                    end
                end

                ASKED_RESPONSE: if (native_answer(PORT, WRITE) != PENDING) begin
                    s_axi_bresp  <= 2'(native_response(PORT, WRITE));
                    s_axi_bvalid <= 1'b1;
                    state        <= IDLE;
                end

                default: state <= IDLE;
            endcase
        end
    end

    // Another beat was taken; the last one, and no other, says so.
    task automatic advance();
        beats_left <= beats_left - 9'd1;
        address    <= ADDR_WIDTH'(next_address(64'(address), len, size, burst));
        if (s_axi_wlast != last) begin
            native_tell_last(
                PORT, WRITE, 64'(first), {24'd0, len} + 32'd1, 32'd1 << size, {30'd0, burst},
                {24'd0, len} + 32'd2 - {23'd0, beats_left}, s_axi_wlast);
            asked <= !asked;
        end
    endtask

endmodule

`default_nettype wire
