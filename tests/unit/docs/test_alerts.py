"""The alerts and their tests in tests/chart use only metrics and label values that exist."""

import pytest
from inference_api.process.metrics import AUDIT_RESULTS
from inference_api.routing.counters import Result
from replica_agent.plan import Role
from replica_agent.state import State
from rollout_operator.documents.status import Phase

from tests.unit.docs.alerts import Rule, assumed, matchers_in, metrics_in, names, rules, series
from tests.unit.docs.reasons import errors_of_visits, kinds_of_problems

EVERY = [pytest.param(rule, id=rule["alert"]) for rule in rules()]
VALUES = {
    "phase": {str(phase) for phase in Phase},
    "state": {str(state) for state in State},
    "role": {str(role) for role in Role},
    "outcome": {str(result) for result in Result},
    "kind": kinds_of_problems(),
    "reason": errors_of_visits(),
    "result": set(AUDIT_RESULTS),
}


def test_an_alert_has_one_rule() -> None:
    assert len(rules()) == len(names())


@pytest.mark.parametrize("rule", EVERY)
def test_every_metric_exists(rule: Rule) -> None:
    assert metrics_in(rule["expr"])
    assert metrics_in(rule["expr"]) - series() == set()


@pytest.mark.parametrize("rule", EVERY)
def test_every_value_that_is_looked_for_exists(rule: Rule) -> None:
    assert {(label, value) for label, value in matchers_in(rule["expr"]) if value not in VALUES[label]} == set()


@pytest.mark.parametrize("one", assumed())
def test_every_series_of_a_situation_exists(one: str) -> None:
    assert metrics_in(one) - series() == set()
    assert {(label, value) for label, value in matchers_in(one) if value not in VALUES.get(label, {value})} == set()


@pytest.mark.parametrize("rule", EVERY)
def test_every_alert_says_what_to_do(rule: Rule) -> None:
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert rule["annotations"]["summary"].endswith(".")
    assert rule["annotations"]["runbook"] == f"docs/runbook.md#{rule['alert'].lower()}"
