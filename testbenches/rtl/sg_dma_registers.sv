// The registers of sg_dma behind AXI4-Lite.
//
// Register map (offsets in bytes)
//   0x00  ID             RO    0x5347_444D
//   0x04  CONTROL        RW    RUN (0): written 1 while idle, starts at HEAD; written 0, stops once
//                              the bursts in flight have ended; reads 0 when the engine is idle.
//                              IRQ_ENABLE (1)
//   0x08  STATUS               BUSY (0, RO); write one to clear: DONE (1) the last descriptor is done,
//                              ERROR (2) a burst was answered with an error and the engine stopped,
//                              BAD (3) a descriptor was misaligned and the engine stopped,
//                              NOTICE (4) a descriptor with the flag INTERRUPT is done;
//                              OUTSTANDING (15:8, RO) bursts in flight
//   0x10  HEAD           RW    64 bits: address of the first descriptor
//   0x18  DONE_COUNT     RO    descriptors done since the start
//   0x1C  ERROR_COUNT    RO    bursts answered with an error since the start
//   0x20  ERROR_ADDRESS  RO    64 bits: address of the first of them
// `irq` is high while IRQ_ENABLE and any of DONE, ERROR, BAD, NOTICE are set. Starting clears those four
// and the counts. Byte strobes are honoured.

`default_nettype none

module sg_dma_registers (
    input  wire         clk,
    input  wire         rst,
    output logic        irq,

    input  wire         write_valid,
    input  wire  [5:0]  write_address,
    input  wire  [31:0] write_data,
    input  wire  [3:0]  write_strobe,
    input  wire  [5:0]  read_address,
    output logic [31:0] read_data,

    input  wire         busy,
    input  wire  [7:0]  outstanding,
    input  wire         chain_done,          // one cycle each
    input  wire         descriptor_done,
    input  wire         notice,
    input  wire         bad,
    input  wire         read_failed,         // at most one read and one write in a cycle
    input  wire  [63:0] read_failed_address,
    input  wire         write_failed,
    input  wire  [63:0] write_failed_address,

    output logic        start,
    output logic        stop,
    output logic [63:0] head,
    output logic        error
);

    localparam logic [31:0] ID_VALUE = 32'h5347_444D;

    // Registers by the number of their dword.
    localparam logic [3:0] ID = 4'd0, CONTROL = 4'd1, STATUS = 4'd2, HEAD_LOW = 4'd4, HEAD_HIGH = 4'd5;
    localparam logic [3:0] DONE_COUNT = 4'd6, ERROR_COUNT = 4'd7, ERROR_LOW = 4'd8, ERROR_HIGH = 4'd9;

    logic        irq_enable, done_seen, bad_seen, notice_seen;
    logic [31:0] head_low, head_high, done_count, error_count, error_low, error_high;
    logic [31:0] strobed;
    wire  [3:0]  write_dword = write_address[5:2];
    wire  [3:0]  read_dword  = read_address[5:2];
    wire  [3:0]  cleared     = write_valid && write_dword == STATUS && write_strobe[0]
                             ? write_data[4:1] : 4'd0;
    wire         controlled  = write_valid && write_dword == CONTROL && write_strobe[0];

    assign strobed = {{8{write_strobe[3]}}, {8{write_strobe[2]}},
                      {8{write_strobe[1]}}, {8{write_strobe[0]}}};
    assign head    = {head_high, head_low};
    assign start   = controlled && write_data[0] && !busy;
    assign stop    = controlled && !write_data[0];
    assign irq     = irq_enable && (done_seen || error || bad_seen || notice_seen);

    always_ff @(posedge clk) begin
        if (controlled) irq_enable <= write_data[1];
        if (write_valid && write_dword == HEAD_LOW)
            head_low <= (head_low & ~strobed) | (write_data & strobed);
        if (write_valid && write_dword == HEAD_HIGH)
            head_high <= (head_high & ~strobed) | (write_data & strobed);

        done_seen   <= chain_done || (done_seen && !cleared[0]);
        error       <= read_failed || write_failed || (error && !cleared[1]);
        bad_seen    <= bad || (bad_seen && !cleared[2]);
        notice_seen <= notice || (notice_seen && !cleared[3]);

        if (descriptor_done) done_count <= done_count + 32'd1;
        error_count <= error_count + {31'd0, read_failed} + {31'd0, write_failed};
        if ((read_failed || write_failed) && error_count == 32'd0)
            {error_high, error_low} <= read_failed ? read_failed_address : write_failed_address;

        if (start || rst) begin
            done_seen   <= 1'b0;
            error       <= 1'b0;
            bad_seen    <= 1'b0;
            notice_seen <= 1'b0;
            done_count  <= 32'd0;
            error_count <= 32'd0;
            error_low   <= 32'd0;
            error_high  <= 32'd0;
        end
        if (rst) begin
            irq_enable <= 1'b0;
            head_low   <= 32'd0;
            head_high  <= 32'd0;
        end
    end

    always_comb begin
        case (read_dword)
            ID:          read_data = ID_VALUE;
            CONTROL:     read_data = {30'd0, irq_enable, busy};
            STATUS:      read_data = {16'd0, outstanding, 3'd0, notice_seen, bad_seen, error,
                                      done_seen, busy};
            HEAD_LOW:    read_data = head_low;
            HEAD_HIGH:   read_data = head_high;
            DONE_COUNT:  read_data = done_count;
            ERROR_COUNT: read_data = error_count;
            ERROR_LOW:   read_data = error_low;
            ERROR_HIGH:  read_data = error_high;
            default:     read_data = 32'd0;
        endcase
    end

    wire unused = &{1'b0, write_address[1:0], read_address[1:0]};

endmodule

`default_nettype wire
