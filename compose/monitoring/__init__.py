"""Prometheus, Alertmanager and the exporters: what they are configured with."""
