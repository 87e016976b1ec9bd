"""What a release waits for before it goes forward. Taking traffic away waits for none of this."""

from collections.abc import Iterable

from rollout_operator.decide import replicas
from rollout_operator.decide.acknowledgements import laggards, suspenders
from rollout_operator.decide.situation import Situation
from rollout_operator.documents.wait import Wait

MAX_NAMES = 3


def before_loading(s: Situation) -> Wait | None:
    """What must end before another replica may load the canary."""
    if s.spec.suspend:
        return Wait("Suspended", "spec.suspend is true; set it to false to go on", intended=True)
    if s.seen.rolling:
        return Wait("RollingUpdate", f"waiting for the update of StatefulSet {s.spec.triton_ref.name} to end")
    missing = replicas.holding_up(s.seen, s.status.stable)
    if missing:
        names = listed(one.name for one in missing)
        return Wait(
            "AwaitingReplicas",
            f"waiting for {names} to serve {s.status.stable}, or to be unready for 5 minutes",
        )
    if not s.serving:
        return Wait("AwaitingReplicas", f"no replica of {s.spec.triton_ref.name} serves; waiting for the first one")
    return None


def before_any_traffic(s: Situation) -> Wait | None:
    """What must end before the canary may have any traffic: it may be what brought a replica down."""
    return _before_all_are_back(s) or _before_nobody_suspends(s)


def before_more_weight(s: Situation) -> Wait | None:
    """What must end before more of the present step's traffic may be published."""
    return before_loading(s) or before_any_traffic(s) or _before_warm(s)


def before_next_step(s: Situation) -> Wait | None:
    """What must end before the next step may begin: every API pod must also have applied what was published."""
    return before_more_weight(s) or _before_acknowledged(s)


def _before_all_are_back(s: Situation) -> Wait | None:
    names = replicas.lost(s.seen, s.status.stable)
    if not names:
        return None
    message = f"{s.status.canary} gets no traffic: waiting for {listed(names)} to serve {s.status.stable} again"
    return Wait("AwaitingReplicas", message)


def _before_nobody_suspends(s: Situation) -> Wait | None:
    if not suspenders(s.seen):
        return None
    names = listed(suspenders(s.seen))
    message = f"{s.status.canary} gets no traffic: suspended by {names}; waiting for {names} to resume it"
    return Wait("CanarySuspended", message)


def _before_warm(s: Situation) -> Wait | None:
    canary = s.status.canary
    if canary is None or s.is_warm_everywhere:
        return None
    warm = set(s.warm_on(canary))
    cold = listed(one.name for one in s.serving if one.name not in warm)
    return Wait("Warming", f"{canary} is warm on {len(warm)}/{len(s.serving)} replicas; waiting for {cold}")


def _before_acknowledged(s: Situation) -> Wait | None:
    routes = s.seen.routes
    if routes is None or routes.step != s.status.traffic_step:
        return Wait("Publishing", "waiting for the routes of this step to be published")
    if (routes.canary_weight, routes.shadow_percent) != traffic_shares(s):
        return Wait("Publishing", f"waiting for a new share to be published; the canary has {routes.canary_weight} %")
    late = laggards(s.seen)
    return Wait("AwaitingAcknowledgement", f"waiting for {listed(late)} to apply the routes") if late else None


def traffic_shares(s: Situation) -> tuple[int, int]:
    """(weight, shadow) in percent that the present step gives the canary."""
    traffic = s.traffic.kind
    return traffic.weight, traffic.shadow_percent


def listed(names: Iterable[str]) -> str:
    """Some names, for a message.

    >>> listed(["a", "b", "c", "d", "e"])
    'a, b, c and 2 more'
    """
    every = list(names)
    more = f" and {len(every) - MAX_NAMES} more" if len(every) > MAX_NAMES else ""
    return ", ".join(every[:MAX_NAMES]) + more
