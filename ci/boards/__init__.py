"""Grafana's dashboards, generated."""
