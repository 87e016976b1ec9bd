"""Queries with Grafana's variables replaced, so that Prometheus reads them."""


def fill(expr: str, rate_interval: str = "1m", range: str = "1h") -> str:
    """All namespaces and rollouts; the intervals are Prometheus' durations."""
    values = {"$__rate_interval": rate_interval, "$__range": range, "$namespace": ".*", "$rollout": ".*"}
    for name, value in values.items():
        expr = expr.replace(name, value)
    return expr
