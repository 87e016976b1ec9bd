"""Adds up what API pods counted in the present step, across restarts of them and of the operator."""

from collections.abc import Mapping

from rollout_operator.documents.api import ApiState
from rollout_operator.documents.counters import StepCounters, total
from rollout_operator.documents.observation import Observation
from rollout_operator.documents.status import Status


def step_counters(status: Status, seen: Observation) -> StepCounters | None:
    """Everything counted since the step began; None when no API pod answers."""
    if not any(pod.state for pod in seen.api_pods):
        return None
    present = [pod.state or seen.readings.get(pod.name) for pod in seen.api_pods]
    counted = [state.step_counters for state in present if state and state.step == status.traffic_step]
    return total((status.analysis.vanished, *counted))


def newly_vanished(status: Status, seen: Observation) -> StepCounters:
    """The last counts of API processes that answered at the last reconcile and are gone now."""
    answered = {pod.name: pod.state for pod in seen.api_pods}
    gone = [state for name, state in seen.readings.items() if _has_vanished(name, state, answered)]
    return total(state.step_counters for state in gone if state.step == status.traffic_step)


def remember(seen: Observation) -> dict[str, ApiState]:
    """The readings for the next reconcile: each pod's last answer. They are kept in memory only."""
    return {pod.name: state for pod in seen.api_pods if (state := pod.state or seen.readings.get(pod.name))}


def _has_vanished(name: str, state: ApiState, answered: Mapping[str, ApiState | None]) -> bool:
    """A pod that does not answer may still be counting; another start id means that its counters began again."""
    if name not in answered:
        return True
    now = answered[name]
    return now is not None and now.start_id != state.start_id
