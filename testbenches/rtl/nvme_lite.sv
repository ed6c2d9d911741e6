// A small NVMe controller: one admin queue pair, one I/O queue pair, one namespace in an internal RAM.
//
// It fetches 64-byte commands by DMA, moves data through PRP1, PRP2 and PRP lists, writes 16-byte
// completions with a phase bit, and then an interrupt message (a dword written over AXI) or, while
// messages are off, raises `irq`. Registers: nvme_lite_registers.sv.
//
// Admin commands: Delete/Create I/O SQ and CQ (queue identifier 1 only, contiguous), Identify (CNS 0,
// 1, 2), Set Features (Number of Queues). I/O commands: Flush, Write, Read. Commands are served one at
// a time, admin before I/O; a command waits while its completion queue is full.
//
// Errors on the bus: of data or a PRP list, the command completes with Data Transfer Error; of a
// command fetch or a completion, CSTS.CFS is set and the controller stops until CC.EN is cleared;
// of an interrupt message, MSI_CONTROL.FAILED is set. Clearing CC.EN lets the burst in flight end and
// forgets all else. `rst` ends everything at once.
//
// Parameters
//   ADDR_WIDTH    bits of an AXI address, up to 64
//   DATA_WIDTH    bits of the AXI data bus, from 32; beats are always four bytes
//   ID_WIDTH      bits of an AXI identifier
//   DISK_BLOCKS   blocks of 512 bytes
//   BURST_DWORDS  most beats of a burst, 4 to 256
//   MAX_ENTRIES   most entries of an I/O queue

`default_nettype none

module nvme_lite #(
    parameter int ADDR_WIDTH   = 64,
    parameter int DATA_WIDTH   = 32,
    parameter int ID_WIDTH     = 4,
    parameter int DISK_BLOCKS  = 128,
    parameter int BURST_DWORDS = 16,
    parameter int MAX_ENTRIES  = 256
) (
    input  wire                     clk,
    input  wire                     rst,
    output logic                    irq,

    input  wire  [12:0]             s_axil_awaddr,
    input  wire                     s_axil_awvalid,
    output logic                    s_axil_awready,
    input  wire  [31:0]             s_axil_wdata,
    input  wire  [3:0]              s_axil_wstrb,
    input  wire                     s_axil_wvalid,
    output logic                    s_axil_wready,
    output logic [1:0]              s_axil_bresp,
    output logic                    s_axil_bvalid,
    input  wire                     s_axil_bready,
    input  wire  [12:0]             s_axil_araddr,
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
    output logic                    m_axi_arvalid,
    input  wire                     m_axi_arready,
    input  wire  [ID_WIDTH-1:0]     m_axi_rid,
    input  wire  [DATA_WIDTH-1:0]   m_axi_rdata,
    input  wire  [1:0]              m_axi_rresp,
    input  wire                     m_axi_rlast,
    input  wire                     m_axi_rvalid,
    output logic                    m_axi_rready
);

    localparam int BLOCK_DWORDS = 128;
    localparam int DISK_DWORDS  = DISK_BLOCKS * BLOCK_DWORDS;
    localparam int DISK_BITS    = $clog2(DISK_DWORDS);
    localparam logic [23:0] PAGE_DWORDS  = 24'd1024;

    // Status of a completion: status code type, status code.
    localparam logic [10:0] SUCCESS              = {3'd0, 8'h00};
    localparam logic [10:0] INVALID_OPCODE       = {3'd0, 8'h01};
    localparam logic [10:0] INVALID_FIELD        = {3'd0, 8'h02};
    localparam logic [10:0] DATA_TRANSFER_ERROR  = {3'd0, 8'h04};
    localparam logic [10:0] INVALID_NAMESPACE    = {3'd0, 8'h0B};
    localparam logic [10:0] PRP_OFFSET_INVALID   = {3'd0, 8'h13};
    localparam logic [10:0] LBA_OUT_OF_RANGE     = {3'd0, 8'h80};
    localparam logic [10:0] INVALID_CQ           = {3'd1, 8'h00};
    localparam logic [10:0] INVALID_QUEUE        = {3'd1, 8'h01};
    localparam logic [10:0] INVALID_QUEUE_SIZE   = {3'd1, 8'h02};
    localparam logic [10:0] INVALID_DELETION     = {3'd1, 8'h0C};

    typedef enum logic [3:0] {
        OFF,         // CC.EN is clear
        IDLE,        // waits for a doorbell
        FETCH,       // reads the command
        DECODE,
        PAGE,        // chooses the next burst of the data, or the next page
        LIST,        // reads an entry of the PRP list
        DATA,        // moves a burst of the data
        COMPLETE,    // writes the completion
        MESSAGE,     // writes the interrupt message
        FATAL        // CSTS.CFS is set
    } state_t;

    state_t      state;
    logic        queue;                          // the queue pair in work: 0 admin, 1 I/O
    logic [31:0] command [0:15];
    logic [10:0] status;

    // Queue pairs.
    logic [63:0] sq_base [0:1], cq_base [0:1];
    logic [15:0] sq_last [0:1], cq_last [0:1];   // entries minus one
    logic [15:0] sq_head [0:1], cq_head [0:1];
    logic [15:0] sq_tail [0:1], cq_tail [0:1];
    logic        io_sq_live, io_cq_live;
    logic [1:0]  cq_phase, cq_interrupts, message_pending;
    logic [4:0]  io_vector;

    // The data of the command in work, in dwords.
    logic        to_host;
    logic        identifying;
    logic [23:0] word;                           // of the disk, or of the Identify data
    logic [23:0] left;
    logic [23:0] page_left;
    logic [63:0] page_address;
    logic        listed;                         // PRP2 points to a list
    logic [63:0] list_address;
    logic [31:0] entry_low;

    logic        enable, shutdown_asked, msi_enable, msi_failed;
    logic [31:0] masked, msi_data;
    logic [11:0] admin_sq_last, admin_cq_last;
    logic [63:0] admin_sq_base, admin_cq_base, msi_address;
    logic        doorbell_valid, doorbell_io, doorbell_completion;
    logic [15:0] doorbell_value;

    logic        port_start, port_write, port_busy, port_done, port_failed, port_read_valid;
    logic [63:0] port_address;
    logic [7:0]  port_last, port_beat;
    logic [31:0] port_write_data, port_read_data;

    wire [7:0]  opcode = command[0][7:0];
    wire [1:0]  psdt   = command[0][15:14];
    wire [15:0] cid    = command[0][31:16];
    wire [31:0] nsid   = command[1];
    wire [63:0] prp1   = {command[7], command[6]};
    wire [63:0] prp2   = {command[9], command[8]};
    wire [31:0] cdw10  = command[10];
    wire [31:0] cdw11  = command[11];            // of admin commands; SLBA of the others
    wire [63:0] slba   = {command[11], command[10]};
    wire [16:0] blocks = {1'b0, command[12][15:0]} + 17'd1;

    // What a command moves, had it no fault.
    wire [23:0] asked     = queue ? {blocks, 7'd0} : PAGE_DWORDS;
    wire [23:0] first_run = PAGE_DWORDS - {14'd0, prp1[11:2]};
    wire        fits      = slba < 64'(DISK_BLOCKS) && {47'd0, blocks} <= 64'(DISK_BLOCKS) - slba;

    wire [23:0] run_left  = left < page_left ? left : page_left;
    wire [23:0] burst     = run_left < 24'(BURST_DWORDS) ? run_left : 24'(BURST_DWORDS);
    wire [63:0] entry     = {port_read_data, entry_low};

    wire [1:0] commands_wait = {io_sq_live && sq_head[1] != sq_tail[1]
                                && after(cq_tail[1], cq_last[1]) != cq_head[1],
                                sq_head[0] != sq_tail[0]
                                && after(cq_tail[0], cq_last[0]) != cq_head[0]};
    wire [1:0] unmasked      = {!masked[io_vector], !masked[0]};
    wire [1:0] messages      = message_pending & unmasked & {2{msi_enable}};
    wire [1:0] unread        = {io_cq_live && cq_head[1] != cq_tail[1], cq_head[0] != cq_tail[0]};

    // The position after one in a ring.
    function automatic logic [15:0] after(input logic [15:0] position, input logic [15:0] last);
        after = position == last ? 16'd0 : position + 16'd1;
    endfunction

    task automatic begin_burst(input logic write, input logic [63:0] address,
                               input logic [7:0] last);
        port_start   <= 1'b1;
        port_write   <= write;
        port_address <= address;
        port_last    <= last;
    endtask

    // Ends the command with a status.
    task automatic finish(input logic [10:0] with_status);
        status <= with_status;
        state  <= COMPLETE;
        begin_burst(1'b1, cq_base[queue] + {44'd0, cq_tail[queue], 4'd0}, 8'd3);
    endtask

    // Begins to move the data of a command.
    task automatic move(input logic identify, input logic host_receives,
                        input logic [23:0] first_word);
        if (psdt != 2'b00) finish(INVALID_FIELD);
        else if (prp1[1:0] != 2'b00) finish(PRP_OFFSET_INVALID);
        else begin
            identifying  <= identify;
            to_host      <= host_receives;
            word         <= first_word;
            left         <= asked;
            page_address <= prp1;
            page_left    <= first_run;
            listed       <= asked > first_run + PAGE_DWORDS;
            list_address <= prp2;
            state        <= PAGE;
        end
    endtask

    task automatic decode_admin;
        case (opcode)
            8'h00: if (cdw10[15:0] != 16'd1 || !io_sq_live) finish(INVALID_QUEUE);
                   else begin
                       io_sq_live <= 1'b0;
                       finish(SUCCESS);
                   end
            8'h01: if (cdw10[15:0] != 16'd1 || io_sq_live) finish(INVALID_QUEUE);
                   else if (cdw11[31:16] != 16'd1 || !io_cq_live) finish(INVALID_CQ);
                   else if (!size_allowed(cdw10[31:16])) finish(INVALID_QUEUE_SIZE);
                   else if (!cdw11[0]) finish(INVALID_FIELD);
                   else begin
                       io_sq_live <= 1'b1;
                       sq_base[1] <= {prp1[63:12], 12'd0};
                       sq_last[1] <= cdw10[31:16];
                       sq_head[1] <= 16'd0;
                       sq_tail[1] <= 16'd0;
                       finish(SUCCESS);
                   end
            8'h04: if (cdw10[15:0] != 16'd1 || !io_cq_live) finish(INVALID_QUEUE);
                   else if (io_sq_live) finish(INVALID_DELETION);
                   else begin
                       io_cq_live <= 1'b0;
                       finish(SUCCESS);
                   end
            8'h05: if (cdw10[15:0] != 16'd1 || io_cq_live) finish(INVALID_QUEUE);
                   else if (!size_allowed(cdw10[31:16])) finish(INVALID_QUEUE_SIZE);
                   else if (!cdw11[0] || cdw11[31:21] != 11'd0) finish(INVALID_FIELD);
                   else begin
                       io_cq_live         <= 1'b1;
                       cq_base[1]         <= {prp1[63:12], 12'd0};
                       cq_last[1]         <= cdw10[31:16];
                       cq_head[1]         <= 16'd0;
                       cq_tail[1]         <= 16'd0;
                       cq_phase[1]        <= 1'b1;
                       cq_interrupts[1]   <= cdw11[1];
                       io_vector          <= cdw11[20:16];
                       message_pending[1] <= 1'b0;
                       finish(SUCCESS);
                   end
            8'h06: if (cdw10[7:0] > 8'h02) finish(INVALID_FIELD);
                   else if (cdw10[7:0] == 8'h00 && nsid != 32'd1) finish(INVALID_NAMESPACE);
                   else move(1'b1, 1'b1, 24'd0);
            8'h09: if (cdw10[7:0] == 8'h07) finish(SUCCESS);   // one queue of each, counted from zero
                   else finish(INVALID_FIELD);
            default: finish(INVALID_OPCODE);
        endcase
    endtask

    task automatic decode_io;
        if (opcode > 8'h02) finish(INVALID_OPCODE);
        else if (nsid != 32'd1) finish(INVALID_NAMESPACE);
        else if (opcode == 8'h00) finish(SUCCESS);
        else if (!fits) finish(LBA_OUT_OF_RANGE);
        else move(1'b0, opcode == 8'h02, {slba[16:0], 7'd0});
    endtask

    function automatic logic size_allowed(input logic [15:0] last);
        size_allowed = last != 16'd0 && last <= 16'(MAX_ENTRIES - 1);
    endfunction

    always_ff @(posedge clk) begin
        port_start <= 1'b0;

        if (doorbell_valid && doorbell_completion && doorbell_value <= cq_last[doorbell_io])
            cq_head[doorbell_io] <= doorbell_value;
        if (doorbell_valid && !doorbell_completion && doorbell_value <= sq_last[doorbell_io])
            sq_tail[doorbell_io] <= doorbell_value;

        case (state)
            OFF: begin
                for (int pair = 0; pair < 2; pair++) begin
                    sq_head[pair] <= 16'd0;
                    sq_tail[pair] <= 16'd0;
                    cq_head[pair] <= 16'd0;
                    cq_tail[pair] <= 16'd0;
                end
                sq_base[0]      <= {admin_sq_base[63:12], 12'd0};
                cq_base[0]      <= {admin_cq_base[63:12], 12'd0};
                sq_last[0]      <= {4'd0, admin_sq_last};
                cq_last[0]      <= {4'd0, admin_cq_last};
                sq_last[1]      <= 16'd0;
                cq_last[1]      <= 16'd0;
                io_sq_live      <= 1'b0;
                io_cq_live      <= 1'b0;
                cq_phase        <= 2'b11;
                cq_interrupts   <= 2'b01;
                io_vector       <= 5'd0;
                message_pending <= 2'b00;
                msi_failed      <= 1'b0;
                if (enable) state <= IDLE;
            end
            IDLE: if (messages != 2'b00) begin
                queue <= !messages[0];
                message_pending[messages[0] ? 0 : 1] <= 1'b0;
                begin_burst(1'b1, msi_address, 8'd0);
                state <= MESSAGE;
            end else if (!shutdown_asked && commands_wait != 2'b00) begin
                queue <= !commands_wait[0];
                begin_burst(1'b0, commands_wait[0]
                            ? sq_base[0] + {42'd0, sq_head[0], 6'd0}
                            : sq_base[1] + {42'd0, sq_head[1], 6'd0}, 8'd15);
                state <= FETCH;
            end
            FETCH: if (port_done) begin
                sq_head[queue] <= after(sq_head[queue], sq_last[queue]);
                state          <= port_failed ? FATAL : DECODE;
            end
            DECODE: if (queue) decode_io;
                    else decode_admin;
            PAGE: if (left == 24'd0) finish(SUCCESS);
                else if (page_left != 24'd0) begin
                    begin_burst(to_host, page_address, 8'(burst - 24'd1));
                    state <= DATA;
                end else if (listed) begin
                    if (list_address[2:0] != 3'd0) finish(PRP_OFFSET_INVALID);
                    else begin
                        begin_burst(1'b0, list_address, 8'd1);
                        state <= LIST;
                    end
                end else if (prp2[11:0] != 12'd0) finish(PRP_OFFSET_INVALID);
                else begin
                    page_address <= prp2;
                    page_left    <= PAGE_DWORDS;
                end
            LIST: if (port_done) begin
                state <= PAGE;
                if (port_failed) finish(DATA_TRANSFER_ERROR);
                else if (entry[11:0] != 12'd0) finish(PRP_OFFSET_INVALID);
                // The last entry of a list's page points to the next list if more than a page is left.
                else if (&list_address[11:3] && left > PAGE_DWORDS) list_address <= entry;
                else begin
                    list_address <= list_address + 64'd8;
                    page_address <= entry;
                    page_left    <= PAGE_DWORDS;
                end
            end
            DATA: if (port_done) begin
                if (port_failed) finish(DATA_TRANSFER_ERROR);
                else begin
                    word         <= word + burst;
                    left         <= left - burst;
                    page_left    <= page_left - burst;
                    page_address <= page_address + {38'd0, burst, 2'b00};
                    state        <= PAGE;
                end
            end
            COMPLETE: if (port_done) begin
                cq_tail[queue] <= after(cq_tail[queue], cq_last[queue]);
                if (cq_tail[queue] == cq_last[queue]) cq_phase[queue] <= !cq_phase[queue];
                if (cq_interrupts[queue]) message_pending[queue] <= msi_enable;
                state <= port_failed ? FATAL : IDLE;
            end
            MESSAGE: if (port_done) begin
                msi_failed <= msi_failed || port_failed;
                state      <= IDLE;
            end
            default: ;                           // FATAL is left by CC.EN alone
        endcase

        // CC.EN is obeyed between bursts: one that has begun must end, as AXI asks.
        if (!enable && !port_start && !port_busy) begin
            port_start <= 1'b0;
            state      <= OFF;
        end
        if (rst) begin
            port_start <= 1'b0;
            state      <= OFF;
        end
    end

    // What comes in by DMA.
    logic [31:0] disk [0:DISK_DWORDS-1];
    wire  [DISK_BITS-1:0] disk_index = DISK_BITS'(word + {16'd0, port_beat});

    initial for (int index = 0; index < DISK_DWORDS; index++) disk[index] = 32'd0;

    always_ff @(posedge clk) begin
        if (port_read_valid && state == FETCH) command[port_beat[3:0]] <= port_read_data;
        if (port_read_valid && state == LIST && port_beat == 8'd0) entry_low <= port_read_data;
        if (port_read_valid && state == DATA && !port_failed) disk[disk_index] <= port_read_data;
    end

    // What goes out.
    logic [31:0] completion_data;
    logic [31:0] identify_data;
    wire  [31:0] disk_data        = disk[disk_index];
    wire  [4:0]  vector           = queue ? io_vector : 5'd0;
    wire  [31:0] message_data     = {msi_data[31:5], msi_data[4:0] | vector};
    wire  [1:0]  completion_dword = port_beat[1:0];

    always_comb begin
        case (completion_dword)
            2'd2:    completion_data = {15'd0, queue, sq_head[queue]};
            2'd3:    completion_data = {4'd0, status, cq_phase[queue], cid};
            default: completion_data = 32'd0;
        endcase
        case (state)
            COMPLETE: port_write_data = completion_data;
            MESSAGE:  port_write_data = message_data;
            default:  port_write_data = identifying ? identify_data : disk_data;
        endcase
    end

    assign irq = !msi_enable && (unread & cq_interrupts & unmasked) != 2'b00 && state != OFF;

    nvme_lite_identify #(.DISK_BLOCKS(DISK_BLOCKS)) identify (
        .cns(cdw10[7:0]), .index(10'(word + {16'd0, port_beat})), .data(identify_data)
    );

    logic        write_valid;
    logic [12:0] write_address, read_address;
    logic [31:0] write_data, read_data;
    logic [3:0]  write_strobe;

    axil_target #(.ADDR_WIDTH(13)) target (.*);

    nvme_lite_registers #(.MAX_ENTRIES(MAX_ENTRIES)) registers (
        .ready(state != OFF), .fatal(state == FATAL),
        .shut_down(shutdown_asked && (state == OFF || state == IDLE)), .*
    );

    axi_burst_port #(
        .ADDR_WIDTH(ADDR_WIDTH), .DATA_WIDTH(DATA_WIDTH), .ID_WIDTH(ID_WIDTH)
    ) port (
        .start(port_start), .write(port_write), .address(ADDR_WIDTH'(port_address)),
        .last_beat(port_last), .busy(port_busy), .done(port_done), .failed(port_failed),
        .beat(port_beat), .write_data(port_write_data), .read_valid(port_read_valid),
        .read_data(port_read_data), .*
    );

    wire unused = &{1'b0, command[2], command[3], command[4], command[5], command[13], command[14],
                    command[15], command[12][31:16], slba[63:17], cdw11[15:2],
                    admin_sq_base[11:0], admin_cq_base[11:0]};

endmodule

`default_nettype wire
