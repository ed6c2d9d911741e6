"""A Wishbone master in RTL, in classic cycles or in pipelined mode."""
