"""Who has applied what was published.

Publishing never waits for an acknowledgement. A forward step does. A version is dropped only after every live API pod
has reported that it applied routes without it, and that no request to it is in flight.
"""

from rollout_operator.documents.observation import ApiPod, Observation


def laggards(seen: Observation) -> tuple[str, ...]:
    """Names of the live API pods that do not obey the published routes yet, or do not answer."""
    wanted = seen.routes.id if seen.routes else None
    return tuple(
        pod.name for pod in seen.live_api_pods if pod.state is None or wanted in (None, "") or pod.state.id != wanted
    )


def suspenders(seen: Observation) -> dict[str, str]:
    """The live API pods that send the canary nothing until routes change its traffic, each with the reason."""
    return {pod.name: pod.state.suspended for pod in seen.live_api_pods if pod.state and pod.state.suspended}


def deaf_agents(seen: Observation) -> tuple[str, ...]:
    """Names of the live replicas whose agent answers, but does not obey the published plan yet."""
    wanted = seen.plan.id if seen.plan else None
    return tuple(one.name for one in seen.live_replicas if one.state and one.state.id != wanted)


def addressers(seen: Observation, version: int) -> tuple[str, ...]:
    """Who may still send a request to `version`: the published routes, or API pods, each with the reason."""
    if seen.routes and seen.routes.names(version):
        return ("the published routes name it",)
    if seen.routes is None and seen.newest_routes_revision == 0 and not may_obey_lost_routes(seen):
        return ()  # nothing was ever published
    return tuple(reason for pod in seen.live_api_pods if (reason := _may_address(seen, pod, version)))


def _may_address(seen: Observation, pod: ApiPod, version: int) -> str:
    if pod.state is None:
        return f"{pod.name} does not answer"
    if seen.routes is None or pod.state.id != seen.routes.id:
        return f"{pod.name} has not applied the routes yet"
    waiting = pod.state.in_flight_of(version)
    return f"{pod.name} still waits for answers from it ({waiting})" if waiting else ""


def may_obey_lost_routes(seen: Observation) -> tuple[str, ...]:
    """Names of the live API pods that obey some routes, or may: they do not answer."""
    return tuple(pod.name for pod in seen.live_api_pods if pod.state is None or pod.state.id is not None)
