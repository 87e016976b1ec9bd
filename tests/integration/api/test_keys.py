"""The API asks for keys: they are replaced under load, before the body is read, and the page asks a person for one."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, FilePayload, expect

from ci.load.answers import expected_answers
from ci.load.images import grey_jpeg
from ci.load.load import Load
from ci.stack.api import Api
from ci.stack.documents import build_routes
from ci.stack.replica import Replica
from ci.stack.waiting import wait_until

ADDRESS = "127.0.0.54"
MAX_CANCELLED = 60  # users of one load

pytestmark = pytest.mark.integration


class Guarded:
    """An API with two workers that follows an access document, and the command line that edits it."""

    def __init__(self, api: Api, document: Path) -> None:
        self.api, self.document = api, document

    def mint(self, client: str, *options: str) -> str:
        return self._edit("mint", client, *options).strip()

    def revoke(self, client: str, key: str) -> None:
        self._edit("revoke", client, "--key", _id(self.document, client, key))

    def _edit(self, action: str, client: str, *options: str) -> str:
        """The change is in force in every worker when this returns."""
        before = self.applied()
        command = [sys.executable, "-m", "modelctl", "keys", action, str(self.document), client, *options]
        output = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout
        wait_until(lambda: self.applied() >= before + 2, "both workers have applied the document")
        return output

    def applied(self) -> int:
        return self.log().count("access document applied")

    def log(self) -> str:
        return self.api.log.read_text()

    def predict(self, key: str) -> httpx.Response:
        return httpx.post(f"{self.api.url}/predict", files={"image": grey_jpeg()}, headers=bearer(key), timeout=30)

    def metric(self, name: str) -> float | None:
        lines = httpx.get(f"{self.api.inner_url}/metrics", timeout=30).text.splitlines()
        return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{name} ")), None)


def _id(document: Path, client: str, key: str) -> str:
    from modelctl.keys import key as keys

    wanted = keys.sha256(key)
    assert wanted in [entry["sha256"] for entry in json.loads(document.read_text())["clients"][client]["keys"]]
    return keys.id(wanted)


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


@pytest.fixture(scope="module")
def guarded(bundle: Path, replica: Replica, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    folder = tmp_path_factory.mktemp("guarded")
    document = folder / "access.json"
    document.write_text('{"schemaVersion": 1, "clients": {}}')
    environment = {"ACCESS_FILE": str(document), "LOG_REQUESTS": "true"}
    api = Api("guarded", f"{ADDRESS}:8002", folder, workers=2, environment=environment)
    api.follow(build_routes([(replica.name, replica.url, [1])], bundle))
    with api:
        api.wait_until_serving()
        yield Guarded(api, document)


def test_a_key_is_replaced_under_load(guarded: Guarded, bundle: Path, tmp_path: Path) -> None:
    images = [grey_jpeg(0), grey_jpeg(1)]
    expected = {1: expected_answers(bundle, images)}
    old = guarded.mint("pacs")

    def load(key: str, name: str) -> Load:
        return Load([guarded.api.url], images, expected, tmp_path / name, rate_per_second=20, headers=bearer(key))

    with load(old, "old") as with_old:
        with_old.wait_until_answered(100)
        new = guarded.mint("pacs")
        with load(new, "new") as with_new:
            with_new.wait_until_answered(100)
            good = guarded.document.read_bytes()
            guarded.document.write_bytes(good[: len(good) // 2])
            wait_until(lambda: guarded.metric("inference_api_access_document_rejected") == 1, "it is refused")
            with_new.wait_until_answered(50)
            before = guarded.applied()
            guarded.document.write_bytes(good)
            wait_until(lambda: guarded.applied() >= before + 2, "both workers have applied the document")
            first = with_old.finish(at_least=200)
            guarded.revoke("pacs", old)
            assert guarded.predict(old).json()["type"] == "urn:medinfer:problem:bad-credentials"
            with_new.wait_until_answered(100)
            second = with_new.finish(at_least=300)
    assert (first.failed, second.failed) == (0, 0)

    def counted() -> bool:
        """Those that k6 cancelled at its end are counted, too."""
        requests = guarded.metric('inference_api_client_requests_total{client="pacs"}') or 0
        return first.sent + second.sent <= requests <= first.sent + second.sent + 2 * MAX_CANCELLED

    wait_until(counted, "every request is counted for its client")
    assert guarded.metric("inference_api_access_document_rejected") == 0
    assert old not in guarded.log() and new not in guarded.log()
    answered = [json.loads(line) for line in guarded.log().splitlines() if '"request answered"' in line]
    assert {line["client"] for line in answered} == {"pacs"}


@pytest.mark.parametrize("expect_continue", [False, True], ids=["body-announced", "expect-continue"])
def test_nothing_of_a_body_is_awaited(guarded: Guarded, expect_continue: bool) -> None:
    head = f"POST /predict HTTP/1.1\r\nHost: {ADDRESS}\r\nContent-Type: multipart/form-data; boundary=b\r\n"
    head += "Content-Length: 1000000\r\n" + ("Expect: 100-continue\r\n" if expect_continue else "")
    with socket.create_connection((ADDRESS, 8002), timeout=30) as connection:
        connection.sendall(f"{head}\r\n".encode())
        assert connection.recv(4096).startswith(b"HTTP/1.1 401 Unauthorized\r\n")


def test_the_page_asks_for_a_key_and_keeps_it_in_memory_only(guarded: Guarded, browser: Browser) -> None:
    key = guarded.mint("page")
    context = browser.new_context(reduced_motion="reduce")
    page = context.new_page()
    image: FilePayload = {"name": "slice.jpg", "mimeType": "image/jpeg", "buffer": grey_jpeg(0)}
    page.goto(guarded.api.url)
    page.set_input_files("#file", image)
    expect(page.locator("#problem")).to_contain_text("Send a key", timeout=30_000)
    page.fill("#key", "medinfer_wrong")
    page.press("#key", "Enter")
    expect(page.locator("#problem")).to_contain_text("typing error", timeout=30_000)
    page.fill("#key", f" {key}\t")
    page.press("#key", "Enter")
    expect(page.locator("#answer")).to_be_visible(timeout=30_000)
    expect(page.locator("#key-form")).to_be_hidden()
    page.set_input_files("#file", image)
    expect(page.locator("#answer")).to_be_visible(timeout=30_000)
    assert page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]") == [0, 0, ""]
    assert key not in page.content() and page.input_value("#key") == ""
    page.reload()
    page.set_input_files("#file", image)
    expect(page.locator("#key-form")).to_be_visible(timeout=30_000)
    context.close()


def test_the_status_needs_a_scope(guarded: Guarded) -> None:
    both, one = guarded.mint("monitor"), guarded.mint("robot", "--scope", "predict")
    statuses = [
        httpx.get(f"{guarded.api.url}/status", headers=bearer(key) if key else {}, timeout=30).status_code
        for key in ("", one, both)
    ]
    assert statuses == [401, 403, 200]
    open_to_all = [httpx.get(f"{guarded.api.url}{path}", timeout=30).status_code for path in ("/", "/health")]
    assert open_to_all == [200, 200]


def test_an_api_that_everybody_may_ask_says_so(api: Api) -> None:
    assert "authentication is off" in api.log.read_text()
    assert "inference_api_authentication_enabled 0.0" in httpx.get(f"{api.inner_url}/metrics", timeout=30).text
