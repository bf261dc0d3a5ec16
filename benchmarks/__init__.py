"""Measures dmarcscope's speed, memory and size: ``python -m benchmarks.run``."""
