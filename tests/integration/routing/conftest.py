"""One real Triton that holds versions 1 and 2 of the tiny model, and APIs whose routes each test writes."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from ci.load.images import grey_jpeg
from ci.stack.api import Api
from ci.stack.documents import Json, build_plan, build_routes
from ci.stack.replica import Replica
from ci.stack.waiting import wait_until
from tests.harness.stack import status

REPLICA_ADDRESS = "127.0.3.1"
BROKEN_ADDRESS = "127.0.3.2"
SECOND_BROKEN_ADDRESS = "127.0.3.3"
API_ADDRESS = "127.0.3.4"

StartApi = Callable[..., "Routed"]
Held = tuple[str, str, list[int]]  # name, URL of Triton's HTTP endpoint, versions warm there


class Routed:
    """An API, and the documents it is given."""

    def __init__(self, api: Api, bundles: Path, replica: Replica) -> None:
        self.api, self.bundles, self.replica = api, bundles, replica
        self.client = httpx.Client(base_url=api.url, timeout=30)

    def routes(
        self, *replicas: tuple[str, str, list[int]], weight: int = 0, step: str = "0", **changes: object
    ) -> Json:
        """Version 1 and, as canary at this weight, version 2; without `replicas` both on the real one."""
        held = list(replicas) or [("a", self.replica.url, [1, 2])]
        stable, canary = (self.bundles / f"resnet_medical-{version}.tar" for version in (1, 2))
        return build_routes(held, stable, canary, weight=weight, step=step) | changes

    def follow(self, routes: Json) -> Json:
        """Writes the routes, and waits until every worker has applied them; returns GET /routes."""
        self.api.follow(routes)
        wanted = (routes["step"], routes["stable"], routes["canary"])

        def applied() -> Json | None:
            report = status(self.api)
            same = report["id"] and (report["step"], report["stable"], report["canary"]) == wanted
            return report if same and report["rejected"] is None else None

        return wait_until(applied, f"step {routes['step']} is applied")

    def predict(self, image: bytes | None = None, headers: dict[str, str] | None = None) -> httpx.Response:
        return self.client.post("/predict", files={"image": image or grey_jpeg()}, headers=headers)

    def report(self, requests: int) -> Json:
        """GET /routes once this step's counters hold so many requests; the workers publish ten times a second."""

        def counted() -> Json | None:
            report = status(self.api)
            total = sum(counters["requests"] + counters["lost"] for counters in report["counters"].values())
            return report if total >= requests else None

        return wait_until(counted, f"{requests} requests are counted")


@pytest.fixture(scope="session")
def replica(bundles: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replica]:
    replica = Replica("triton-0", REPLICA_ADDRESS, tmp_path_factory.mktemp("triton-0"))
    replica.follow(build_plan(bundles / "resnet_medical-1.tar", bundles / "resnet_medical-2.tar"))
    with replica:
        replica.wait_until_warm(120)
        replica.wait_until_ready(f"{replica.agent_url}/versions/2", 120)
        yield replica


@pytest.fixture(scope="module")
def start_api(bundles: Path, replica: Replica, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartApi]:
    """Starts an API of this module, with these settings; version 1 has all the traffic."""
    with ExitStack() as running:

        def start(port: int = 8002, workers: int = 1, **environment: str) -> Routed:
            folder = tmp_path_factory.mktemp("api")
            api = Api("api", f"{API_ADDRESS}:{port}", folder, workers=workers, environment=environment)
            routed = Routed(api, bundles, replica)
            api.follow(routed.routes())
            running.enter_context(api)
            running.callback(routed.client.close)
            api.wait_until_serving()
            return routed

        yield start
