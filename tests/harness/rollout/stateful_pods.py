"""What a scheduler and a kubelet do for the pods that the real StatefulSet controller makes and deletes."""

import shutil
import threading
from typing import Self

import httpx

from ci.stack.cluster_objects import TRITON
from ci.stack.kubernetes import Json, Refused
from ci.stack.waiting import wait_until
from tests.harness.rollout.rollouts import RolloutStack

LOOK_SECONDS = 0.3
PRESTOP_SECONDS = 15.0  # as the chart's preStop


class StatefulPods:
    """A pod that is new gets its processes; one that is being deleted ends as the chart's do, and its disk is gone."""

    def __init__(self, stack: RolloutStack) -> None:
        self._stack, self._pods = stack, stack.namespace.pods
        # By UID, and kept: a list of pods may still have one that is gone, or that has a namesake by now.
        self._ending: dict[str, threading.Thread] = {}
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(30)
        for thread in list(self._ending.values()):
            thread.join(60)

    def names(self) -> set[str]:
        """Of the pods that there are, those that are about to end among them."""
        return {pod["metadata"]["name"] for pod in self._pods.of(TRITON)}

    def _run(self) -> None:
        while not self._ended.wait(LOOK_SECONDS):
            try:
                for pod in self._pods.of(TRITON):
                    self._look(pod)
            except (httpx.TransportError, Refused) as error:
                print(f"stateful pods: {type(error).__name__}: {str(error)[:200]}")

    def _look(self, pod: Json) -> None:
        name, uid = pod["metadata"]["name"], pod["metadata"]["uid"]
        if not pod["spec"].get("nodeName"):
            self._start(name)
        elif pod["metadata"].get("deletionTimestamp") and uid not in self._ending:
            self._ending[uid] = threading.Thread(target=self._end, args=(name,))
            self._ending[uid].start()

    def _start(self, name: str) -> None:
        self._pods.bind(name)
        pod = self._stack.start_triton(int(name.rpartition("-")[2]))
        self._pods.run_triton(name, pod.address, self._stack.kubelet.new_container())
        self._stack.kubelet.keep(pod)

    def _end(self, name: str) -> None:
        pod = self._stack.tritons[name]
        self._stack.kubelet.end(name)
        wait_until(lambda: not self._is_routed(name), f"no API pod has {name} in its routes", PRESTOP_SECONDS)
        pod.stop()
        self._stack.kubelet.forget(name)
        shutil.rmtree(pod.folder / "data")
        self._pods.delete(name)

    def _is_routed(self, name: str) -> bool:
        routes = self._stack.namespace.routes() or {}
        return name in {one["name"] for one in routes.get("replicas", ()) if one["versions"]}
