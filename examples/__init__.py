"""Runnable examples, one for each kind of user; `tests/examples` runs them."""
