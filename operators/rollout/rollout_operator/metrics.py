"""Prometheus metrics of the operator. A rollout's series come from its last decision, and end when it is deleted."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from rollout_operator.decide.decision import Decision
from rollout_operator.documents.status import Status

# There from the start: a series that appears with 1 did not grow, as Prometheus sees it.
REASONS = ("ClusterError", "Conflict", "Missing", "Unavailable", "Bug")
SPAN_RESULTS = ("sent", "refused", "dropped")
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5)


class Metrics:
    """Everything that the operator exports, in one registry."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.errors = Counter(
            "medinfer_operator_errors", "Reconciles that ended early, by reason", ["reason"], registry=self.registry
        )
        for reason in REASONS:
            self.errors.labels(reason)
        self.leads = Gauge("medinfer_operator_leads", "1 while the Lease is held", registry=self.registry)
        self._trace_spans = Counter(
            "medinfer_operator_trace_spans",
            "Spans by what became of them",
            ["result"],
            registry=self.registry,
        )
        for result in SPAN_RESULTS:
            self._trace_spans.labels(result)
        self._reconcile = Histogram(
            "medinfer_operator_reconcile_seconds",
            "One reconcile of one rollout, writes included",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._decisions: dict[str, Decision] = {}
        self.registry.register(_Rollouts(self._decisions))

    def time_reconcile(self) -> AbstractContextManager[object]:
        """Measures the body of a `with`."""
        return self._reconcile.time()

    def count_spans(self, result: str, spans: int) -> None:
        """`result`: one of SPAN_RESULTS."""
        self._trace_spans.labels(result).inc(spans)

    def note(self, name: str, decision: Decision) -> None:
        """The series of this rollout now show this decision."""
        self._decisions[name] = decision

    def forget(self, name: str) -> None:
        """Ends the series of a rollout."""
        self._decisions.pop(name, None)

    def forget_all(self) -> None:
        """Ends all series of rollouts: another operator exports them now."""
        self._decisions.clear()


class _Rollouts(Collector):
    def __init__(self, decisions: dict[str, Decision]) -> None:
        self._decisions = decisions

    def collect(self) -> Iterable[Metric]:
        prefix = "medinfer_rollout"
        phase = GaugeMetricFamily(f"{prefix}_phase", "1 for the phase it is in", labels=["rollout", "phase"])
        step = GaugeMetricFamily(f"{prefix}_step", "Index of the step; -1 before the first", labels=["rollout"])
        weight = GaugeMetricFamily(f"{prefix}_canary_weight_percent", "The canary's traffic", labels=["rollout"])
        version = GaugeMetricFamily(f"{prefix}_version", "Version in each role", labels=["rollout", "role"])
        warm = GaugeMetricFamily(f"{prefix}_warm_replicas", "Replicas that hold it warm", labels=["rollout"])
        ready = GaugeMetricFamily(f"{prefix}_ready", "1: the wanted version is live", labels=["rollout"])
        available = GaugeMetricFamily(f"{prefix}_available", "1: patients are served", labels=["rollout"])
        for name, decision in list(self._decisions.items()):
            status, report = decision.status, decision.report
            phase.add_metric([name, str(report.phase)], 1)
            step.add_metric([name], -1 if status.current_step_index is None else status.current_step_index)
            weight.add_metric([name], report.canary_weight)
            warm.add_metric([name], report.replicas.warm)
            true = {one.type for one in status.conditions if one.status == "True"}
            ready.add_metric([name], "Ready" in true)
            available.add_metric([name], "Available" in true)
            for role in ("stable", "canary", "previous"):
                if release := getattr(status, role):
                    version.add_metric([name, role], release.version)
        yield from (phase, step, weight, version, warm, ready, available)
        yield from self._judged()

    def _judged(self) -> Iterator[Metric]:
        prefix = "medinfer_rollout"
        wanted = GaugeMetricFamily(f"{prefix}_wanted_replicas", "Replicas that shall hold it", labels=["rollout"])
        value = GaugeMetricFamily(f"{prefix}_gate_value", "What the last analysis measured", labels=["rollout", "gate"])
        limit = GaugeMetricFamily(f"{prefix}_gate_limit", "What it may be at most", labels=["rollout", "gate"])
        approved = GaugeMetricFamily(f"{prefix}_approved_steps", "Approved steps of this try", labels=["rollout"])
        kept_out = GaugeMetricFamily(f"{prefix}_quarantined_versions", "Versions not tried again", labels=["rollout"])
        for name, decision in list(self._decisions.items()):
            status = decision.status
            wanted.add_metric([name], decision.report.replicas.desired)
            kept_out.add_metric([name], len(status.quarantined))
            approved.add_metric([name], _approved_steps(status))
            for one in status.analysis.last.measurements if status.analysis.last else ():
                for family, number in ((value, one.value), (limit, one.limit)):
                    if number is not None:
                        family.add_metric([name, one.name], number)
        yield from (wanted, value, limit, approved, kept_out)


def _approved_steps(status: Status) -> int:
    return sum(bool(one.approved_by) for one in status.attempt.steps) if status.attempt else 0
