"""Which replicas count, and what they hold."""

from collections import Counter
from collections.abc import Iterator

from rollout_operator.documents.agent import HELD, VersionState
from rollout_operator.documents.observation import Observation, Replica
from rollout_operator.documents.release import Release
from rollout_operator.documents.routes import RoutedReplica, Routes

IN_SERVICE = frozenset({VersionState.WARMING, VersionState.WARM})


def is_warm(replica: Replica, release: Release, routes: Routes | None) -> bool:
    """By its agent's word; while the agent does not answer, by its last word, if pod and Triton are still the same."""
    if replica.state is not None:
        report = replica.state.of(release)
        return report is not None and report.state is VersionState.WARM
    return release.version in last_known_versions(replica, routes) and _is_routed(release, routes)


def is_proved(replica: Replica, release: Release, routes: Routes | None) -> bool:
    """Warm, and by the acceptance set that is asked for now. For what serves, is_warm is enough."""
    report = replica.state.of(release) if replica.state else None
    return is_warm(replica, release, routes) and (report is None or report.has_passed(release.acceptance))


def last_known_versions(replica: Replica, routes: Routes | None) -> tuple[int, ...]:
    """What the routes say, as long as pod and container are the ones that they were written about."""
    routed = _last_known(replica, routes)
    return routed.versions if routed else ()


def server_id(replica: Replica, routes: Routes | None) -> str:
    """Of the process of Triton in which its versions are warm, by the agent's word or its last one; empty: unknown."""
    if replica.state is not None:
        return replica.state.triton.server_id
    routed = _last_known(replica, routes)
    return routed.server_id if routed else ""


def serving(seen: Observation, stable: Release | None) -> tuple[Replica, ...]:
    """Those that serve stable, by name; before the first stable, all. What ends or is gone does not count."""
    return tuple(one for one in _staying(seen) if stable is None or is_warm(one, stable, seen.routes))


def holding_up(seen: Observation, stable: Release | None) -> tuple[Replica, ...]:
    """Those that do not serve stable, and are not given up yet: five minutes after they were last Ready."""
    counted = {one.name for one in serving(seen, stable)}
    return tuple(one for one in _staying(seen) if one.name not in counted)


def lost(seen: Observation, stable: Release | None) -> tuple[str, ...]:
    """Names of the replicas that were given the canary and do not serve stable now: down, ending or being replaced.

    Not one that is given up, or of which the StatefulSet wants fewer.
    """
    canary = seen.plan.canary if seen.plan else None
    given = (canary.replicas if canary else None) or ()
    present = {one.name for one in seen.replicas if not one.terminating}
    is_short = len(present) < seen.desired_replicas
    down = {one.name for one in holding_up(seen, stable)}
    return tuple(name for name in given if name in down or (is_short and name not in present))


def held(replica: Replica, states: frozenset[VersionState] = HELD) -> Iterator[Release]:
    """What Triton holds there, or is about to; its address may be empty. Nothing when the agent does not answer."""
    for report in replica.state.versions if replica.state else ():
        if report.state in states and report.digest:
            yield Release(report.version, report.digest, report.uri or "", report.acceptance)


def most_held(seen: Observation, role: str) -> Release | None:
    """What most agents hold in this role, by the plan that they obey."""
    found = Counter(
        Release(report.version, report.digest, report.uri or "", report.acceptance)
        for one in seen.replicas
        for report in (one.state.versions if one.state else ())
        if report.role == role and report.state in HELD and report.digest
    )
    return max(found, key=lambda release: (found[release], release.version)) if found else None


def strays(seen: Observation, planned: tuple[Release, ...]) -> tuple[str, ...]:
    """Names of live replicas that still hold a version which nobody planned."""
    numbers = {(release.version, release.digest) for release in planned}
    return tuple(
        one.name
        for one in seen.live_replicas
        for report in (one.state.versions if one.state else ())
        if report.state in HELD and (report.version, report.digest) not in numbers
    )


def unaccounted(seen: Observation, wanted: Release) -> tuple[str, ...]:
    """Names of the live replicas that do not say what they hold, or hold a version whose address nobody knows."""
    return tuple(
        one.name
        for one in seen.live_replicas
        if one.state is None or any(release != wanted and not release.uri for release in held(one, IN_SERVICE))
    )


def _staying(seen: Observation) -> tuple[Replica, ...]:
    return tuple(sorted((one for one in seen.live_replicas if not one.terminating), key=lambda one: one.name))


def _last_known(replica: Replica, routes: Routes | None) -> RoutedReplica | None:
    routed = routes.replica(replica.name) if routes else None
    return routed if routed and replica.instance and routed.instance == replica.instance else None


def _is_routed(release: Release, routes: Routes | None) -> bool:
    metadata = routes.versions.get(str(release.version)) if routes else None
    return metadata is not None and metadata.digest == release.digest
