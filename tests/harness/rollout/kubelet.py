"""What a kubelet does for our pods, where there is none: restarts containers, probes readiness, reports both."""

import itertools
import threading
import time
from dataclasses import dataclass, field

import httpx

from ci.stack.api import Api
from ci.stack.http import client
from ci.stack.sidecar import Sidecar
from tests.harness.rollout.pods import Pods

PROBE_SECONDS = 0.5
RESTART_SECONDS = 1.0
API_FAILURE_THRESHOLD = 3  # Kubernetes' default: one late answer on a busy machine takes no pod out of its Service


@dataclass
class Kept:
    """`may_restart`: names of the processes that are started again when they die; a test may take one out."""

    pod: Sidecar | Api
    may_restart: set[str] = field(default_factory=lambda: {"agent", "triton"})
    ready: bool | None = None
    ending: bool = False
    failed_probes: int = 0
    died_at: dict[str, float] = field(default_factory=dict)


class Kubelet:
    """Runs in the background from `start` to `stop`. It asks an unreachable API server again.

    `says_how`: whether pods show how Triton ended. Off at first: when a model crashes, the guard of the
    backend without a GPU ends a Triton that is no process 1 by SIGKILL, which looks like a kill from outside.
    """

    says_how = False

    def __init__(self, pods: Pods) -> None:
        self._pods = pods
        self._kept: dict[str, Kept] = {}
        self._containers = itertools.count(1)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        if self._thread.ident is not None:  # nothing started when the stack could not
            self._thread.join(30)

    def keep(self, pod: Sidecar | Api) -> Kept:
        self._kept[pod.name] = Kept(pod)
        return self._kept[pod.name]

    def leave_dead(self, name: str, part: str) -> None:
        """`agent` or `triton` is not started again until `revive`."""
        self._kept[name].may_restart.discard(part)

    def revive(self, name: str, part: str) -> None:
        self._kept[name].may_restart.add(part)

    def end(self, name: str) -> None:
        """It is about to end: nothing of it is started again, and no new connection goes there."""
        kept = self._kept[name]
        kept.ending = True
        kept.may_restart.clear()

    def is_endpoint(self, name: str) -> bool:
        kept = self._kept.get(name)
        return kept is not None and bool(kept.ready) and not kept.ending

    def is_kept(self, name: str) -> bool:
        """The pod is there."""
        return name in self._kept

    def forget(self, name: str) -> None:
        self._kept.pop(name, None)

    def new_container(self) -> str:
        return f"containerd://{next(self._containers):064x}"

    def _run(self) -> None:
        while not self._ended.wait(PROBE_SECONDS):
            for name, kept in list(self._kept.items()):
                try:
                    self._look(name, kept)
                except Exception as error:
                    print(f"kubelet: {name}: {type(error).__name__}: {str(error)[:200]}")

    def _look(self, name: str, kept: Kept) -> None:
        if isinstance(kept.pod, Sidecar):
            self._restart(name, kept, kept.pod)
        ready = kept.pod.is_ready() if isinstance(kept.pod, Sidecar) else self._probe(kept, kept.pod)
        if ready != kept.ready and name in self._kept:
            self._pods.set_ready(name, ready)
            kept.ready = ready

    def _probe(self, kept: Kept, api: Api) -> bool:
        kept.failed_probes = 0 if _answers(api) else kept.failed_probes + 1
        return kept.failed_probes == 0 or (bool(kept.ready) and kept.failed_probes < API_FAILURE_THRESHOLD)

    def _restart(self, name: str, kept: Kept, pod: Sidecar) -> None:
        for part, process in (("agent", pod.agent), ("triton", pod.triton)):
            if process.is_running() or part not in kept.may_restart:
                kept.died_at.pop(part, None)
                continue
            died = kept.died_at.setdefault(part, time.monotonic())
            if time.monotonic() - died < RESTART_SECONDS:
                continue
            if part == "triton":
                ended = process.wait(1) if self.says_how else None
                self._pods.restart_container(name, self.new_container(), ended=ended)
                kept.ready = None
            kept.died_at.pop(part)
            process.start()


def _answers(api: Api) -> bool:
    try:
        return client.get(f"{api.inner_url}/ready", timeout=2).status_code == 200
    except httpx.TransportError:
        return False
