"""How parts of a stack die and come back, as a cluster has it. Each returns when the part serves again."""

import os
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from functools import partial

from ci.stack.api import Api
from ci.stack.operator import Operator
from ci.stack.processes import Process
from ci.stack.sidecar import Sidecar
from ci.stack.waiting import wait_until
from tests.harness.rollout.rollouts import RolloutStack
from tests.harness.rollout.service import Service

BACK_SECONDS = 180.0
PRESTOP_SECONDS = 15.0  # as the chart's preStop
CLOSE_IS_SEEN_SECONDS = 1.0
OPERATOR_SECONDS = 60.0


def end_triton(stack: RolloutStack, pod: Sidecar, number: signal.Signals) -> None:
    """The container ends by this signal, and is started again in its pod."""
    pid = pod.triton.pid
    os.kill(pid, number)
    wait_until(lambda: pod.triton.pid != pid, f"Triton of {pod.name} runs again", BACK_SECONDS)
    _wait_until_serving(stack, pod.name)


def kill_agents(stack: RolloutStack, pods: Iterable[Sidecar]) -> None:
    """All at once."""
    pids = {pod.agent.pid: pod for pod in pods}
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    for pid, pod in pids.items():
        wait_until(partial(_is_another, pod.agent, pid), f"the agent of {pod.name} runs again", BACK_SECONDS)
        _wait_until_serving(stack, pod.name)


def delete_triton(stack: RolloutStack, pod: Sidecar) -> None:
    """As `kubectl delete pod`: it waits for its preStop, ends in order, and another pod has its name."""
    stack.namespace.pods.delete(pod.name, grace_seconds=60)
    stack.kubelet.end(pod.name)
    with suppress(AssertionError):
        wait_until(lambda: not _is_routed(stack, pod.name), f"nobody asks {pod.name}", PRESTOP_SECONDS)
    pod.stop()
    _replace_triton(stack, pod)


def force_triton(stack: RolloutStack, pod: Sidecar) -> None:
    """As `kubectl delete pod --force --grace-period=0`: the object goes first, then its processes, by SIGKILL."""
    stack.kubelet.end(pod.name)
    stack.namespace.pods.delete(pod.name)
    pod.kill()
    _replace_triton(stack, pod)


def delete_api(stack: RolloutStack, api: Api) -> None:
    """As `kubectl delete pod`; its Deployment makes another at once."""
    new = stack.add_api()
    stack.remove(api)
    _wait_until_serving(stack, new.name)


def kill_api(stack: RolloutStack, service: Service, api: Api) -> tuple[float, float]:
    """The container ends by SIGKILL and is started again. Returns from when until when that failed requests, in ms."""
    killed_ms = _now_ms()
    _kill_group(api)
    over_ms = _wait_until_left(stack, service, api)
    api.start()
    _wait_until_serving(stack, api.name)
    return killed_ms, over_ms


def force_api(stack: RolloutStack, service: Service, api: Api) -> tuple[float, float]:
    """As `kubectl delete pod --force --grace-period=0`, and another pod comes; see kill_api."""
    new, killed_ms = stack.add_api(), _now_ms()
    stack.kubelet.end(api.name)
    stack.namespace.pods.delete(api.name)
    _kill_group(api)
    over_ms = _wait_until_left(stack, service, api)
    stack.kubelet.forget(api.name)
    _wait_until_serving(stack, new.name)
    return killed_ms, over_ms


def end_operator(stack: RolloutStack, operator: Operator, number: signal.Signals, away_seconds: float) -> None:
    """It ends by this signal, and another process takes its place after so long."""
    operator.signal(number)
    operator.wait(OPERATOR_SECONDS)
    back = time.monotonic() + away_seconds
    wait_until(lambda: time.monotonic() >= back, "the operator comes back", away_seconds + 1)
    operator.start()
    operator.wait_until_alive(BACK_SECONDS)


def _replace_triton(stack: RolloutStack, pod: Sidecar) -> None:
    stack.kubelet.forget(pod.name)
    if stack.namespace.pods.find(pod.name):
        stack.namespace.pods.delete(pod.name)
    stack.bring_back(pod)
    _wait_until_serving(stack, pod.name)


def _wait_until_serving(stack: RolloutStack, name: str) -> None:
    wait_until(lambda: stack.kubelet.is_endpoint(name), f"{name} serves again", BACK_SECONDS)


def _wait_until_left(stack: RolloutStack, service: Service, api: Api) -> float:
    """When nobody is sent there any more, and clients have seen their connections end; ms since 1970."""

    def is_left() -> bool:
        return not stack.kubelet.is_endpoint(api.name) and not service.connections_to((api.host, 8002))

    wait_until(is_left, f"nobody is sent to {api.name}", BACK_SECONDS)
    return _now_ms() + CLOSE_IS_SEEN_SECONDS * 1000


def _kill_group(api: Api) -> None:
    os.killpg(api.pid, signal.SIGKILL)
    api.wait(30)


def _is_another(process: Process, pid: int) -> bool:
    return process.pid != pid


def _is_routed(stack: RolloutStack, name: str) -> bool:
    routes = stack.namespace.routes() or {}
    return name in {one["name"] for one in routes.get("replicas", ()) if one["versions"]}


def _now_ms() -> float:
    return time.time() * 1000
