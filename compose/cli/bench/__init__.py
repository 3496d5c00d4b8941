"""`adctr bench`: what the pipeline can do, measured on this machine."""
