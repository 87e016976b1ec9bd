"""The alerts and their tests in tests/chart use only metrics and label values that exist."""

import pytest
from inference_api.process.metrics import AUDIT_RESULTS
from inference_api.routing.counters import LATENCY_BOUNDS_SECONDS, Result
from replica_agent.plan import Role
from replica_agent.state import State
from rollout_operator.documents.status import Phase

from ci.boards.promises import PROMISES
from tests.unit.docs.alerts import (
    Rule,
    assumed,
    matchers_in,
    metrics_in,
    names,
    recorded_in,
    recording_rules,
    rules,
    series,
)
from tests.unit.docs.reasons import errors_of_visits, kinds_of_problems

EVERY_ALERT = [pytest.param(rule, id=rule["alert"]) for rule in rules()]
EVERY = EVERY_ALERT + [
    pytest.param(rule, id=f"{rule['record']} {rule.get('labels', {}).get('slo', '')}") for rule in recording_rules()
]
RECORDED = {rule["record"] for rule in recording_rules()}
VALUES = {
    "phase": {str(phase) for phase in Phase},
    "state": {str(state) for state in State},
    "role": {str(role) for role in Role},
    "outcome": {str(result) for result in Result},
    "kind": kinds_of_problems(),
    "reason": errors_of_visits(),
    "result": set(AUDIT_RESULTS),
    "slo": {promise.name for promise in PROMISES},
    "le": set(map(str, LATENCY_BOUNDS_SECONDS)),
    "namespace": {"medinfer", "elsewhere"},
}


def test_an_alert_has_one_rule() -> None:
    assert len(rules()) == len(names())


@pytest.mark.parametrize("rule", EVERY)
def test_every_metric_exists(rule: Rule) -> None:
    assert metrics_in(rule["expr"]) or recorded_in(rule["expr"])
    assert metrics_in(rule["expr"]) - series() == set()
    assert recorded_in(rule["expr"]) - RECORDED == set()


@pytest.mark.parametrize("rule", EVERY)
def test_every_value_that_is_looked_for_exists(rule: Rule) -> None:
    assert {(label, value) for label, value in matchers_in(rule["expr"]) if value not in VALUES[label]} == set()


@pytest.mark.parametrize("one", assumed())
def test_every_series_of_a_situation_exists(one: str) -> None:
    assert metrics_in(one) - series() == set()
    assert {(label, value) for label, value in matchers_in(one) if value not in VALUES.get(label, {value})} == set()


def test_every_recorded_series_is_used() -> None:
    used = {name for rule in (*rules(), *recording_rules()) for name in recorded_in(rule["expr"])}
    assert RECORDED - used == set()


@pytest.mark.parametrize("rule", EVERY_ALERT)
def test_every_alert_says_what_to_do(rule: Rule) -> None:
    assert rule["labels"]["severity"] in ("critical", "warning", "info")
    assert rule["annotations"]["summary"].endswith(".")
    assert rule["annotations"]["runbook"] == f"docs/runbook.md#{rule['alert'].lower()}"
