"""Loads, checks, drills, faults and benchmarks on a stack. Returns data; never imports typer."""
