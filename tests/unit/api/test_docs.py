"""The page at /docs: everything that it loads is there, and its policy allows nothing else."""

import re

import httpx
import pytest
from inference_api.main import create_app
from inference_api.settings import Settings


@pytest.fixture
def client() -> httpx.AsyncClient:
    app = create_app(Settings.model_validate({"routes_file": "routes.json"}))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api")


async def test_it_loads_only_files_that_the_api_has(client: httpx.AsyncClient) -> None:
    page = await client.get("/docs")
    named = re.findall(r'(?:src|href)="(?!data:)([^"]+)"', page.text)
    assert len(named) == 3 and all(path.startswith("docs/") for path in named)
    types = [(await client.get(path)).headers["content-type"].partition(";")[0] for path in named]
    assert types == ["text/css", "text/javascript", "text/javascript"]
    assert "SwaggerUIBundle" in (await client.get("docs/swagger-ui-bundle.js")).text


async def test_its_policy_is_strict(client: httpx.AsyncClient) -> None:
    policy = (await client.get("/docs")).headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy and "http" not in policy


@pytest.mark.parametrize("path", ["/docs/docs.html", "/docs/..%2Fpage.css", "/docs/favicon-32x32.png"])
async def test_it_has_no_other_files(client: httpx.AsyncClient, path: str) -> None:
    response = await client.get(path)
    assert (response.status_code, response.json()["type"]) == (404, "urn:medinfer:problem:not-found")
