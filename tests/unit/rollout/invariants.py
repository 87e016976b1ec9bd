"""What must hold of every decision, whatever happened before; checked against what the cluster truly is."""

from rollout_operator.decide.acknowledgements import laggards
from rollout_operator.decide.decision import Decision
from rollout_operator.documents.observation import GONE_AFTER_SECONDS, Observation
from rollout_operator.documents.plan import Plan
from rollout_operator.documents.routes import Routes

from tests.unit.rollout.simulated_agent import Agent
from tests.unit.rollout.simulated_api import Api
from tests.unit.rollout.simulated_cluster import Cluster


def check_all(cluster: Cluster, seen: Observation, decision: Decision) -> None:
    for check in CHECKS:
        check(cluster, seen, decision)


def weights_sum_to_100(cluster: Cluster, seen: Observation, decision: Decision) -> None:
    if decision.routes:
        assert decision.routes.stable.weight + decision.routes.canary_weight == 100


def only_what_is_warm_gets_weight(cluster: Cluster, seen: Observation, decision: Decision) -> None:
    if decision.routes is None:
        return
    routes = decision.routes
    for share in (routes.canary, routes.stable if routes.stable.version not in _stable_versions(seen) else None):
        if share:
            metadata = routes.versions[str(share.version)]
            listed = [one.name for one in routes.replicas if share.version in one.versions]
            holders = [name for name in listed if _holds(cluster.agents.get(name), share.version, metadata.digest)]
            assert holders, f"v{share.version} is routed, but warm nowhere: {listed}"


def versions_are_routed_in_the_process_that_proved_them(
    cluster: Cluster, seen: Observation, decision: Decision
) -> None:
    """API pods compare it with the process that runs, where the agent does not answer."""
    before = seen.routes.replicas if seen.routes else ()
    for one in decision.routes.replicas if decision.routes else ():
        if one.versions and one not in before:
            assert one.server_id == cluster.agents[one.name].server_id, one


def nothing_is_dropped_that_may_be_addressed(cluster: Cluster, seen: Observation, decision: Decision) -> None:
    if decision.plan is None:
        return
    planned = {(one.version, one.digest) for one in decision.plan.releases}
    before = {(one.version, one.digest) for one in seen.plan.releases} if seen.plan else set()
    held = {pair for agent in cluster.agents.values() for pair in agent.loaded.items() if agent.up}
    for version, _ in (before | (held if seen.plan is None else set())) - planned:
        for api in _live(cluster):
            assert api.routes is None or not api.routes.names(version), f"{api.name} may address v{version}"
            assert not api.in_flight.get(str(version)), f"{api.name} waits for v{version}"


def nobody_loses_what_the_plan_keeps(cluster: Cluster, seen: Observation, decision: Decision) -> None:
    """A canary's list of replicas never shrinks under traffic."""
    if decision.plan is None:
        return
    for agent in cluster.agents.values():
        for version, digest in agent.loaded.items():
            named = (version, digest) in {(one.version, one.digest) for one in decision.plan.releases}
            if named and agent.up and not _is_planned(decision.plan, agent.name, version):
                assert not [api.name for api in _live(cluster) if api.routes and api.routes.names(version)]


def stable_is_never_dropped(cluster: Cluster, seen: Observation, decision: Decision) -> None:
    routes, plan = decision.routes or seen.routes, decision.plan or seen.plan
    if routes and plan and routes.revision >= seen.newest_routes_revision:
        assert routes.stable.version in {one.version for one in plan.releases}


def at_most_two_versions_are_planned(cluster: Cluster, seen: Observation, decision: Decision) -> None:
    if decision.plan:
        assert len(decision.plan.releases) <= 2, decision.plan.releases


def weight_is_taken_away_at_once(cluster: Cluster, seen: Observation, decision: Decision) -> None:
    """Whatever else is waited for: no weight for what is not wanted, is refused, or is before an open gate."""
    routes = decision.routes or seen.routes
    if routes is None or not routes.canary_weight or routes.canary is None:
        return
    assert routes.canary.version == cluster.spec.version
    assert routes.versions[str(routes.canary.version)].digest == cluster.spec.artifact.digest
    assert not decision.status.is_quarantined(cluster.spec.wanted)
    assert routes.canary_weight in {step.kind.weight for step in cluster.spec.steps}


def a_canary_that_may_have_taken_a_replica_gets_nothing(
    cluster: Cluster, seen: Observation, decision: Decision
) -> None:
    """Until the replica serves stable again, or is given up; nor while an API pod suspends the canary."""
    routes = decision.routes or seen.routes
    if routes is None or routes.canary is None or seen.routes is None or not seen.routes.names(routes.canary.version):
        return
    given = seen.plan.canary.replicas if seen.plan and seen.plan.canary else None
    for agent in cluster.agents.values():
        given_up = agent.not_ready_since is not None and cluster.now - agent.not_ready_since >= GONE_AFTER_SECONDS
        if agent.up and not agent.terminating and agent.name in (given or ()) and not given_up:
            assert routes.stable.version in agent.warm, f"{agent.name} is down, v{routes.canary.version} has traffic"
    assert not [api.name for api in _live(cluster) if api.up and api.suspended and api.stale is None]


def bad_bundles_never_become_stable(cluster: Cluster, seen: Observation, decision: Decision) -> None:
    if decision.routes:
        stable = decision.routes.versions[str(decision.routes.stable.version)]
        assert not cluster.behaviours[stable.digest].fails


def forward_waits_for_acknowledgements(cluster: Cluster, seen: Observation, decision: Decision) -> None:
    """A step begins only when every live API pod obeys what is published, and nobody asked to wait."""
    if any(event.reason == "StepStarted" for event in decision.events):
        assert not laggards(seen)
        assert not cluster.spec.suspend and not seen.rolling


CHECKS = (
    weights_sum_to_100,
    only_what_is_warm_gets_weight,
    versions_are_routed_in_the_process_that_proved_them,
    nothing_is_dropped_that_may_be_addressed,
    nobody_loses_what_the_plan_keeps,
    stable_is_never_dropped,
    at_most_two_versions_are_planned,
    weight_is_taken_away_at_once,
    a_canary_that_may_have_taken_a_replica_gets_nothing,
    bad_bundles_never_become_stable,
    forward_waits_for_acknowledgements,
)


def _live(cluster: Cluster) -> list[Api]:
    """API pods that have not been given up: five minutes after they were last Ready."""
    return [
        api
        for api in cluster.apis.values()
        if api.not_ready_since is None or cluster.now - api.not_ready_since < GONE_AFTER_SECONDS
    ]


def _holds(agent: Agent | None, version: int, digest: str) -> bool:
    return agent is not None and agent.loaded.get(version) == digest and version in agent.warm


def _stable_versions(seen: Observation) -> set[int]:
    """Keeping stable where it is says nothing about where it is warm."""
    routes: Routes | None = seen.routes
    return {routes.stable.version} if routes else set()


def _is_planned(plan: Plan, name: str, version: int) -> bool:
    canary = plan.canary
    if canary and canary.version == version:
        return canary.replicas is None or name in canary.replicas
    return True
