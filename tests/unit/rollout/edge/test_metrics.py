"""The operator's own metrics, and its HTTP face."""

from dataclasses import replace

import pytest
from aiohttp import ClientSession, web
from prometheus_client import generate_latest
from rollout_operator.documents.assessment import Measurement, Verdict, summarize
from rollout_operator.documents.status import Analysis, StepEvidence
from rollout_operator.metrics import REASONS, Metrics
from rollout_operator.server import build_app

from tests.unit.docs.reasons import errors_of_visits
from tests.unit.rollout import healthy_cluster
from tests.unit.rollout.simulated_agent import Behaviour

MADE = healthy_cluster.cluster()
assert MADE.decision
HEALTHY = MADE.decision


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def rollouts(metrics: Metrics) -> set[str]:
    lines = generate_latest(metrics.registry).decode().splitlines()
    return {line.split('rollout="')[1].split('"')[0] for line in lines if 'rollout="' in line}


def test_a_rollout_at_rest() -> None:
    metrics = Metrics()
    metrics.note("r", HEALTHY)
    assert value(metrics, "medinfer_rollout_phase", rollout="r", phase="Healthy") == 1
    assert value(metrics, "medinfer_rollout_step", rollout="r") == -1
    assert value(metrics, "medinfer_rollout_canary_weight_percent", rollout="r") == 0
    assert value(metrics, "medinfer_rollout_version", rollout="r", role="stable") == 1
    assert value(metrics, "medinfer_rollout_version", rollout="r", role="canary") is None
    assert value(metrics, "medinfer_rollout_warm_replicas", rollout="r") == 2
    assert value(metrics, "medinfer_rollout_ready", rollout="r") == 1
    assert value(metrics, "medinfer_rollout_available", rollout="r") == 1


def test_patients_are_not_served_while_a_failed_release_keeps_its_phase() -> None:
    """Regression: an alert on the phase Degraded missed it."""
    made = healthy_cluster.release(healthy_cluster.cluster(Behaviour(fails="GoldenMismatch"))).run_until("RolledBack")
    for agent in made.agents.values():
        agent.up = False
        agent.die()
    made.operate()
    assert made.decision
    metrics = Metrics()
    metrics.note("r", made.decision)
    assert value(metrics, "medinfer_rollout_phase", rollout="r", phase="RolledBack") == 1
    assert value(metrics, "medinfer_rollout_available", rollout="r") == 0


def test_a_rollout_on_its_way() -> None:
    made = healthy_cluster.release(healthy_cluster.cluster()).run_until("Progressing")
    assert made.decision
    metrics = Metrics()
    metrics.note("r", HEALTHY)
    metrics.note("r", made.decision)
    assert value(metrics, "medinfer_rollout_phase", rollout="r", phase="Progressing") == 1
    assert value(metrics, "medinfer_rollout_phase", rollout="r", phase="Healthy") is None
    assert value(metrics, "medinfer_rollout_step", rollout="r") == made.status["currentStepIndex"]
    assert value(metrics, "medinfer_rollout_version", rollout="r", role="canary") == 2
    assert value(metrics, "medinfer_rollout_ready", rollout="r") == 0


def test_what_a_canary_is_judged_by() -> None:
    made = healthy_cluster.release(healthy_cluster.cluster()).run_until("Progressing")
    assert made.decision
    passed = Measurement("errorRate", Verdict.PASSED, "fine", 0.01, 0.05, 100)
    unasked = Measurement("latencyRatio", Verdict.INCONCLUSIVE, "needs more", None, 1.5)
    analysis = Analysis(last=summarize((passed, unasked), 100))
    before = made.decision.status.attempt
    assert before
    approved = StepEvidence(before.started_at, before.started_at, approved_by="jane")
    attempt = replace(before, steps=(approved, replace(approved, approved_by="")))
    status = replace(made.decision.status, analysis=analysis, attempt=attempt)
    metrics = Metrics()
    metrics.note("r", replace(made.decision, status=status))
    assert value(metrics, "medinfer_rollout_gate_value", rollout="r", gate="errorRate") == 0.01
    assert value(metrics, "medinfer_rollout_gate_limit", rollout="r", gate="errorRate") == 0.05
    assert value(metrics, "medinfer_rollout_gate_value", rollout="r", gate="latencyRatio") is None
    assert value(metrics, "medinfer_rollout_gate_limit", rollout="r", gate="latencyRatio") == 1.5
    assert value(metrics, "medinfer_rollout_approved_steps", rollout="r") == 1
    assert value(metrics, "medinfer_rollout_quarantined_versions", rollout="r") == 0
    assert value(metrics, "medinfer_rollout_wanted_replicas", rollout="r") == 2


def test_series_go_with_their_rollout() -> None:
    metrics = Metrics()
    assert rollouts(metrics) == set()
    for name in "abc":
        metrics.note(name, HEALTHY)
    assert rollouts(metrics) == {"a", "b", "c"}
    metrics.forget("b")
    metrics.forget("never there")
    assert rollouts(metrics) == {"a", "c"}
    metrics.forget_all()
    assert rollouts(metrics) == set()


def test_a_spec_that_cannot_be_read_has_series_too() -> None:
    metrics = Metrics()
    metrics.note("r", replace(HEALTHY, status=replace(HEALTHY.status, stable=None, conditions=())))
    assert value(metrics, "medinfer_rollout_version", rollout="r", role="stable") is None
    assert value(metrics, "medinfer_rollout_ready", rollout="r") == 0


def test_errors_are_counted_from_nought() -> None:
    metrics = Metrics()
    found = {reason: value(metrics, "medinfer_operator_errors_total", reason=reason) for reason in errors_of_visits()}
    assert found == dict.fromkeys(REASONS, 0)


def test_reconciles_are_timed() -> None:
    metrics = Metrics()
    with metrics.time_reconcile():
        pass
    assert value(metrics, "medinfer_operator_reconcile_seconds_count") == 1


@pytest.mark.parametrize(("alive", "status"), [(True, 200), (False, 503)])
async def test_the_http_face(alive: bool, status: int) -> None:
    metrics = Metrics()
    metrics.note("r", HEALTHY)
    runner = web.AppRunner(build_app(metrics.registry, lambda: alive))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with ClientSession() as session:
        async with session.get(f"{url}/health") as response:
            assert response.status == status
        async with session.get(f"{url}/metrics") as response:
            assert response.content_type == "text/plain" and "medinfer_rollout_phase" in await response.text()
    await runner.cleanup()
