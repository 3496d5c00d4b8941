"""Benchmarks of the pipeline against what else one could do."""
