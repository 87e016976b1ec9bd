"""What the endpoint writes to the audit stream, by mode and outcome."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from inference_api.access import clients
from inference_api.access.clients import Client
from inference_api.audit.audit import Audit
from inference_api.audit.chain import Chain
from inference_api.audit.pseudonyms import InvalidKey, Pseudonyms, read_key
from inference_api.audit.sink import FileSink
from inference_api.audit.writer import Writer
from inference_api.routing.document import parse
from inference_api.routing.traffic import Traffic
from starlette.types import Message

from ci.load.images import BOUNDARY, grey_jpeg, multipart
from tests.harness.routes import document
from tests.unit.api.prediction.endpoint import Endpoint
from tests.unit.api.prediction.fake_triton import FakeTriton
from tests.unit.api.some import some

KEY = b"0123456789abcdef0123456789abcdef"
NOW = 1_767_268_800.25
STABLE: dict[str, Any] = {"stable": {"version": 1, "weight": 100}, "canary": None}
CANARY: dict[str, Any] = {"stable": {"version": 1, "weight": 0}, "canary": {"version": 2, "weight": 100}}
STUDY = "1.2.840.113619.2.55.3"


class Scene:
    """The endpoint on a fake Triton, with an audit stream in a file."""

    def __init__(self, path: Path, *, is_required: bool = False, has_routes: bool = True, **routes: Any) -> None:
        self.path, self.triton, self.traffic = path, FakeTriton(), Traffic(128)
        if has_routes:
            self.traffic.apply(parse(json.dumps(document(**(routes or STABLE))).encode()))
        pseudonyms = Pseudonyms(KEY)
        self.writer = Writer(FileSink(path, lambda: NOW), Chain(pseudonyms.chain_key, "api-0"), self.traffic.note_audit)
        self.audit = Audit(pseudonyms, self.writer, lambda: NOW, is_required=is_required)
        self.predict = Endpoint(self.triton, self.traffic, self.audit).predict
        self.status, self.body, self.is_client_gone = 0, b"", False

    async def ask(self, image: bytes = b"") -> int:
        names = {b"content-type": f"multipart/form-data; boundary={BOUNDARY}".encode(), b"x-study-id": STUDY.encode()}
        scope = {"type": "http", "method": "POST", "path": "/predict", "headers": list(names.items())}
        self.image = image or grey_jpeg()
        await self.predict(scope | {"state": {clients.STATE_KEY: Client("pacs")}}, self._receive, self._send)
        return self.status

    async def lines(self) -> list[dict[str, object]]:
        """All of them; nothing is written after that."""
        await self.audit.stop()
        return [json.loads(line) for line in self.path.read_bytes().splitlines()]

    async def _receive(self) -> Message:
        return {"type": "http.request", "body": multipart(self.image), "more_body": False}

    async def _send(self, message: Message) -> None:
        if self.is_client_gone:
            raise ConnectionResetError
        self.status = message.get("status", self.status)
        self.body += message.get("body", b"")


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    scene = Scene(tmp_path / "audit.jsonl")
    scene.audit.start()
    yield scene
    await scene.audit.stop()


async def test_an_answer_can_be_accounted_for(scene: Scene) -> None:
    assert await scene.ask() == 200
    (line,) = await scene.lines()
    answer, pseudonyms, routes = json.loads(scene.body), Pseudonyms(KEY), some(scene.traffic.routes)
    assert line | {"chain": "", "requestId": "", "latencyMs": 0} == {
        "writer": "api-0",
        "sequence": 1,
        "schemaVersion": 1,
        "time": "2026-01-01T12:00:00.250Z",
        "requestId": "",
        "client": "pacs",
        "study": pseudonyms.of_study(STUDY.encode()),
        "images": [*pseudonyms.of_images([scene.image])],
        "outcome": "answered",
        "latencyMs": 0,
        "model": "resnet_medical",
        "version": 1,
        "digest": routes.stable.version.digest,
        "replica": scene.triton.asked[0].replica,
        "routesRevision": routes.revision,
        "role": "stable",
        "predictions": [{"class": answer["prediction"], "probabilities": answer["probabilities"]}],
        "chain": "",
    }
    assert STUDY not in scene.path.read_text()


async def test_the_findings_over_their_thresholds_are_accounted_for(tmp_path: Path) -> None:
    routes = document(**STABLE)
    output = {"name": "output", "activation": "sigmoid", "thresholds": [0.9, 0.5, 0.9, 0.99]}
    routes["versions"]["1"] |= {"input": {"name": "input", "shape": [3, 224, 224]}, "output": output}
    scene = Scene(tmp_path / "audit.jsonl", **routes)
    scene.audit.start()
    assert await scene.ask() == 200
    (line,) = await scene.lines()
    assert isinstance(line["predictions"], list)
    (prediction,) = line["predictions"]
    assert prediction["findings"] == json.loads(scene.body)["findings"] == ["Meningioma"]
    assert list(prediction) == ["class", "probabilities", "findings"]


async def test_a_refused_picture_is_accounted_for(scene: Scene) -> None:
    assert await scene.ask(b"no picture") == 415
    (line,) = await scene.lines()
    assert (line["outcome"], line["client"]) == ("not-an-image", "pacs") and "version" not in line


async def test_a_request_without_routes_is_accounted_for(tmp_path: Path) -> None:
    scene = Scene(tmp_path / "audit.jsonl", has_routes=False)
    scene.audit.start()
    assert await scene.ask() == 503
    (line,) = await scene.lines()
    assert (line["outcome"], line["study"]) == ("no-replica", None)


async def test_an_answer_that_cannot_be_sent_has_one_line(scene: Scene) -> None:
    scene.is_client_gone = True
    with pytest.raises(ConnectionResetError):
        await scene.ask()
    assert [line["outcome"] for line in await scene.lines()] == ["answered"]


@pytest.mark.parametrize(("fails", "role"), [(False, "canary"), (True, "fallback")])
async def test_the_role_says_who_was_chosen_and_who_answered(tmp_path: Path, fails: bool, role: str) -> None:
    scene = Scene(tmp_path / "audit.jsonl", **CANARY)
    scene.audit.start()
    if fails:
        for replica in ("a", "b"):
            scene.triton.behave(replica, 2, "nan")
    assert await scene.ask() == 200
    (line,) = await scene.lines()
    assert (line["role"], line["version"]) == (role, 1 if fails else 2)


@pytest.mark.parametrize(
    ("image", "is_required", "status"),
    [
        pytest.param(b"", True, 503, id="an-answer"),
        pytest.param(b"no picture", True, 503, id="a-refusal"),
        pytest.param(b"", False, 200, id="an-answer-besteffort"),
        pytest.param(b"no picture", False, 415, id="a-refusal-besteffort"),
    ],
)
async def test_a_full_volume_takes_the_answer_away_where_its_line_is_required(
    image: bytes, is_required: bool, status: int
) -> None:
    scene = Scene(Path("/dev/full"), is_required=is_required)
    scene.audit.start()
    assert await scene.ask(image) == status
    assert (b"audit-failed" in scene.body) == is_required
    await scene.audit.stop()
    assert scene.traffic.snapshot()["totals"]["events"]["audit:failed"] == 1, "one line is tried"


def test_pseudonyms_differ_by_purpose_and_key() -> None:
    one, other = Pseudonyms(KEY), Pseudonyms(KEY[::-1])
    assert len({one.of_study(b"a"), *one.of_images([b"a"]), other.of_study(b"a"), one.of_study(b"b")}) == 4
    assert one.of_study(b"a") == Pseudonyms(KEY).of_study(b"a")
    assert re.fullmatch("[0-9a-f]{64}", one.of_images([b""])[0])


@pytest.mark.parametrize(
    ("content", "words"), [(None, "cannot be read: No such file"), (b"", "has 0 bytes"), (b"short\n", "has 5 bytes")]
)
def test_a_key_that_cannot_be_used_is_named(tmp_path: Path, content: bytes | None, words: str) -> None:
    path = tmp_path / "key"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InvalidKey, match=words):
        read_key(path)
