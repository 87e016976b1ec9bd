"""A canary that has half of the traffic and keeps it: where people edit, delete and restore things."""

from ci.load.load import Load, Result
from ci.stack.documents import Json
from ci.stack.logs import entries
from ci.stack.sidecar import Sidecar
from ci.stack.waiting import wait_until
from tests.harness.rollout.rollouts import RolloutStack

HALFWAY = [{"setWeight": 50}, {"pause": {"seconds": 3600}}, {"setWeight": 100}]
SHORT = [{"setWeight": 50}, {"setWeight": 100}]
QUICK = {"minSamples": 20, "intervalSeconds": 1}


def bring_halfway(stack: RolloutStack, load: Load, version: int) -> None:
    stack.apply(version, steps=HALFWAY, analysis=QUICK)
    stack.wait_for_weight(50)
    load.wait_until_answered(60)


def end_promoted(stack: RolloutStack, load: Load, version: int) -> Result:
    """Once it has all traffic, and some requests later; none failed."""
    stack.wait_for_ready(version)
    load.mark("promoted")
    load.wait_until_answered(100)
    result = load.finish(at_least=1000)
    assert result.failed == 0
    assert result.between("promoted").by_version().keys() == {version}
    return result


def planned(stack: RolloutStack) -> Json:
    """The version in each role of the plan that has one."""
    plan = stack.namespace.plan() or {}
    return {role: plan[role]["version"] for role in ("stable", "canary", "previous") if plan.get(role)}


def wait_until_planned(stack: RolloutStack, roles: Json) -> None:
    """The operator writes the status before the plan: what the one says may not be in the other yet."""
    wait_until(lambda: planned(stack) == roles, f"{roles} is planned")


def loads(stack: RolloutStack) -> int:
    """How often Triton was told to load a version, by the agents' logs."""
    return sum(message == "load" for pod in stack.tritons.values() for message, _ in _told(pod))


def most_loaded(pod: Sidecar) -> int:
    """How many versions Triton held at once at most, by the agent's log."""
    held: set[int] = set()
    most = 0
    for message, entry in _told(pod):
        held = held | {entry["version"]} if message == "load" else held & set(entry["kept"])
        most = max(most, len(held))
    return most


def _told(pod: Sidecar) -> list[tuple[str, Json]]:
    """What the agent told Triton: (`load` or `drop`, the line of its log)."""
    return [(entry["message"], entry) for entry in entries(pod.agent.log) if entry["message"] in ("load", "drop")]
