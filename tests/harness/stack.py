"""Two Triton replicas, APIs that use them, and the moves that an operator would make, for tests under load."""

from collections.abc import Sequence
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import httpx

from ci.load.answers import expected_answers
from ci.load.load import Expected, Load
from ci.stack.api import Api
from ci.stack.documents import SHORT, Json, Warmup, build_plan, build_routes
from ci.stack.http import client
from ci.stack.replica import Replica
from ci.stack.waiting import wait_until

STABLE = 1
WARM_SECONDS = 120


class Stack:
    """The replicas live as long as this; `bundles` is a folder of `modelctl demo --model tiny --variants all`."""

    def __init__(self, bundles: Path, folder: Path, addresses: Sequence[str]) -> None:
        self.bundles, self.folder = bundles, folder
        self.replicas = [Replica(f"triton-{n}", address, folder / f"triton-{n}") for n, address in enumerate(addresses)]
        self._steps = count()

    def bundle(self, version: int) -> Path:
        return self.bundles / f"resnet_medical-{version}.tar"

    def expected(self, images: Sequence[bytes], *versions: int) -> Expected:
        """Runs these versions here: not for those that fail, hang or kill on such images."""
        return {version: expected_answers(self.bundle(version), images) for version in versions}

    def plan(self, canary: int | None = None, on: Sequence[str] | None = None, warmup: Warmup = SHORT) -> None:
        """What each replica shall hold besides stable; `on`: the replicas that may load it now, else all."""
        wanted = self.bundle(canary) if canary else None
        some = list(on) if on is not None else None
        plan = build_plan(self.bundle(STABLE), wanted, canary_replicas=some, warmup=warmup)
        for replica in self.replicas:
            replica.follow(plan)

    def wait_until_state(self, version: int, state: str, on: Sequence[Replica] | None = None) -> None:
        for replica in on or self.replicas:
            wait_for_state(replica, version, state)

    def load_version(self, version: int) -> None:
        self.plan(version)
        self.wait_until_state(version, "Warm")

    def start(self) -> None:
        """Starts what is down; returns when every replica holds stable, warm, and nothing else."""
        self.plan()
        for replica in self.replicas:
            if not replica.is_running():
                replica.start()
        for replica in self.replicas:
            replica.wait_until_warm(WARM_SECONDS)
            wait_until_alone(replica)

    def replace(self) -> None:
        """Ends every replica at once: a version that hangs cannot be dropped."""
        for replica in self.replicas:
            replica.kill()
        self.start()

    def stop(self) -> None:
        with ExitStack() as all_of_them:
            for replica in self.replicas:
                all_of_them.callback(replica.stop)

    def routes(self, stable: int = STABLE, canary: int | None = None, weight: int = 0) -> Json:
        """Every replica holds both versions; the step's name is a new one."""
        versions = [stable, *([canary] if canary else [])]
        replicas = [(replica.name, replica.url, versions) for replica in self.replicas]
        wanted = self.bundle(canary) if canary else None
        return build_routes(replicas, self.bundle(stable), wanted, weight=weight, step=f"step-{next(self._steps)}")

    def route(self, apis: Sequence[Api], canary: int | None = None, weight: int = 0) -> None:
        """Publishes new routes, and waits until every running API acknowledged them."""
        routes = self.routes(canary=canary, weight=weight)
        for api in apis:
            api.follow(routes)
        for api in apis:
            if api.is_running():
                wait_for_step(api, routes["step"])

    def load(self, apis: Sequence[Api], images: Sequence[bytes], expected: Expected) -> Load:
        """An answer of a version that is not in `expected` counts as failed."""
        return Load([api.url for api in apis], images, expected, self.folder / "load")


def wait_for_state(replica: Replica, version: int, state: str) -> None:
    """state: one of the agent's, or empty: the version is gone."""
    what = f"version {version} is {state or 'gone'} on {replica.name}"
    wait_until(lambda: replica.version_state(version) == state, what, WARM_SECONDS)


def wait_until_alone(replica: Replica) -> None:
    """Until the replica holds stable and nothing else."""

    def held() -> set[int]:
        try:
            return {entry["version"] for entry in replica.state()["versions"]}
        except httpx.HTTPError:
            return set()

    wait_until(lambda: held() == {STABLE}, f"{replica.name} holds version {STABLE} alone", WARM_SECONDS)


def status(api: Api) -> Json:
    """GET /routes of an API."""
    body: Json = client.get(f"{api.inner_url}/routes", timeout=10).raise_for_status().json()
    return body


def wait_for_step(api: Api, step: str) -> None:
    """Until the API acknowledged the routes of this step."""

    def acknowledged() -> bool:
        document = status(api)
        return document["id"] is not None and document["step"] == step

    wait_until(acknowledged, f"{api.name} acknowledged {step}")


def answered_by_triton(replica: Replica, version: int = STABLE) -> int:
    """Inferences that Triton itself counted since it started, by its own metrics; 0 while it is down."""
    try:
        text = client.get(f"http://{replica.address}:8002/metrics", timeout=5).text
    except httpx.TransportError:
        return 0
    lines = (line for line in text.splitlines() if line.startswith("nv_inference_request_success{"))
    return sum(int(float(line.split()[-1])) for line in lines if f'version="{version}"' in line)
