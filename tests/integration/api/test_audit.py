"""The audit stream of a real API: every request of two workers has its line, and the chain holds, also after a kill."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from modelctl.audit import read_lines, verify

from ci.load.images import grey_jpeg
from ci.stack.api import Api
from ci.stack.documents import build_routes
from ci.stack.logs import whole_lines
from ci.stack.replica import Replica
from ci.stack.waiting import wait_until

BIND = "127.0.0.56:8002"
KEY = b"0123456789abcdef0123456789abcdef"
WORKERS = 2
REQUESTS = 40

pytestmark = pytest.mark.integration


class Audited:
    """An API that gives no answer without its line, and what it was asked."""

    def __init__(self, api: Api, stream: Path) -> None:
        self.api, self.stream = api, stream
        self.answered: set[str] = set()

    def ask(self, image: bytes, status: int = 200) -> None:
        """On a connection of its own, so that each worker gets some."""
        answer = httpx.post(f"{self.api.url}/predict", files={"image": image}, timeout=30)
        assert answer.status_code == status
        self.answered.add(answer.headers["X-Request-Id"])

    def entries(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in whole_lines(self.stream)]


@pytest.fixture
def audited(bundle: Path, replica: Replica, tmp_path: Path) -> Iterator[Audited]:
    key, stream = tmp_path / "key", tmp_path / "audit.jsonl"
    key.write_bytes(KEY)
    environment = {"AUDIT_MODE": "required", "AUDIT_KEY_FILE": str(key), "AUDIT_FILE": str(stream)}
    api = Api("audited", BIND, tmp_path, workers=WORKERS, environment=environment)
    api.follow(build_routes([(replica.name, replica.url, [1])], bundle))
    with api:
        api.wait_until_serving()
        yield Audited(api, stream)


def test_every_answer_has_its_line_and_the_chain_holds(audited: Audited) -> None:
    for number in range(REQUESTS):
        audited.ask(grey_jpeg(number % 4))
    audited.ask(b"no picture", 415)
    assert len(audited.entries()) == REQUESTS + 1
    for worker in psutil.Process(audited.api.pid).children():
        os.kill(worker.pid, signal.SIGKILL)
    wait_until(audited.api.is_running, "gunicorn goes on")
    audited.api.wait_until_serving()
    for number in range(REQUESTS):
        audited.ask(grey_jpeg(number % 4))
    audited.api.stop()

    entries = audited.entries()
    assert {entry["requestId"] for entry in entries} == audited.answered
    assert [entry["outcome"] for entry in entries if entry["outcome"] != "answered"] == ["not-an-image"]
    found = verify(read_lines([audited.stream]), KEY)
    assert found.problems == []
    assert len(found.writers) >= 2, "a worker before the kill, and one after it"
