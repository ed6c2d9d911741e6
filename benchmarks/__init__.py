"""Benchmarks: programs that measure the model against a named rival in the same run."""
