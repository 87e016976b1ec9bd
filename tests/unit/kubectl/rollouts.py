"""ModelRollouts as the API server gives them, with statuses of the simulated cluster."""

from typing import Any

from kubectl_modelrollout.colors import Colors
from kubectl_modelrollout.release_evidence import find_attempt, release_evidence
from kubectl_modelrollout.rollout import Rollout, parse_rollout
from kubectl_modelrollout.status_view import render_status
from rollout_operator.documents.codec import Json, dump

from tests.unit.rollout.healthy_cluster import cluster, release
from tests.unit.rollout.simulated_agent import Behaviour
from tests.unit.rollout.simulated_cluster import Cluster

PLAIN = Colors()


def body(made: Cluster) -> dict[str, Any]:
    metadata = {"name": "resnet-medical", "namespace": "clinic", "resourceVersion": "7", "uid": "1"}
    generation = made.spec.generation
    return {"metadata": metadata | {"generation": generation}, "spec": dump(made.spec), "status": made.status}


def rollout(made: Cluster) -> Rollout:
    return parse_rollout(body(made))


def shown(made: Cluster) -> str:
    return render_status(rollout(made), int(made.now), PLAIN)


def evidence(made: Cluster, version: int | None = None) -> Json:
    seen = rollout(made)
    return release_evidence(seen, find_attempt(seen, version), int(made.now))


def lines(text: str) -> list[str]:
    """Without the spaces that align columns."""
    return [" ".join(line.split()) for line in text.splitlines()]


def at_the_gate() -> Cluster:
    return release(cluster(), approvals=()).run_until("Paused")


def mid_canary() -> Cluster:
    """At its first weight."""
    return release(cluster()).run_until("Progressing").run(4)


def healthy() -> Cluster:
    """Version 2 was promoted after version 1, which is still warm."""
    return release(cluster()).run_until("Healthy")


def permuted() -> Cluster:
    """Version 2 takes two classes for each other; found in shadow."""
    return release(cluster(Behaviour(wrong_share=0.4))).run_until("RolledBack")


def slow() -> Cluster:
    """Version 2 is slow; found at its first weight."""
    return release(cluster(Behaviour(slow=True))).run_until("RolledBack")


def wrong() -> Cluster:
    """Version 2 does not give its golden outputs."""
    return release(cluster(Behaviour(fails="GoldenMismatch"))).run_until("RolledBack")
