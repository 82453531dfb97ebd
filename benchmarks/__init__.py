"""Benchmarks: the sparse layer side by side with what else there is; run ``python -m benchmarks``."""
