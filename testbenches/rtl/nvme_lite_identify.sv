// The data that nvme_lite returns to Identify, one dword at a time.
//
// Holds the fields a driver needs to start (NVM Express base specification, Identify Controller and
// Identify Namespace data structures); all others read as zero.
//
// Parameters
//   DISK_BLOCKS   blocks of 512 bytes of the only namespace

`default_nettype none

module nvme_lite_identify #(
    parameter int DISK_BLOCKS = 128
) (
    input  wire  [7:0]  cns,
    input  wire  [9:0]  index,
    output logic [31:0] data
);

    localparam logic [7:0] CNS_NAMESPACE  = 8'h00;
    localparam logic [7:0] CNS_CONTROLLER = 8'h01;
    localparam logic [7:0] CNS_ACTIVE     = 8'h02;

    // Text fields are padded with blanks, their first character in the lowest byte.
    function automatic logic [31:0] controller(input logic [9:0] dword);
        case (dword)
            10'd0:   controller = 32'h0000_0000;                             // SSVID, VID: none
            10'd1:   controller = {"T", "I", "L", "E"};                      // SN: "ELIT..."
            10'd2:   controller = {"0", "0", "0", "E"};
            10'd3:   controller = {" ", " ", " ", "1"};
            10'd4, 10'd5: controller = {" ", " ", " ", " "};
            10'd6:   controller = {"e", "m", "v", "n"};                      // MN: "nvme_lite"
            10'd7:   controller = {"t", "i", "l", "_"};
            10'd8:   controller = {" ", " ", " ", "e"};
            10'd9, 10'd10, 10'd11, 10'd12, 10'd13, 10'd14, 10'd15:
                     controller = {" ", " ", " ", " "};
            10'd16:  controller = {" ", "0", ".", "1"};                      // FR: "1.0"
            10'd17:  controller = {" ", " ", " ", " "};
            10'd20:  controller = 32'h0001_0400;                             // VER: 1.4
            10'd128: controller = 32'h0000_4466;                             // SQES 64, CQES 16 bytes
            10'd129: controller = 32'd1;                                     // NN: one namespace
            default: controller = 32'd0;
        endcase
    endfunction

    function automatic logic [31:0] namespace_data(input logic [9:0] dword);
        case (dword)
            10'd0, 10'd2, 10'd4: namespace_data = DISK_BLOCKS;               // NSZE, NCAP, NUSE
            10'd32:              namespace_data = 32'h0009_0000;             // LBAF0: 2^9 bytes
            default:             namespace_data = 32'd0;
        endcase
    endfunction

    always_comb begin
        case (cns)
            CNS_NAMESPACE:  data = namespace_data(index);
            CNS_CONTROLLER: data = controller(index);
            CNS_ACTIVE:     data = {31'd0, index == 10'd0};                  // namespace 1, the end
            default:        data = 32'd0;
        endcase
    end

endmodule

`default_nettype wire
