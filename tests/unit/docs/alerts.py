"""The rules of the chart, the series that their tests write, and the metrics that the parts export."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

import yaml
from inference_api.process.metrics import Metrics as ApiMetrics
from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.registry import Collector
from replica_agent.metrics import Metrics as AgentMetrics
from rollout_operator.metrics import Metrics as OperatorMetrics

from tests.unit.docs.reasons import ROOT

FILES = sorted((ROOT / "charts" / "medinfer" / "rules").glob("*.yaml"))
SITUATIONS = [ROOT / "tests" / "chart" / "monitoring" / name for name in ("alerts.yaml", "promises.yaml")]
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}

Rule = dict[str, Any]


def rules() -> list[Rule]:
    """Return the alerts."""
    return [rule for rule in _every_rule() if "alert" in rule]


def recording_rules() -> list[Rule]:
    return [rule for rule in _every_rule() if "record" in rule]


def _every_rule() -> list[Rule]:
    groups = [group for file in FILES for group in yaml.safe_load(file.read_text())["groups"]]
    return [rule for group in groups for rule in group["rules"]]


def assumed() -> list[str]:
    """Return the series that the tests of the alerts write, with their labels."""
    tests = [test for file in SITUATIONS for test in yaml.safe_load(file.read_text())["tests"]]
    return sorted({one["series"] for test in tests for one in test["input_series"]})


def names() -> set[str]:
    return {rule["alert"] for rule in rules()}


def metrics_in(expression: str) -> set[str]:
    return set(re.findall(r"(?<![\w:])(?:medinfer|inference_api)_\w+", expression))


def recorded_in(expression: str) -> set[str]:
    return set(re.findall(r"\w+:\w+:\w+", expression))


def matchers_in(expression: str) -> Iterator[tuple[str, str]]:
    """Yield (label, value), one for each alternative of a pattern."""
    for label, values in re.findall(r'(\w+)!?=~?"([^"]*)"', expression):
        yield from ((label, value) for value in values.split("|"))


def series() -> set[str]:
    """Return the names of all exported metrics as Prometheus stores them."""
    collectors: tuple[Collector, ...] = (ApiMetrics(lambda: ({}, [])), agent_registry(), OperatorMetrics().registry)
    return set(_names(metric for collector in collectors for metric in collector.collect()))


def agent_registry() -> CollectorRegistry:
    """Return everything that an agent exports."""
    agent = AgentMetrics()
    agent.read_states(lambda: (), lambda: 0)
    return agent.registry


def _names(metrics: Iterable[Metric]) -> Iterator[str]:
    for metric in metrics:
        yield from (metric.name + suffix for suffix in SUFFIXES[metric.type])
