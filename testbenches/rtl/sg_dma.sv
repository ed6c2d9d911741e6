// A scatter-gather DMA engine: copies what a chain of descriptors in memory asks for.
//
// A copy is cut into bursts that cross no 4 KiB border on either side; up to SLOTS of them are in
// flight, each under an AXI identifier of its own, and their data may come back in any order.
// Descriptors are fetched under identifier SLOTS and worked off one after the other. Registers:
// sg_dma_registers.sv.
//
// Descriptor: 32 bytes, aligned to 32 bytes, little-endian
//   0x00  64 bits  source address, a multiple of the bus width
//   0x08  64 bits  destination address, a multiple of the bus width
//   0x10  64 bits  address of the next descriptor
//   0x18  32 bits  length in bytes; any, the last beat is written under byte strobes
//   0x1C  32 bits  flags: LAST (0) no descriptor follows, INTERRUPT (1) set STATUS.NOTICE when done,
//                  USER (31:8) AxUSER of the bursts of this copy
//
// Descriptors are fetched with an AxUSER of 0. What the bits of AxUSER mean is for the bus to say.
//
// A burst answered with an error stops the engine when those in flight have ended. `rst` ends
// everything at once.
//
// Parameters
//   ADDR_WIDTH    bits of an AXI address, up to 64
//   DATA_WIDTH    bits of the AXI data bus: 32, 64 or 128
//   ID_WIDTH      bits of an AXI identifier
//   SLOTS         bursts in flight at most, less than 2 to the power of ID_WIDTH
//   BURST_BEATS   most beats of a burst, a power of two from 2 to 256, at most 4 KiB

`default_nettype none

module sg_dma #(
    parameter int ADDR_WIDTH  = 64,
    parameter int DATA_WIDTH  = 32,
    parameter int ID_WIDTH    = 4,
    parameter int SLOTS       = 4,
    parameter int BURST_BEATS = 16
) (
    input  wire                     clk,
    input  wire                     rst,
    output logic                    irq,

    input  wire  [5:0]              s_axil_awaddr,
    input  wire                     s_axil_awvalid,
    output logic                    s_axil_awready,
    input  wire  [31:0]             s_axil_wdata,
    input  wire  [3:0]              s_axil_wstrb,
    input  wire                     s_axil_wvalid,
    output logic                    s_axil_wready,
    output logic [1:0]              s_axil_bresp,
    output logic                    s_axil_bvalid,
    input  wire                     s_axil_bready,
    input  wire  [5:0]              s_axil_araddr,
    input  wire                     s_axil_arvalid,
    output logic                    s_axil_arready,
    output logic [31:0]             s_axil_rdata,
    output logic [1:0]              s_axil_rresp,
    output logic                    s_axil_rvalid,
    input  wire                     s_axil_rready,

    output logic [ID_WIDTH-1:0]     m_axi_awid,
    output logic [ADDR_WIDTH-1:0]   m_axi_awaddr,
    output logic [7:0]              m_axi_awlen,
    output logic [2:0]              m_axi_awsize,
    output logic [1:0]              m_axi_awburst,
    output logic [23:0]             m_axi_awuser,
    output logic                    m_axi_awvalid,
    input  wire                     m_axi_awready,
    output logic [DATA_WIDTH-1:0]   m_axi_wdata,
    output logic [DATA_WIDTH/8-1:0] m_axi_wstrb,
    output logic                    m_axi_wlast,
    output logic                    m_axi_wvalid,
    input  wire                     m_axi_wready,
    input  wire  [ID_WIDTH-1:0]     m_axi_bid,
    input  wire  [1:0]              m_axi_bresp,
    input  wire                     m_axi_bvalid,
    output logic                    m_axi_bready,
    output logic [ID_WIDTH-1:0]     m_axi_arid,
    output logic [ADDR_WIDTH-1:0]   m_axi_araddr,
    output logic [7:0]              m_axi_arlen,
    output logic [2:0]              m_axi_arsize,
    output logic [1:0]              m_axi_arburst,
    output logic [23:0]             m_axi_aruser,
    output logic                    m_axi_arvalid,
    input  wire                     m_axi_arready,
    input  wire  [ID_WIDTH-1:0]     m_axi_rid,
    input  wire  [DATA_WIDTH-1:0]   m_axi_rdata,
    input  wire  [1:0]              m_axi_rresp,
    input  wire                     m_axi_rlast,
    input  wire                     m_axi_rvalid,
    output logic                    m_axi_rready
);

    localparam int BEAT_BYTES       = DATA_WIDTH / 8;
    localparam int SIZE_BITS        = $clog2(BEAT_BYTES);
    localparam int USER_WIDTH       = 24;
    localparam int DESCRIPTOR_BITS  = 256;
    localparam logic [12:0] PAGE_BYTES  = 13'd4096;
    localparam logic [12:0] BURST_BYTES = 13'(BURST_BEATS * BEAT_BYTES);
    localparam logic [7:0]  DESCRIPTOR_LAST = 8'(DESCRIPTOR_BITS / DATA_WIDTH - 1);
    localparam logic [ID_WIDTH-1:0] DESCRIPTOR_ID = ID_WIDTH'(SLOTS);

    typedef enum logic [2:0] {
        IDLE,
        REQUEST,     // issues the read of a descriptor
        FETCH,       // takes its data
        CHECK,
        COPY,        // issues reads until all is asked for, then waits for the slots
        NEXT
    } state_t;

    state_t state;
    logic   stopping;

    logic [DESCRIPTOR_BITS-1:0] descriptor;
    logic                       descriptor_failed;
    logic [63:0]                pointer, source, destination;
    logic [31:0]                left;

    wire [63:0] next_pointer = descriptor[191:128];
    wire        is_last      = descriptor[224];
    wire        has_notice   = descriptor[225];
    wire [USER_WIDTH-1:0] user = descriptor[232 +: USER_WIDTH];
    wire        misaligned   = descriptor[SIZE_BITS-1:0] != '0
                             || descriptor[64 +: SIZE_BITS] != '0;

    // The next burst: what is left, cut at a page border of either side and at the longest burst.
    wire [12:0] to_source_border      = PAGE_BYTES - {1'b0, source[11:0]};
    wire [12:0] to_destination_border = PAGE_BYTES - {1'b0, destination[11:0]};
    wire [12:0] to_border = to_source_border < to_destination_border ? to_source_border
                                                                     : to_destination_border;
    wire [12:0] longest   = to_border < BURST_BYTES ? to_border : BURST_BYTES;
    wire [12:0] bytes     = left < {19'd0, longest} ? left[12:0] : longest;

    logic                  start, stop, error;
    logic [63:0]           head;
    logic                  free, idle;
    logic [ID_WIDTH-1:0]   free_slot;
    logic [7:0]            outstanding;
    logic                  read_failed, write_failed;
    logic [ADDR_WIDTH-1:0] read_failed_address, write_failed_address;

    wire fetched = m_axi_rvalid && m_axi_rready && m_axi_rid == DESCRIPTOR_ID;
    wire fetch_failed = fetched && m_axi_rlast && (descriptor_failed || m_axi_rresp[1]);
    wire halting = stopping || stop || error;
    wire may_issue = !m_axi_arvalid || m_axi_arready;
    wire take = state == COPY && left != 32'd0 && free && may_issue && !halting;
    wire finished = state == NEXT && left == 32'd0 && !error;

    assign m_axi_arburst = 2'd1;
    assign m_axi_arsize  = 3'(SIZE_BITS);
    assign m_axi_rready  = !rst;
    // No descriptor is fetched before the bursts of the one before have ended.
    assign m_axi_awuser  = user;

    always_ff @(posedge clk) begin
        if (m_axi_arready) m_axi_arvalid <= 1'b0;
        if (stop) stopping <= 1'b1;

        case (state)
            IDLE: begin
                stopping <= 1'b0;
                pointer  <= head;
                if (start) state <= REQUEST;
            end
            REQUEST: begin
                descriptor_failed <= 1'b0;
                if (halting || pointer[4:0] != 5'd0) state <= IDLE;
                else begin
                    m_axi_arvalid <= 1'b1;
                    m_axi_arid    <= DESCRIPTOR_ID;
                    m_axi_araddr  <= ADDR_WIDTH'(pointer);
                    m_axi_arlen   <= DESCRIPTOR_LAST;
                    m_axi_aruser  <= '0;
                    state         <= FETCH;
                end
            end
            FETCH: if (fetched) begin
                descriptor        <= {m_axi_rdata, descriptor[DESCRIPTOR_BITS-1:DATA_WIDTH]};
                descriptor_failed <= descriptor_failed || m_axi_rresp[1];
                if (m_axi_rlast) state <= CHECK;
            end
            CHECK: begin
                source      <= descriptor[63:0];
                destination <= descriptor[127:64];
                left        <= descriptor[223:192];
                state       <= halting || misaligned ? IDLE : COPY;
            end
            COPY: begin
                if (take) begin
                    m_axi_arvalid <= 1'b1;
                    m_axi_arid    <= free_slot;
                    m_axi_araddr  <= ADDR_WIDTH'(source);
                    m_axi_arlen   <= 8'((bytes - 13'd1) >> SIZE_BITS);
                    m_axi_aruser  <= user;
                    source        <= source + {51'd0, bytes};
                    destination   <= destination + {51'd0, bytes};
                    left          <= left - {19'd0, bytes};
                end else if (idle && !m_axi_arvalid && (left == 32'd0 || halting)) state <= NEXT;
            end
            default: begin                       // NEXT
                pointer <= next_pointer;
                state   <= halting || is_last ? IDLE : REQUEST;
            end
        endcase

        if (rst) begin
            state         <= IDLE;
            m_axi_arvalid <= 1'b0;
        end
    end

    sg_dma_slots #(
        .ADDR_WIDTH(ADDR_WIDTH), .DATA_WIDTH(DATA_WIDTH), .ID_WIDTH(ID_WIDTH), .SLOTS(SLOTS),
        .BURST_BEATS(BURST_BEATS)
    ) slots (
        .take_source(ADDR_WIDTH'(source)), .take_destination(ADDR_WIDTH'(destination)),
        .take_bytes(bytes), .*
    );

    logic        write_valid;
    logic [5:0]  write_address, read_address;
    logic [31:0] write_data, read_data;
    logic [3:0]  write_strobe;

    axil_target #(.ADDR_WIDTH(6)) target (.*);

    sg_dma_registers registers (
        .busy(state != IDLE), .chain_done(finished && is_last), .descriptor_done(finished),
        .notice(finished && has_notice),
        .bad((state == REQUEST && pointer[4:0] != 5'd0) || (state == CHECK && misaligned && !error)),
        .read_failed(read_failed || fetch_failed),
        .read_failed_address(fetch_failed ? pointer : 64'(read_failed_address)),
        .write_failed_address(64'(write_failed_address)), .*
    );

    wire unused = &{1'b0, descriptor[231:226]};

endmodule

`default_nettype wire
