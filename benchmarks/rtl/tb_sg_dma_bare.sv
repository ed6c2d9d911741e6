// sg_dma and memory, and nothing outside the simulator: lets it make one copy and compares every word.
// Prints "start" and "end" at both ends of the copy, then "copied" or "wrong".
//
// +bytes=N   length of the copy, a multiple of 4, at most 1 MiB

`default_nettype none

module tb_sg_dma_bare;

    localparam int ADDR_WIDTH = 64;
    localparam int DATA_WIDTH = 32;
    localparam int ID_WIDTH   = 4;

    localparam int CHAIN       = 'h1000;
    localparam int SOURCE      = 1 << 20;
    localparam int DESTINATION = 2 << 20;

    localparam logic [5:0] CONTROL = 6'h04;
    localparam logic [5:0] HEAD    = 6'h10;

    logic clk = 1'b0;
    logic rst = 1'b1;
    always #5 clk = !clk;

    logic [5:0]              awaddr;
    logic                    axil_awvalid = 1'b0, axil_wvalid = 1'b0;
    logic [31:0]             axil_wdata;
    wire                     axil_awready, axil_wready, axil_bvalid;
    wire                     irq;

    wire [ID_WIDTH-1:0]      awid, bid, arid, rid;
    wire [ADDR_WIDTH-1:0]    axi_awaddr, axi_araddr;
    wire [7:0]               axi_arlen;
    wire [DATA_WIDTH-1:0]    wdata, rdata;
    wire [DATA_WIDTH/8-1:0]  wstrb;
    wire [1:0]               bresp, rresp;
    wire                     awvalid, awready, wlast, wvalid, wready, bvalid, bready;
    wire                     arvalid, arready, rlast, rvalid, rready;

    // Signals beyond those of a plain memory, such as AxUSER, lead nowhere.
    /* verilator lint_off PINMISSING */
    sg_dma #(.ADDR_WIDTH(ADDR_WIDTH), .DATA_WIDTH(DATA_WIDTH), .ID_WIDTH(ID_WIDTH)) master (
        .clk, .rst, .irq,
        .s_axil_awaddr(awaddr), .s_axil_awvalid(axil_awvalid), .s_axil_awready(axil_awready),
        .s_axil_wdata(axil_wdata), .s_axil_wstrb(4'hF), .s_axil_wvalid(axil_wvalid),
        .s_axil_wready(axil_wready), .s_axil_bresp(), .s_axil_bvalid(axil_bvalid),
        .s_axil_bready(1'b1), .s_axil_araddr(6'h00), .s_axil_arvalid(1'b0), .s_axil_arready(),
        .s_axil_rdata(), .s_axil_rresp(), .s_axil_rvalid(), .s_axil_rready(1'b1),
        .m_axi_awid(awid), .m_axi_awaddr(axi_awaddr), .m_axi_awlen(), .m_axi_awsize(),
        .m_axi_awburst(), .m_axi_awvalid(awvalid), .m_axi_awready(awready), .m_axi_wdata(wdata),
        .m_axi_wstrb(wstrb), .m_axi_wlast(wlast), .m_axi_wvalid(wvalid), .m_axi_wready(wready),
        .m_axi_bid(bid), .m_axi_bresp(bresp), .m_axi_bvalid(bvalid), .m_axi_bready(bready),
        .m_axi_arid(arid), .m_axi_araddr(axi_araddr), .m_axi_arlen(axi_arlen), .m_axi_arsize(),
        .m_axi_arburst(), .m_axi_arvalid(arvalid), .m_axi_arready(arready), .m_axi_rid(rid),
        .m_axi_rdata(rdata), .m_axi_rresp(rresp), .m_axi_rlast(rlast), .m_axi_rvalid(rvalid),
        .m_axi_rready(rready)
    );
    /* verilator lint_on PINMISSING */

    axi_memory #(.ADDR_WIDTH(ADDR_WIDTH), .DATA_WIDTH(DATA_WIDTH), .ID_WIDTH(ID_WIDTH)) memory (
        .clk, .rst,
        .s_axi_awid(awid), .s_axi_awaddr(axi_awaddr), .s_axi_awvalid(awvalid),
        .s_axi_awready(awready), .s_axi_wdata(wdata), .s_axi_wstrb(wstrb), .s_axi_wlast(wlast),
        .s_axi_wvalid(wvalid), .s_axi_wready(wready), .s_axi_bid(bid), .s_axi_bresp(bresp),
        .s_axi_bvalid(bvalid), .s_axi_bready(bready), .s_axi_arid(arid), .s_axi_araddr(axi_araddr),
        .s_axi_arlen(axi_arlen), .s_axi_arvalid(arvalid), .s_axi_arready(arready), .s_axi_rid(rid),
        .s_axi_rdata(rdata), .s_axi_rresp(rresp), .s_axi_rlast(rlast), .s_axi_rvalid(rvalid),
        .s_axi_rready(rready)
    );

    // Inputs change at falling edges, so that every rising edge sees them settled.
    task automatic write_register(input logic [5:0] offset, input logic [31:0] value);
        logic address_taken, data_taken, done;
        @(negedge clk);
        awaddr       = offset;
        axil_wdata   = value;
        axil_awvalid = 1'b1;
        axil_wvalid  = 1'b1;
        do begin
            address_taken = axil_awready;
            data_taken    = axil_wready;
            done          = axil_bvalid;
            @(negedge clk);
            if (address_taken) axil_awvalid = 1'b0;
            if (data_taken)    axil_wvalid  = 1'b0;
        end while (!done);
    endtask

    // Distinct words, so that a beat in the wrong place shows.
    function automatic logic [31:0] pattern(input int index);
        return 32'(index) * 32'h9E37_79B1 + 32'd1;
    endfunction

    int length;
    int wrong;

    initial begin
        if ($value$plusargs("bytes=%d", length) == 0) length = 1 << 16;
        for (int index = 0; index < length / 4; index++)
            memory.words[SOURCE / 4 + index] = pattern(index);
        memory.words[CHAIN / 4 + 0] = SOURCE;
        memory.words[CHAIN / 4 + 1] = 0;
        memory.words[CHAIN / 4 + 2] = DESTINATION;
        for (int index = 3; index < 6; index++)
            memory.words[CHAIN / 4 + index] = 0;
        memory.words[CHAIN / 4 + 6] = length;
        memory.words[CHAIN / 4 + 7] = 32'd3;  // LAST, INTERRUPT

        repeat (4) @(negedge clk);
        rst = 1'b0;
        write_register(HEAD, CHAIN);
        write_register(HEAD + 6'd4, 0);
        $display("start");
        $fflush;
        write_register(CONTROL, 32'd3);       // RUN, IRQ_ENABLE
        @(posedge irq);
        $display("end");
        $fflush;

        wrong = 0;
        for (int index = 0; index < length / 4; index++)
            if (memory.words[DESTINATION / 4 + index] != pattern(index)) wrong++;
        if (wrong == 0) $display("copied");
        else $display("wrong");
        $finish;
    end

endmodule

`default_nettype wire
