"""The routes that follow from a status."""

from rollout_operator.decide import replicas
from rollout_operator.decide.release_lookup import find_metadata
from rollout_operator.decide.replica_floor import replica_floor
from rollout_operator.decide.situation import Situation
from rollout_operator.decide.waits import before_any_traffic, before_more_weight, traffic_shares
from rollout_operator.documents.observation import Observation, Replica
from rollout_operator.documents.release import Release
from rollout_operator.documents.routes import AssignmentRule, RoutedReplica, Routes, ShadowShare, Share, VersionMetadata
from rollout_operator.documents.status import Status


def build_routes(s: Situation) -> Routes | None:
    """None: nothing can be published, as it is not known how stable is asked."""
    stable = s.status.stable
    metadata = _metadata(s)
    if stable is None or str(stable.version) not in metadata:
        return None
    routed = route_replicas(s.seen, s.status, stable.version)
    if not routed:
        return None
    weight, shadow = _shares(s, metadata)
    canary = s.status.canary if weight or shadow else None
    return Routes(
        model=s.spec.model,
        step=s.status.traffic_step,
        stable=Share(stable.version, 100 - weight),
        canary=Share(canary.version, weight) if canary else None,
        shadow=ShadowShare(shadow) if shadow else None,
        assignment=AssignmentRule(s.spec.assignment.header, _salt(s)),
        versions=metadata,
        replicas=routed,
        replica_floor=replica_floor(s),
    )


def _salt(s: Situation) -> str:
    """Random for each try, so that no client can choose its version; the same while the try lasts.

    It is kept in the routes alone, behind the name of its try: status, Events and reports do not tell it.
    """
    now = s.seen.routes.assignment.salt if s.seen.routes else ""
    attempt, canary = s.status.attempt, s.status.canary
    if canary is None:
        return now or f"none.{s.seen.random_hex}"
    name = f"{canary.digest[7:19]}-{attempt.started_at if attempt else 0}"
    return now if now.startswith(f"{name}.") else f"{name}.{s.seen.random_hex}"


def _shares(s: Situation, metadata: dict[str, VersionMetadata]) -> tuple[int, int]:
    """(weight, shadow) in percent. Less is given at once, more only to what is warm and when nothing is waited for."""
    canary = s.status.canary
    if canary is None or str(canary.version) not in metadata or not s.warm_on(canary) or before_any_traffic(s):
        return 0, 0
    weight, shadow = traffic_shares(s)
    now = s.seen.routes if s.seen.routes and s.seen.routes.names(canary.version) else None
    has_weight, has_shadow = (now.canary_weight, now.shadow_percent) if now else (0, 0)
    if (weight > has_weight or shadow > has_shadow) and before_more_weight(s):
        return min(weight, has_weight), min(shadow, has_shadow)
    return weight, shadow


def _metadata(s: Situation) -> dict[str, VersionMetadata]:
    found = {release.version: find_metadata(s.seen, release) for release in _releases(s.status)}
    return {str(version): one for version, one in sorted(found.items()) if one}


def _releases(status: Status) -> list[Release]:
    return [part for part in (status.stable, status.canary, status.previous) if part]


def route_replicas(seen: Observation, status: Status, stable: int) -> tuple[RoutedReplica, ...]:
    """Those that hold something warm, then the others without a version; empty when nobody is known to serve stable.

    One that is about to end counts only when it is stable's last. Should stable be warm nowhere, the entries for it
    stay as they are: they are the best that anybody knows.
    """
    chosen = _serving(seen, status, stable)
    return (*chosen, *_spares(seen, {one.name for one in chosen})) if chosen else ()


def _serving(seen: Observation, status: Status, stable: int) -> tuple[RoutedReplica, ...]:
    every = [_route(seen, status, one) for one in sorted(seen.replicas, key=lambda one: one.name)]
    warm = [one for one in every if one.versions]
    ending = {one.name for one in seen.replicas if one.terminating}
    staying = [one for one in warm if one.name not in ending]
    for chosen in (staying, warm):
        if any(stable in one.versions for one in chosen):
            return tuple(chosen)
    now = seen.routes.replicas if seen.routes else ()
    return tuple(one for one in now if stable in one.versions)


def _spares(seen: Observation, named: set[str]) -> list[RoutedReplica]:
    """API pods ask these last, and only once their agents vouch for stable: so one that is back serves without us.

    Without a container's name in it, the entry is the same while its pod goes, is away, and comes.
    """
    here = {one.name: one.url for one in seen.replicas if one.url}
    staying = [one for one in seen.replicas if not one.terminating]
    published = seen.routes.replicas if seen.routes and len(staying) < seen.desired_replicas else ()
    away = {one.name: one.url for one in published}
    return [RoutedReplica(name, url, ()) for name, url in sorted((away | here).items()) if name not in named]


def _route(seen: Observation, status: Status, one: Replica) -> RoutedReplica:
    versions = [release.version for release in _releases(status) if replicas.is_warm(one, release, seen.routes)]
    server_id = replicas.server_id(one, seen.routes) if versions else ""
    return RoutedReplica(one.name, one.url, tuple(sorted(versions)), one.instance, server_id)
