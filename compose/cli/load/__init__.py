"""`adctr load`: events for a running stack."""
