// The pages that one direction of a native AXI4 memory was given: direct-mapped, by page number,
// each valid for one value of AxUSER.
//
// What is found here may have been called back; whoever uses a page acquires it first. A line that
// is filled anew forgets the page it held.

`default_nettype none

module axi_native_pages #(
    parameter int ADDR_WIDTH = 64,
    parameter int USER_WIDTH = 1,
    parameter int LINES      = 64
) (
    input  wire                   clk,

    input  wire  [ADDR_WIDTH-1:0] address,
    input  wire  [USER_WIDTH-1:0] user,
    output logic [31:0]           found,        // handle, 0 if there is none

    input  wire                   fill,
    input  wire  [ADDR_WIDTH-1:0] fill_address,
    input  wire  [USER_WIDTH-1:0] fill_user,
    input  wire  [31:0]           fill_handle,
    output logic                  attention     // toggles when a page that was forgotten is free
);
    import axi_native_pkg::*;

    localparam int INDEX_WIDTH = $clog2(LINES);
    localparam int PAGE_WIDTH  = ADDR_WIDTH - 12;

    logic [PAGE_WIDTH-1:0] pages   [LINES];
    logic [USER_WIDTH-1:0] users   [LINES];
    logic [31:0]           handles [LINES];

    wire [INDEX_WIDTH-1:0] line      = address[12+:INDEX_WIDTH];
    wire [INDEX_WIDTH-1:0] fill_line = fill_address[12+:INDEX_WIDTH];

    assign found = pages[line] == address[ADDR_WIDTH-1:12] && users[line] == user
                 ? handles[line] : 32'd0;

    initial begin
        attention = 1'b0;
        for (int number = 0; number < LINES; number++) begin
            pages[number]   = '0;
            users[number]   = '0;
            handles[number] = 32'd0;
        end
    end

    always_ff @(posedge clk) begin
        if (fill) begin
            if (handles[fill_line] != 32'd0 && native_forget(handles[fill_line]))
                attention <= !attention;
            pages[fill_line]   <= fill_address[ADDR_WIDTH-1:12];
            users[fill_line]   <= fill_user;
            handles[fill_line] <= fill_handle;
        end
    end

endmodule

`default_nettype wire
