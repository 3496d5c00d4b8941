"""`adctr dlq`: dead letters."""
