"""Prometheus, Alertmanager and the exporters: what they are configured with, in the embedded stack and in Compose."""
