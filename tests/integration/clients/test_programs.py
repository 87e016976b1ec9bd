"""The HTTP clients that people write programs with, each as it comes, each on every way to the API."""

import asyncio
import io
import json
import os
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest
import requests

from tests.harness.programs import debian, find
from tests.integration.clients.conftest import Ways

pytestmark = pytest.mark.integration

PROGRAMS = Path(__file__).parent / "programs"
Answers = list[tuple[int, dict[str, Any]]]  # status and document, for each way


def run(*command: str | Path, **environment: str) -> Answers:
    """What a program printed: one line for each way, the status and the document."""
    ended = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    lines = (line.partition(" ") for line in ended.stdout.splitlines())
    return [(int(status), json.loads(document)) for status, _, document in lines]


def by_java(image: Path, ways: Ways) -> Answers:
    java = find("java", debian("default-jdk-headless"))
    return run(java, PROGRAMS / "Upload.java", ways.certificate, image, *ways.urls)


def by_node(image: Path, ways: Ways) -> Answers:
    node = find("node", debian("nodejs"))
    return run(node, PROGRAMS / "upload.mjs", image, *ways.urls, NODE_EXTRA_CA_CERTS=str(ways.certificate))


def by_go(image: Path, ways: Ways) -> Answers:
    upload = find("upload", "ci/cluster/build upload")
    return run(upload, image, *ways.urls, SSL_CERT_FILE=str(ways.certificate))


def by_requests(image: Path, ways: Ways) -> Answers:
    with requests.Session() as session:
        session.trust_env, session.verify = False, str(ways.certificate)  # the machine may have authorities of its own
        answers = [session.post(f"{url}/predict", files={"image": image.read_bytes()}) for url in ways.urls]
    return [(answer.status_code, answer.json()) for answer in answers]


def by_httpx(image: Path, ways: Ways) -> Answers:
    with httpx.Client(verify=ssl.create_default_context(cafile=ways.certificate)) as client:
        answers = [client.post(f"{url}/predict", files={"image": image.read_bytes()}) for url in ways.urls]
    return [(answer.status_code, answer.json()) for answer in answers]


def by_aiohttp(image: Path, ways: Ways) -> Answers:
    content = image.read_bytes()

    async def ask(url: str) -> tuple[int, dict[str, Any]]:
        trusted = ssl.create_default_context(cafile=ways.certificate)
        form = aiohttp.FormData()
        form.add_field("image", io.BytesIO(content), filename="slice.png", content_type="image/png")
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{url}/predict", data=form, ssl=trusted) as answer,
        ):
            return answer.status, await answer.json()

    return [asyncio.run(ask(url)) for url in ways.urls]


@pytest.mark.parametrize("client", [by_java, by_node, by_go, by_requests, by_httpx, by_aiohttp])
def test_a_client_as_it_comes_gets_the_class(
    client: Callable[[Path, Ways], Answers], image: Path, ways: Ways, expected: str
) -> None:
    answers = client(image, ways)
    assert [status for status, _ in answers] == [200, 200, 200], answers
    assert [document["prediction"] for _, document in answers] == [expected] * 3


MAIL = "MIME-Version: 1.0\r\nContent-Type: multipart/form-data; boundary=x\r\n\r\n"
DISPOSITION = 'Content-Disposition: form-data; name="image"; filename="slice.jpg"\r\n'
# Content-Type of the request; what stands before the image, and after it.
FORMS = {
    "dotnet": (
        'multipart/form-data; boundary="5f0c3a7e-5d0b-4b6c-9d53-0a4ae4c6e0aa"',
        "--5f0c3a7e-5d0b-4b6c-9d53-0a4ae4c6e0aa\r\nContent-Type: image/jpeg\r\n"
        "Content-Disposition: form-data; name=image; filename=slice.jpg; filename*=utf-8''slice.jpg\r\n\r\n",
        "\r\n--5f0c3a7e-5d0b-4b6c-9d53-0a4ae4c6e0aa--\r\n",
    ),
    "apache-httpclient": (
        "multipart/form-data; boundary=x; charset=UTF-8",
        f"--x\r\n{DISPOSITION}Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\n",
        "\r\n--x--\r\n",
    ),
    "okhttp": (
        "multipart/form-data; boundary=x",
        f"--x\r\n{DISPOSITION}Content-Type: image/jpeg\r\nContent-Length: 123\r\n\r\n",
        "\r\n--x--\r\n",
    ),
    "python-email": ("multipart/form-data; boundary=x", f"{MAIL}--x\r\n{DISPOSITION}\r\n", "\r\n--x--\r\n"),
    "boundary-with-blanks": ("multipart/form-data; boundary=x", f"--x \t\r\n{DISPOSITION}\r\n", "\r\n--x--  \r\nend"),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_form_as_another_library_writes_it_gets_the_class(form: str, image: Path, ways: Ways, expected: str) -> None:
    """By their sources, where the library itself is not at hand."""
    content_type, before, after = FORMS[form]
    body = before.encode() + image.read_bytes() + after.encode()
    with httpx.Client(verify=ssl.create_default_context(cafile=ways.certificate)) as client:
        for url in ways.urls:
            answer = client.post(f"{url}/predict", content=body, headers={"Content-Type": content_type})
            assert (answer.status_code, answer.json().get("prediction")) == (200, expected), answer.text
