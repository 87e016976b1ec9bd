"""Short ways to write observations, for tables of situations."""

import json
from typing import Any

from replica_agent.observation import Facts, Installed, Observation
from replica_agent.plan import Plan, Release, parse_plan
from replica_agent.state import Failure, IndexState, Proof, Reason

from tests.harness.routes import LABELS, PREPROCESSING
from tests.unit.agent.plans import document

PROOF = Proof(p50_ms=3.0, p95_ms=4.0, iterations=40, settled=True, golden_matched=8, golden_total=8)
FACTS = Facts("c", 100, tuple(LABELS), PREPROCESSING)
REPLICA = "triton-0"


def plan(**roles: Any) -> Plan:
    """plan(stable=1, canary=2)"""
    return parse_plan(json.dumps(document(**roles)).encode())


def release(version: int) -> Release:
    entry = document(stable=version)["stable"]
    return Release(version=version, uri=entry["uri"], digest=entry["digest"])


def digest(version: int) -> str:
    return release(version).digest


def see(
    wanted: Plan | None,
    *,
    cached: tuple[int, ...] = (),
    installed: tuple[int, ...] = (),
    loaded: tuple[int, ...] = (),
    warm: tuple[int, ...] = (),
    failed: dict[int, Failure] | None = None,
    open_attempts: tuple[int, ...] = (),
    deaths: dict[int, int] | None = None,
    **rest: Any,
) -> Observation:
    """An observation: warm versions are also loaded, loaded ones installed, installed ones cached. Triton answers."""
    loaded = tuple({*loaded, *warm})
    installed = tuple({*installed, *loaded})
    failures = {wanted.attempt(release(v)): f for v, f in (failed or {}).items()} if wanted else {}
    values: dict[str, Any] = {
        "replica": REPLICA,
        "plan": wanted,
        "live": True,
        "bundles": {digest(v): FACTS for v in {*cached, *installed}},
        "installed": {v: Installed(digest(v), FACTS) for v in installed},
        "pinned": wanted.wanted(REPLICA)[0][1].version if wanted and wanted.wanted(REPLICA) else None,
        "index": dict.fromkeys(loaded, IndexState.READY),
        "proofs": dict.fromkeys(warm, PROOF),
        "failures": failures,
        "attempts": frozenset(wanted.attempt(release(v)) for v in open_attempts) if wanted else frozenset(),
        "deaths": {wanted.attempt(release(v)): count for v, count in (deaths or {}).items()} if wanted else {},
        "loaded_here": frozenset(loaded),
    }
    return Observation(**(values | rest))


def failure(reason: Reason, retry_at_seconds: float | None = None) -> Failure:
    return Failure(reason, "because", retry_at_seconds)
