"""Sends spans to an OpenTelemetry collector. Import `exporter` and `otlp` only where an endpoint is set."""
