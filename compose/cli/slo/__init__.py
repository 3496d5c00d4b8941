"""`adctr slo`: objectives, and whether they are kept."""
