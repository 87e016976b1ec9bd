"""Prometheus metrics of the agent. States come from the last report, so that no series outlives its version."""

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from replica_agent.report import VersionReport

_SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320)


class Metrics:
    """The counters and histograms of one agent, on a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.fetched = Counter("medinfer_agent_fetch_bytes", "Bytes of bundles fetched", registry=self.registry)
        self.golden = Counter(
            "medinfer_agent_golden_checks", "Golden checks of loaded versions", ["result"], registry=self.registry
        )
        self.load = Histogram(
            "medinfer_agent_load_seconds", "Loads that succeeded", buckets=_SECONDS, registry=self.registry
        )
        self.warmup = Histogram(
            "medinfer_agent_warmup_seconds", "Proofs that succeeded", buckets=_SECONDS, registry=self.registry
        )
        self._trace_spans = Counter(
            "medinfer_agent_trace_spans",
            "Spans by what became of them",
            ["result"],
            registry=self.registry,
        )
        for result in ("matched", "mismatched"):
            self.golden.labels(result)
        for result in ("sent", "refused", "dropped"):
            self._trace_spans.labels(result)

    def count_spans(self, result: str, spans: int) -> None:
        """`result`: `sent`, `refused` or `dropped`."""
        self._trace_spans.labels(result).inc(spans)

    def read_states(
        self, versions: Callable[[], tuple[VersionReport, ...]], triton_restarts: Callable[[], int]
    ) -> None:
        """Both are called at each scrape."""
        self.registry.register(_StateCollector(versions, triton_restarts))


class _StateCollector(Collector):
    def __init__(self, versions: Callable[[], tuple[VersionReport, ...]], triton_restarts: Callable[[], int]) -> None:
        self._versions, self._triton_restarts = versions, triton_restarts

    def collect(self) -> Iterable[Metric]:
        states = GaugeMetricFamily(
            "medinfer_agent_version_state", "1 for the state each version is in", labels=["version", "role", "state"]
        )
        for version in self._versions():
            states.add_metric([str(version.version), version.role.value, version.state.value], 1)
        signatures = GaugeMetricFamily(
            "medinfer_agent_version_signature",
            "1 for what the signature of each version shows",
            labels=["version", "role", "result"],
        )
        for version in self._versions():
            signatures.add_metric([str(version.version), version.role.value, _result(version)], 1)
        restarts = CounterMetricFamily("medinfer_agent_triton_restarts", "Times Triton came back after it was gone")
        restarts.add_metric([], self._triton_restarts())
        return states, signatures, restarts


def _result(version: VersionReport) -> str:
    if version.signature is None:
        return "off"
    return "refused" if version.signature.problem else "verified"
