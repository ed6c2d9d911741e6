// Takes received TLPs apart: dword writes and reads of registers, and completions with their data.
//
// One beat is eight dwords, the first one lowest; a header is three or four of them. Everything is
// told one clock after its beat. Register accesses are one dword; of longer writes the first counts.

`default_nettype none

module pcie_dma_receiver (
    input  wire          clk,
    input  wire          rst,

    input  wire  [255:0] st_data,
    input  wire          st_sop,
    input  wire          st_valid,

    output logic         write,
    output logic         read,
    output logic [11:0]  address,
    output logic [31:0]  write_data,
    output logic [15:0]  read_requester,
    output logic [7:0]   read_tag,

    output logic         completion,         // a beat of one
    output logic [7:0]   completion_tag,
    output logic [2:0]   completion_status,
    output logic [255:0] completion_data,
    output logic [3:0]   completion_dwords   // how many of them are data
);

    localparam logic [4:0] MEMORY     = 5'b00000;
    localparam logic [4:0] COMPLETION = 5'b01010;

    wire [31:0] header0  = st_data[31:0];
    wire [31:0] header1  = st_data[63:32];
    wire [31:0] header2  = st_data[95:64];
    wire        long     = header0[29];
    wire        has_data = header0[30];
    wire [4:0]  kind     = header0[28:24];

    logic       in_completion;
    logic [10:0] left;                       // dwords of the completion still to come

    wire [10:0] length = header0[9:0] == 0 ? 11'd1024 : {1'b0, header0[9:0]};
    wire [10:0] now    = st_sop ? (has_data ? length : 11'd0) : left;
    wire [10:0] room   = st_sop ? 11'd5 : 11'd8;
    wire [10:0] taken  = now < room ? now : room;

    always_ff @(posedge clk) begin
        write      <= 1'b0;
        read       <= 1'b0;
        completion <= 1'b0;
        if (rst) begin
            in_completion <= 1'b0;
            left          <= '0;
        end else if (st_valid) begin
            if (st_sop) begin
                in_completion <= kind == COMPLETION;
                write         <= kind == MEMORY && has_data;
                read          <= kind == MEMORY && !has_data;
                address       <= long ? st_data[107:96] : header2[11:0];
                write_data    <= long ? st_data[159:128] : st_data[127:96];
                read_requester <= header1[31:16];
                read_tag      <= header1[15:8];
                completion_tag    <= header2[15:8];
                completion_status <= header1[15:13];
            end
            completion        <= st_sop ? kind == COMPLETION : in_completion;
            completion_data   <= st_sop ? st_data >> 96 : st_data;
            completion_dwords <= taken[3:0];
            left              <= now - taken;
        end
    end

endmodule

`default_nettype wire
