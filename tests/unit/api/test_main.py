"""What the application answers before it has started: paths and methods, without routes and without a replica."""

from collections.abc import AsyncIterator

import httpx
import pytest
from inference_api.main import create_app
from inference_api.settings import Settings

from ci.load.images import BOUNDARY, grey_jpeg, multipart

FORM = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(Settings.model_validate({"routes_file": "routes.json"}))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api") as client:
        yield client


async def test_health_says_what_the_first_users_monitors_look_for(client: httpx.AsyncClient) -> None:
    assert (await client.get("/health")).json() == {"status": "healthy"}


@pytest.mark.parametrize("path", ["/", "/health", "/openapi.json", "/nothing", "/predict"])
async def test_head_is_get_without_the_body(client: httpx.AsyncClient, path: str) -> None:
    get, head = await client.get(path), await client.head(path)
    assert head.content == b"" and get.content
    volatile = {"x-request-id", "content-length"}  # a problem holds the request id
    assert head.status_code == get.status_code
    assert {*head.headers.items()} - {*get.headers.items()} <= {(name, head.headers.get(name, "")) for name in volatile}
    assert head.headers["content-length"] == get.headers["content-length"]


@pytest.mark.parametrize("path", ["/predict", "/predict/", "/predict/batch", "/predict/batch/"])
async def test_a_prediction_is_not_sent_elsewhere(client: httpx.AsyncClient, path: str) -> None:
    response = await client.post(path, content=multipart(grey_jpeg(side=64)), headers=FORM)
    assert (response.status_code, response.json()["type"]) == (503, "urn:medinfer:problem:no-replica")
    assert (await client.get(path)).headers["allow"] == "POST"


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT"])
@pytest.mark.parametrize("path", ["/health/", "/predict//", "/docs/", "/openapi.json/"])
async def test_nothing_redirects(client: httpx.AsyncClient, method: str, path: str) -> None:
    assert (await client.request(method, path)).status_code in (404, 405)


async def test_an_encoded_body_is_refused_by_the_name_of_its_encoding(client: httpx.AsyncClient) -> None:
    body = multipart(grey_jpeg(side=64))
    for encoding in ("gzip", "br, gzip", "X" * 99, "identity"):
        response = await client.post("/predict", content=body, headers=FORM | {"Content-Encoding": encoding})
        if encoding == "identity":
            assert response.status_code == 503
        else:
            assert (response.status_code, response.json()["type"]) == (415, "urn:medinfer:problem:encoded")
            assert ("Content-Encoding " + encoding in response.json()["detail"]) is (len(encoding) < 99)
            assert response.headers["accept-encoding"] == "identity"
