"""Estimates with honest intervals: shares, growth, percentiles and ratios of samples that are correlated in time."""
