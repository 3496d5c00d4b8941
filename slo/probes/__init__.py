"""Probes: each measures a few indicators of a running stack, cheaply and without touching the pipeline."""
