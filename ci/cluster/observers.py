"""Prometheus and Jaeger on the local cluster: `make up OBSERVE=1`."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

from ci.cluster.chart import CHART, run
from ci.cluster.delivery import is_local
from ci.stack import jaeger
from ci.stack.errors import CommandFailed

MANIFEST = Path(__file__).with_name("observers.yaml")
NAMESPACE = "monitoring"
DEPLOYMENTS = ("deployment/prometheus", "deployment/jaeger")
# Of the chart, so that its parts send traces and may be read.
SETTINGS = {
    "tracing.enabled": "true",
    "tracing.endpoint": f"http://jaeger.{NAMESPACE}.svc:4318",
    "tracing.ratio": "1",
    "networkPolicy.metricsClients[0].namespaceSelector.matchLabels.kubernetes\\.io/metadata\\.name": NAMESPACE,
}


def are_wanted() -> bool:
    """Whether OBSERVE is set. Raises CommandFailed for another cluster, which has observers of its own."""
    wanted = os.environ.get("OBSERVE", "") not in ("", "0")
    if wanted and not is_local():
        raise CommandFailed("OBSERVE=1 is for the local cluster: on yours set serviceMonitor, dashboards and tracing")
    return wanted


def add() -> None:
    """Returns when both run. Prometheus reads the chart's own rules."""
    texts = MANIFEST.read_text(), *map(json.dumps, config_maps())
    run("kubectl", "apply", "--server-side", "-f", "-", text="\n---\n".join(texts))
    run("kubectl", "-n", NAMESPACE, "rollout", "status", *DEPLOYMENTS, "--timeout=180s")


def are_there() -> bool:
    return bool(run("kubectl", "get", "namespace", NAMESPACE, "--ignore-not-found", "-o", "name"))


def config_maps() -> Iterator[dict[str, object]]:
    """Of what is written elsewhere: the chart's rules, and the configuration of the tests' Jaeger."""
    rules = {path.name: path.read_text() for path in sorted((CHART / "rules").glob("*.yaml"))}
    for name, data in (
        ("prometheus-rules", rules),
        ("jaeger", {"jaeger.yaml": json.dumps(jaeger.configuration("0.0.0.0"))}),
    ):
        yield {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": NAMESPACE},
            "data": data,
        }
