// What the native AXI4 memory asks of its C side (axi_native.cpp), and the addresses of a burst.
//
// A channel is one direction of one instance; it has one burst at a time. A handle names a page of
// memory that the instance may use without asking; 0 is none.

`default_nettype none

package axi_native_pkg;

    typedef enum int {
        READ  = 0,
        WRITE = 1
    } direction_t;

    // What the answer to a burst is.
    typedef enum int {
        PENDING = 0,    // not known yet
        PAGE    = 1,    // a page to move beats to and from: native_handle
        BEATS   = 2     // beat by beat: each is asked for
    } answer_t;

    // Be the one instance with that number; false if there is another.
    import "DPI-C" function bit native_claim(input int port);

    // Begin to use a page that was given before; false if it was called back.
    import "DPI-C" function bit native_acquire(input int unsigned handle);
    // End one use of a page; true if somebody waits for that.
    import "DPI-C" function bit native_release(input int unsigned handle);
    // Forget a page; true if nobody uses it any more.
    import "DPI-C" function bit native_forget(input int unsigned handle);

    // Bytes of a page, up to eight, the first in the low bits.
    import "DPI-C" function longint unsigned native_read(
        input int unsigned handle, input int unsigned offset, input int unsigned bytes);
    import "DPI-C" function void native_write(
        input int unsigned handle, input int unsigned offset, input int unsigned bytes,
        input longint unsigned data, input byte unsigned strobe);
    // The response of a burst in this page: OKAY, or SLVERR after a reset of the requester.
    import "DPI-C" function byte unsigned native_page_response(input int unsigned handle);

    // Ask for a burst, for a beat of it, for its response; say that it is over or was cut off.
    import "DPI-C" function void native_ask_burst(
        input int port, input int direction, input longint unsigned address,
        input int unsigned beats, input int unsigned beat_bytes, input int unsigned burst,
        input longint unsigned user);
    import "DPI-C" function void native_ask_beat(
        input int port, input int direction, input longint unsigned address,
        input int unsigned bytes);
    import "DPI-C" function void native_put_data(
        input int port, input int direction, input int unsigned word,
        input longint unsigned data, input byte unsigned strobe);
    import "DPI-C" function void native_ask_response(input int port, input int direction);
    // Tell of a beat with a WLAST that its burst does not allow; `beat` counts from 1.
    import "DPI-C" function void native_tell_last(
        input int port, input int direction, input longint unsigned address,
        input int unsigned beats, input int unsigned beat_bytes, input int unsigned burst,
        input int unsigned beat, input bit last);
    import "DPI-C" function void native_end(input int port, input int direction, input bit cut);

    // The answer to what was asked last.
    import "DPI-C" function int native_answer(input int port, input int direction);
    import "DPI-C" function int unsigned native_handle(input int port, input int direction);
    import "DPI-C" function byte unsigned native_response(input int port, input int direction);
    import "DPI-C" function longint unsigned native_get_data(
        input int port, input int direction, input int unsigned word);

    localparam logic [1:0] FIXED = 2'b00, INCR = 2'b01, WRAP = 2'b10;

    // Whether a burst keeps the rules of AXI on a bus of that width, and so stays in its page.
    function automatic bit is_legal(
        input logic [63:0] address, input logic [7:0] len, input logic [2:0] size,
        input logic [1:0] burst, input int unsigned bus_bytes);
        logic [31:0] bytes, aligned;
        bytes   = 32'd1 << size;
        aligned = 32'(address[11:0]) & -bytes;
        if (bytes > bus_bytes)
            is_legal = 1'b0;
        else case (burst)
            FIXED:   is_legal = len < 8'd16;
            INCR:    is_legal = aligned + ((32'(len) + 32'd1) << size) <= 32'd4096;
            WRAP:    is_legal = (len == 8'd1 || len == 8'd3 || len == 8'd7 || len == 8'd15)
                             && aligned == 32'(address[11:0]);
            default: is_legal = 1'b0;
        endcase
    endfunction

    // The address of the beat after this one.
    function automatic logic [63:0] next_address(
        input logic [63:0] address, input logic [7:0] len, input logic [2:0] size,
        input logic [1:0] burst);
        logic [63:0] bytes, block, following;
        bytes     = 64'd1 << size;
        block     = (64'(len) + 64'd1) << size;
        following = (address & -bytes) + bytes;
        if (burst == FIXED)
            next_address = address;
        else if (burst == WRAP && (following & (block - 64'd1)) == 64'd0)
            next_address = following - block;
        else
            next_address = following;
    endfunction

endpackage

`default_nettype wire
