"""What probes see, for Prometheus."""
