"""A client may be kept out of canaries, and only the requests of clients that are evidence move a release."""

import json
import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
from inference_api.access import clients
from inference_api.access.clients import ANONYMOUS, Client, Quota
from inference_api.process import reports
from inference_api.routing.counters import Json
from inference_api.routing.document import parse
from inference_api.routing.traffic import Traffic
from starlette.types import ASGIApp, Message, Scope

from ci.load.images import BOUNDARY, grey_jpeg, multipart
from tests.harness.routes import document
from tests.unit.api.prediction.endpoint import Endpoint
from tests.unit.api.prediction.fake_triton import FakeTriton

NAMED = Client("pacs")
NO_CANARY = replace(NAMED, canary=False)
NO_EVIDENCE = replace(NAMED, evidence=False)
AT_CANARY = {"stable": {"version": 1, "weight": 0}, "canary": {"version": 2, "weight": 100}}
SHADOWED = {
    "stable": {"version": 1, "weight": 100},
    "canary": {"version": 2, "weight": 0},
    "shadow": {"percent": 100},
}


class Scene:
    """The endpoint on a fake Triton, under these routes."""

    def __init__(self, **routes: object) -> None:
        self.triton, self.traffic = FakeTriton(), Traffic(128)
        self.traffic.apply(parse(json.dumps(document(**routes)).encode()))
        endpoint = Endpoint(self.triton, self.traffic)
        self.predict: ASGIApp = endpoint.predict
        self.shadow, self.measurements = endpoint.shadow, endpoint.measurements
        self.statuses: list[int] = []
        self.headers: list[dict[bytes, bytes]] = []
        self.bodies = 0

    async def ask(self, client: Client | None, times: int = 1, more: Sequence[tuple[bytes, bytes]] = ()) -> None:
        """Sends an image so many times, with `more` headers; None: no check came before the endpoint."""
        for _ in range(times):
            headers = [(b"content-type", f"multipart/form-data; boundary={BOUNDARY}".encode()), *more]
            scope: Scope = {"type": "http", "method": "POST", "path": "/predict", "headers": headers}
            if client:
                scope["state"] = {clients.STATE_KEY: client}
            await self.predict(scope, self._receive, self._send)

    async def _receive(self) -> Message:
        self.bodies += 1
        return {"type": "http.request", "body": multipart(grey_jpeg()), "more_body": False}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.statuses.append(message["status"])
            self.headers.append(dict(message["headers"]))

    def versions(self) -> set[int]:
        return {asked.version for asked in self.triton.asked}

    def judged(self) -> dict[str, int]:
        """Requests by version, as the operator reads them."""
        live: list[Json | None] = [self.traffic.snapshot() | {"openConnections": 0}]
        report = reports.routes_report("start", False, self.traffic.routes, {}, live)
        return {version: counted["requests"] for version, counted in report["counters"].items()}

    def counted(self) -> dict[str, int]:
        """Requests by version, as Prometheus reads them."""
        total = reports.versions({}, [self.traffic.snapshot()])
        return {version: counted["requests"] for version, counted in total.items()}


@pytest.mark.parametrize(
    ("client", "version"),
    [
        pytest.param(None, 2, id="authentication-off"),
        pytest.param(ANONYMOUS, 2, id="anonymous"),
        pytest.param(NAMED, 2, id="named"),
        pytest.param(NO_EVIDENCE, 2, id="no-evidence"),
        pytest.param(NO_CANARY, 1, id="no-canary"),
    ],
)
async def test_a_client_without_canary_stays_on_stable(client: Client | None, version: int) -> None:
    scene = Scene(**AT_CANARY)
    await scene.ask(client, 3)
    assert (scene.versions(), scene.statuses) == ({version}, [200] * 3)


@pytest.mark.parametrize(
    ("client", "judged"),
    [
        pytest.param(None, 1, id="authentication-off"),
        pytest.param(NAMED, 1, id="named"),
        pytest.param(NO_EVIDENCE, 0, id="no-evidence"),
    ],
)
@pytest.mark.parametrize("behaviour", ["good", "fail"])
async def test_a_client_without_evidence_is_counted_apart(client: Client | None, judged: int, behaviour: str) -> None:
    scene = Scene(**AT_CANARY)
    for replica in "ab":
        scene.triton.behave(replica, 2, behaviour)
    await scene.ask(client)
    assert scene.counted()["2"] == 1
    assert scene.judged()["2"] == judged


async def test_requests_to_stable_of_a_client_without_evidence_are_not_judged_either() -> None:
    scene = Scene()
    for replica in "ab":
        scene.triton.behave(replica, 1, "fail")
    await scene.ask(replace(NO_EVIDENCE, canary=False))
    assert scene.statuses == [502]
    assert (scene.judged(), scene.counted()) == ({"1": 0, "2": 0}, {"1": 1, "2": 0})


async def test_failures_of_a_client_without_evidence_do_not_open_the_breaker() -> None:
    """Each process would then stop asking the canary, and the release would wait for samples that never come."""
    for client, asked in ((NAMED, False), (NO_EVIDENCE, True)):
        scene = Scene(**AT_CANARY)
        for replica in "ab":
            scene.triton.behave(replica, 2, "fail")
        routes = scene.traffic.routes
        assert routes is not None
        for _ in range(20):  # another replica each time: a version that failed on one is not asked there for a while
            scene.traffic.replicas.update(())
            scene.traffic.replicas.update(routes.replicas)
            await scene.ask(client)
        scene.traffic.replicas.update(())
        scene.traffic.replicas.update(routes.replicas)
        assert (scene.traffic.choose_canary(routes) is not None) is asked


@pytest.mark.parametrize(
    ("client", "copies"),
    [
        pytest.param(None, 1, id="authentication-off"),
        pytest.param(NAMED, 1, id="named"),
        pytest.param(NO_EVIDENCE, 0, id="no-evidence"),
        pytest.param(NO_CANARY, 0, id="no-canary"),
    ],
)
async def test_only_evidence_is_copied_to_a_canary(client: Client | None, copies: int) -> None:
    scene = Scene(**SHADOWED)
    random.seed(1)
    await scene.ask(client)
    assert scene.traffic.snapshot()["inFlight"] == ({"1": 1, "2": 1} if copies else {})


async def test_the_log_names_the_client(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    scene = Scene()
    await scene.ask(NAMED)
    await scene.ask(None)
    assert [getattr(record, "client", None) for record in caplog.records] == ["pacs", None]


async def test_a_client_above_its_quota_gets_429_before_its_upload_is_read() -> None:
    scene = Scene()
    client = replace(NAMED, quota=Quota(images_per_minute=2))
    await scene.ask(client, 4)
    assert scene.statuses == [200, 200, 429, 429]
    assert len(scene.triton.asked) == scene.bodies == 2
    assert scene.headers[1][b"ratelimit"] == b'"images-per-minute";r=0;t=60'
    assert scene.headers[2][b"ratelimit"] == b'"images-per-minute";r=0;t=60'
    assert scene.headers[2][b"retry-after"] == b"30"
    await scene.ask(NAMED)
    assert scene.statuses[-1] == 200
    assert b"ratelimit" not in scene.headers[-1]
