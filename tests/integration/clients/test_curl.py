"""curl with options that people use, on every way to the API; and k6 as the load test starts it."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ci.stack.api import Api
from ci.stack.folders import ROOT
from tests.harness.programs import debian, find
from tests.integration.clients.conftest import Ways

pytestmark = pytest.mark.integration

FORM = ["-F", "image=@{image}"]


def curl(ways: Ways, *options: str, check: bool = True) -> str:
    """What it printed: the body, and the status in a line of its own."""
    for_each = ["-sS", "--cacert", str(ways.certificate), "--max-time", "60"]
    command = [find("curl", debian("curl")), *for_each]
    for option in options:
        command += [option, *for_each] if option == "--next" else [option]
    return subprocess.run(command, check=check, capture_output=True, text=True).stdout


def predict(ways: Ways, url: str, options: list[str], image: Path, check: bool = True) -> tuple[int, str]:
    """Status and body of the answer."""
    given = [option.format(image=image) for option in options]
    body, _, status = curl(ways, "-w", "\n%{http_code}", *given, f"{url}/predict", check=check).rpartition("\n")
    return int(status), body


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(["--http1.0", *FORM], id="http-1.0"),
        pytest.param(["--http1.1", *FORM], id="http-1.1"),
        pytest.param(["--http2", *FORM], id="http-2-offered"),
        pytest.param([*FORM, "-H", "Expect: 100-continue"], id="asks-first"),
        pytest.param([*FORM, "-H", "Expect:"], id="does-not-ask-first"),
        pytest.param([*FORM, "-H", "Transfer-Encoding: chunked"], id="in-chunks"),
        pytest.param([*FORM, "-H", "Connection: close", "--compressed"], id="closes-and-takes-gzip"),
        pytest.param(["-F", 'image=@{image};type=image/x;filename="a \\"b\\"; c.jpg"'], id="odd-file-name"),
        pytest.param(["-F", "image=@{image};filename=Schädel.jpg", "--form-escape"], id="umlaut"),
        pytest.param(["-F", "image=<{image}"], id="no-file-name"),
        pytest.param(["-F", "image=@{image};encoder=binary"], id="said-to-be-binary"),
        pytest.param(["-F", 'image=@{image};headers="X-Odd: 1"'], id="a-header-of-the-part"),
        pytest.param(["-F", "note=first", *FORM, "-F", "note=last"], id="other-fields"),
    ],
)
def test_an_honest_form_gets_the_class(options: list[str], image: Path, ways: Ways, expected: str) -> None:
    for url in ways.urls:
        status, body = predict(ways, url, options, image)
        assert status == 200 and json.loads(body)["prediction"] == expected, f"{url}: {status} {body}"


@pytest.mark.parametrize(
    ("options", "status", "words"),
    [
        pytest.param(["-F", "image=@{image};encoder=base64"], 415, "Content-Transfer-Encoding base64", id="base64"),
        pytest.param([*FORM, "-H", "Content-Encoding: gzip"], 415, "Content-Encoding gzip", id="gzip"),
        pytest.param(["-F", "image=@{image},{image}"], 400, "a form of its own", id="two-files-in-one-part"),
        pytest.param([*FORM, *FORM], 422, "/predict/batch", id="two-parts"),
        pytest.param(["--data-binary", "@{image}"], 415, "multipart/form-data", id="no-form"),
    ],
)
def test_a_refusal_says_why(options: list[str], status: int, words: str, small_image: Path, ways: Ways) -> None:
    for url in ways.urls:
        answered, body = predict(ways, url, options, small_image)
        assert answered == status and words in body, f"{url}: {answered} {body}"


@pytest.mark.parametrize(
    "refused",
    [
        pytest.param([*FORM, "-H", "Content-Encoding: gzip"], id="before-its-body-which-it-asks-for-first"),
        pytest.param([*FORM, "-H", "Content-Encoding: gzip", "-H", "Expect:"], id="before-its-body"),
        pytest.param(["-F", "image=@{image};encoder=base64", "-H", "Expect:"], id="in-the-middle-of-its-body"),
    ],
)
def test_a_refused_upload_spoils_no_later_one(refused: list[str], image: Path, ways: Ways, expected: str) -> None:
    """HAProxy once sent the next client's request as the rest of a body that its HTTP/2 client had given up."""
    for url in ways.urls:
        for _ in range(3):
            predict(ways, url, refused, image, check=False)  # HAProxy may end the stream before it passed the answer on
            status, body = predict(ways, url, FORM, image)
            assert status == 200 and json.loads(body)["prediction"] == expected, f"{url}: {status} {body}"


@pytest.mark.parametrize("path", ["/predict", "/predict/", "/predict/batch", "/predict/batch/"])
def test_an_image_is_sent_once_and_never_over_http_in_the_clear(
    path: str, image: Path, ways: Ways, expected: str
) -> None:
    told = ["-H", "X-Forwarded-Proto: https", "--location", "-w", "\n%{num_redirects} %{http_code}"]
    for url in ways.urls:
        body, _, answered = curl(ways, *told, "-F", f"image=@{image}", url + path).rpartition("\n")
        assert answered == "0 200" and expected in body


def test_head_leaves_nothing_on_the_connection(ways: Ways) -> None:
    """A body after the answer to HEAD would be read as the next answer's head."""
    for url in ways.urls:
        asked = ["-o", "/dev/null", "-w", "%{http_code} %{size_download} %{num_connects}\n"]
        answers = curl(ways, "-I", *asked, f"{url}/health", "--next", *asked, f"{url}/health")
        assert answers.splitlines() == ["200 0 1", "200 20 0"]


def test_the_load_test_runs_as_it_is(api: Api, tmp_path: Path) -> None:
    """As the starting system's users call it, but for the duration; k6 is a client in Go, too."""
    command = [str(Path(sys.executable).with_name("k6")), "run", "--vus", "2", "--duration", "2s", "--no-color"]
    quiet = ["--no-usage-report", "--address", "", "-e", f"URL={api.url}"]
    script = ROOT / "tests/load_test.js"
    ended = subprocess.run([*command, *quiet, script], cwd=tmp_path, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert re.search(r"checks_succeeded\.*: 100\.00%", ended.stdout), ended.stdout
