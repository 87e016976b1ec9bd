"""What a step forward waits for. Taking traffic away waits for none of this."""

from collections.abc import Iterable

from rollout_operator.decide import replicas
from rollout_operator.decide.acknowledgements import laggards, suspenders
from rollout_operator.decide.situation import Situation
from rollout_operator.documents.wait import Wait

MAX_NAMES = 3


def before_loading(s: Situation) -> Wait | None:
    """Until another replica may load something."""
    if s.spec.suspend:
        return Wait("Suspended", "spec.suspend is true; set it to false to go on", intended=True)
    if s.seen.rolling:
        return Wait("RollingUpdate", f"StatefulSet {s.spec.triton_ref.name} is being updated; waits for its end")
    missing = replicas.holding_up(s.seen, s.status.stable)
    if missing:
        names = listed(one.name for one in missing)
        return Wait("AwaitingReplicas", f"waits for {names} to serve {s.status.stable}, or to be gone for 5 minutes")
    if not s.serving:
        return Wait("AwaitingReplicas", f"no replica of {s.spec.triton_ref.name} serves; waits for the first")
    return None


def before_any_traffic(s: Situation) -> Wait | None:
    """Until the canary may have traffic at all: what took one replica may be in it, and take the next."""
    return _before_all_are_back(s) or _before_nobody_suspends(s)


def before_more_weight(s: Situation) -> Wait | None:
    """Until more of the present step's traffic may be published."""
    return before_loading(s) or before_any_traffic(s) or _before_warm(s)


def before_next_step(s: Situation) -> Wait | None:
    """Until the next step may begin: what was published must have been read, too."""
    return before_more_weight(s) or _before_acknowledged(s)


def _before_all_are_back(s: Situation) -> Wait | None:
    names = replicas.lost(s.seen, s.status.stable)
    if not names:
        return None
    return Wait("AwaitingReplicas", f"{s.status.canary} gets nothing until {listed(names)} serves {s.status.stable}")


def _before_nobody_suspends(s: Situation) -> Wait | None:
    names = suspenders(s.seen)
    if not names:
        return None
    return Wait("CanarySuspended", f"{s.status.canary} gets nothing until {listed(names)}, which suspended it, says so")


def _before_warm(s: Situation) -> Wait | None:
    canary = s.status.canary
    if canary is None or s.is_warm_everywhere:
        return None
    warm = set(s.warm_on(canary))
    cold = listed(one.name for one in s.serving if one.name not in warm)
    return Wait("Warming", f"{canary} is warm on {len(warm)}/{len(s.serving)} replicas; waits for {cold}")


def _before_acknowledged(s: Situation) -> Wait | None:
    routes = s.seen.routes
    if routes is None or routes.step != s.status.traffic_step:
        return Wait("Publishing", "the routes are about to be published")
    if (routes.canary_weight, routes.shadow_percent) != traffic_shares(s):
        return Wait("Publishing", f"the canary's share is {routes.canary_weight} % and about to change")
    late = laggards(s.seen)
    return Wait("AwaitingAcknowledgement", f"waits for {listed(late)} to apply the routes") if late else None


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
