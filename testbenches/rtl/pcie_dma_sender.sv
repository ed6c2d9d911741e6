// Sends TLPs whose header is at hand, one after the other. It has no reset: what has begun must leave
// whole, or the hard IP would take the next TLP for a part of it.
//
// A TLP is accepted with `start` while `idle`. Its payload is asked for by dword: `payload_index`
// is the first of the eight that `payload_data` must hold in the same clock. A beat may leave three
// clocks after `st_ready` was high, and only then (Stratix 10 Avalon-ST, ready latency 3).

`default_nettype none

module pcie_dma_sender (
    input  wire          clk,

    input  wire          start,
    input  wire          is_long,            // the header has four dwords
    input  wire  [127:0] header,             // the first dword lowest
    input  wire  [5:0]   dwords,             // of payload
    output wire          idle,
    output wire  [5:0]   payload_index,
    input  wire  [255:0] payload_data,
    output logic         done,               // the last beat has left

    output logic [255:0] st_data,
    output logic         st_sop,
    output logic         st_eop,
    output logic         st_valid,
    input  wire          st_ready
);

    logic [1:0]   ready_before;
    logic         sending;
    logic         first;
    logic [127:0] the_header;
    logic         the_long;
    logic [5:0]   sent;                      // dwords of payload
    logic [5:0]   total;

    wire [5:0] room = !first ? 6'd8 : the_long ? 6'd4 : 6'd5;
    wire       last = total - sent <= room;

    // Lanes after the payload are 0.
    logic [255:0] payload;
    always_comb
        for (int k = 0; k < 8; k++)
            payload[32*k +: 32] = 32'(sent) + k < 32'(total) ? payload_data[32*k +: 32] : 32'd0;

    initial begin
        st_valid     = 1'b0;
        sending      = 1'b0;
        ready_before = '0;
    end

    assign idle          = !sending;
    assign payload_index = sent;

    always_ff @(posedge clk) begin
        st_valid     <= 1'b0;
        done         <= 1'b0;
        ready_before <= {ready_before[0], st_ready};
        if (!sending) begin
            if (start) begin
                sending    <= 1'b1;
                first      <= 1'b1;
                the_header <= header;
                the_long   <= is_long;
                sent       <= '0;
                total      <= dwords;
            end
        end else if (ready_before[1]) begin
            st_valid <= 1'b1;
            st_sop   <= first;
            st_eop   <= last;
            st_data  <= !first   ? payload
                      : the_long ? {payload[127:0], the_header}
                                 : {payload[159:0], the_header[95:0]};
            first    <= 1'b0;
            sent     <= sent + room;
            sending  <= !last;
            done     <= last;
        end
    end

endmodule

`default_nettype wire
