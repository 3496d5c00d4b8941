"""Grafana dashboards as code: built from the objectives, committed as JSON, published over Grafana's HTTP API."""
