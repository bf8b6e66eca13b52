"""The parts of `gpu_check.py`. Each takes a `Card`, prints a table, and returns what failed."""
