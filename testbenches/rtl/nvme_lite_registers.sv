// The registers of nvme_lite behind AXI4-Lite.
//
// Register map (offsets in bytes; those up to 0x37 and the doorbells as NVM Express has them)
//   0x000  CAP      RO  64 bits: MQES = MAX_ENTRIES - 1, CQR, TO = 500 ms, NVM command set
//   0x008  VS       RO  0x0001_0400
//   0x00C  INTMS    RW1S mask of the interrupt vectors 31 to 0
//   0x010  INTMC    RW1C the same mask
//   0x014  CC       RW  EN (0), SHN (15:14); the rest reads zero
//   0x01C  CSTS     RO  RDY (0), CFS (1), SHST (3:2)
//   0x024  AQA      RW  ASQS (11:0), ACQS (27:16), entries minus one
//   0x028  ASQ      RW  64 bits: address of the admin submission queue
//   0x030  ACQ      RW  64 bits: address of the admin completion queue
//   0xF00  MSI_ADDRESS  RW  64 bits: where an interrupt message is written
//   0xF08  MSI_DATA     RW  its data; a queue's vector is or-ed into bits 4:0
//   0xF0C  MSI_CONTROL  RW  ENABLE (0); FAILED (31, RO): a message was answered with an error since
//                           the controller was enabled
//   0x1000 SQ0TDBL, 0x1004 CQ0HDBL, 0x1008 SQ1TDBL, 0x100C CQ1HDBL  WO  doorbells
// What a message interrupt's configuration space would hold stands at 0xF00, in the range that NVM
// Express leaves to vendors. Byte strobes are honoured.
//
// Parameters
//   MAX_ENTRIES   most entries of a queue, a power of two up to 4096

`default_nettype none

module nvme_lite_registers #(
    parameter int MAX_ENTRIES = 256
) (
    input  wire         clk,
    input  wire         rst,

    input  wire         write_valid,
    input  wire  [12:0] write_address,
    input  wire  [31:0] write_data,
    input  wire  [3:0]  write_strobe,
    input  wire  [12:0] read_address,
    output logic [31:0] read_data,

    input  wire         ready,
    input  wire         fatal,
    input  wire         shut_down,
    input  wire         msi_failed,

    output logic        enable,
    output logic        shutdown_asked,
    output logic [31:0] masked,
    output logic [11:0] admin_sq_last,
    output logic [11:0] admin_cq_last,
    output logic [63:0] admin_sq_base,
    output logic [63:0] admin_cq_base,
    output logic        msi_enable,
    output logic [63:0] msi_address,
    output logic [31:0] msi_data,
    output logic        doorbell_valid,
    output logic        doorbell_io,
    output logic        doorbell_completion,
    output logic [15:0] doorbell_value
);

    localparam logic [31:0] CAP_LOW_VALUE  = {8'd1, 7'd0, 1'b1, 16'(MAX_ENTRIES - 1)};
    localparam logic [31:0] CAP_HIGH_VALUE = 32'h0000_0020;
    localparam logic [31:0] VERSION_VALUE  = 32'h0001_0400;

    // Registers by the number of their dword.
    localparam logic [10:0] CAP_LOW  = 11'h000, CAP_HIGH = 11'h001, VERSION = 11'h002;
    localparam logic [10:0] INTMS    = 11'h003, INTMC    = 11'h004, CC      = 11'h005;
    localparam logic [10:0] CSTS     = 11'h007, AQA      = 11'h009;
    localparam logic [10:0] ASQ_LOW  = 11'h00A, ASQ_HIGH = 11'h00B;
    localparam logic [10:0] ACQ_LOW  = 11'h00C, ACQ_HIGH = 11'h00D;
    localparam logic [10:0] MSI_LOW  = 11'h3C0, MSI_HIGH = 11'h3C1;
    localparam logic [10:0] MSI_DATA = 11'h3C2, MSI_CONTROL = 11'h3C3;
    localparam logic [10:0] DOORBELL_LAST = 11'h403;

    logic [10:0] write_dword;
    logic [10:0] read_dword;
    logic [31:0] strobed;
    logic [1:0]  shutdown_bits;
    logic [31:0] admin_sq_low, admin_sq_high;
    logic [31:0] admin_cq_low, admin_cq_high;
    logic [31:0] msi_low, msi_high;

    assign write_dword = write_address[12:2];
    assign read_dword  = read_address[12:2];
    assign strobed     = {{8{write_strobe[3]}}, {8{write_strobe[2]}},
                          {8{write_strobe[1]}}, {8{write_strobe[0]}}};

    assign admin_sq_base = {admin_sq_high, admin_sq_low};
    assign admin_cq_base = {admin_cq_high, admin_cq_low};
    assign msi_address   = {msi_high, msi_low};

    assign shutdown_asked      = shutdown_bits != 2'b00;
    assign doorbell_valid      = write_valid && write_address[12] && write_dword <= DOORBELL_LAST
                               && write_strobe[1:0] == 2'b11;
    assign doorbell_io         = write_address[3];
    assign doorbell_completion = write_address[2];
    assign doorbell_value      = write_data[15:0];

    // What stays of a register under the byte strobes of a write, and what comes.
    function automatic logic [31:0] merged(input logic [31:0] old, input logic [31:0] strobe,
                                           input logic [31:0] data);
        merged = (old & ~strobe) | (data & strobe);
    endfunction

    always_ff @(posedge clk) begin
        if (write_valid) begin
            case (write_dword)
                INTMS: masked <= masked | (write_data & strobed);
                INTMC: masked <= masked & ~(write_data & strobed);
                CC: begin
                    if (write_strobe[0]) enable <= write_data[0];
                    if (write_strobe[1]) shutdown_bits <= write_data[15:14];
                end
                AQA: begin
                    admin_sq_last <= 12'(merged({20'd0, admin_sq_last}, strobed, write_data));
                    admin_cq_last <= 12'(merged({4'd0, admin_cq_last, 16'd0}, strobed, write_data)
                                         >> 16);
                end
                ASQ_LOW:  admin_sq_low  <= merged(admin_sq_low, strobed, write_data);
                ASQ_HIGH: admin_sq_high <= merged(admin_sq_high, strobed, write_data);
                ACQ_LOW:  admin_cq_low  <= merged(admin_cq_low, strobed, write_data);
                ACQ_HIGH: admin_cq_high <= merged(admin_cq_high, strobed, write_data);
                MSI_LOW:  msi_low       <= merged(msi_low, strobed, write_data);
                MSI_HIGH: msi_high      <= merged(msi_high, strobed, write_data);
                MSI_DATA: msi_data      <= merged(msi_data, strobed, write_data);
                MSI_CONTROL: if (write_strobe[0]) msi_enable <= write_data[0];
                default: ;
            endcase
        end
        if (rst) begin
            enable        <= 1'b0;
            shutdown_bits <= 2'b00;
            masked        <= 32'd0;
            admin_sq_last <= 12'd0;
            admin_cq_last <= 12'd0;
            admin_sq_low  <= 32'd0;
            admin_sq_high <= 32'd0;
            admin_cq_low  <= 32'd0;
            admin_cq_high <= 32'd0;
            msi_enable    <= 1'b0;
            msi_low       <= 32'd0;
            msi_high      <= 32'd0;
            msi_data      <= 32'd0;
        end
    end

    always_comb begin
        case (read_dword)
            CAP_LOW:      read_data = CAP_LOW_VALUE;
            CAP_HIGH:     read_data = CAP_HIGH_VALUE;
            VERSION:      read_data = VERSION_VALUE;
            INTMS, INTMC: read_data = masked;
            CC:           read_data = {16'd0, shutdown_bits, 13'd0, enable};
            CSTS:         read_data = {28'd0, shut_down, 1'b0, fatal, ready};
            AQA:          read_data = {4'd0, admin_cq_last, 4'd0, admin_sq_last};
            ASQ_LOW:      read_data = admin_sq_low;
            ASQ_HIGH:     read_data = admin_sq_high;
            ACQ_LOW:      read_data = admin_cq_low;
            ACQ_HIGH:     read_data = admin_cq_high;
            MSI_LOW:      read_data = msi_low;
            MSI_HIGH:     read_data = msi_high;
            MSI_DATA:     read_data = msi_data;
            MSI_CONTROL:  read_data = {msi_failed, 30'd0, msi_enable};
            default:      read_data = 32'd0;
        endcase
    end

    wire unused = &{1'b0, write_address[1:0], read_address[1:0]};

endmodule

`default_nettype wire
