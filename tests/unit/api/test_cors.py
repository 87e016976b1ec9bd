"""A page of another origin asks by script: what the browser is told, by FastAPI and where a prediction bypasses it."""

import httpx
import pytest
from inference_api.main import create_app
from inference_api.settings import Settings

VIEWER = "https://viewer.hospital.example"


def client(origins: str) -> httpx.AsyncClient:
    app = create_app(Settings.model_validate({"routes_file": "routes.json", "cors_origins": origins}))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api")


async def preflight(origins: str, origin: str = VIEWER, method: str = "POST") -> httpx.Response:
    asked = {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": "authorization,x-study-id"}
    return await client(origins).options("/predict", headers={"Origin": origin} | asked)


def allowed(response: httpx.Response) -> str | None:
    value: str | None = response.headers.get("access-control-allow-origin")
    return value


async def test_a_preflight_of_a_named_origin_is_answered() -> None:
    response = await preflight(f"https://other.example {VIEWER}")
    assert (response.status_code, response.content, allowed(response)) == (204, b"", VIEWER)
    assert "POST" in response.headers["access-control-allow-methods"]
    assert response.headers["access-control-allow-headers"] == "authorization,x-study-id"
    assert "access-control-allow-credentials" not in response.headers
    assert "Origin" in response.headers["vary"]


@pytest.mark.parametrize(
    ("origins", "origin", "method", "status", "kind"),
    [
        pytest.param(VIEWER, "https://evil.example", "POST", 403, "origin-not-allowed", id="another-origin"),
        pytest.param(VIEWER, VIEWER + ".evil.example", "POST", 403, "origin-not-allowed", id="the-origin-and-more"),
        pytest.param(VIEWER, "http://viewer.hospital.example", "POST", 403, "origin-not-allowed", id="another-scheme"),
        pytest.param(VIEWER, "null", "POST", 403, "origin-not-allowed", id="a-sandbox"),
        pytest.param(VIEWER, VIEWER, "DELETE", 403, "origin-not-allowed", id="another-method"),
        pytest.param("", VIEWER, "POST", 405, "method-not-allowed", id="the-setting-is-empty"),
    ],
)
async def test_others_are_refused(origins: str, origin: str, method: str, status: int, kind: str) -> None:
    response = await preflight(origins, origin, method)
    assert (response.status_code, response.json()["type"]) == (status, f"urn:medinfer:problem:{kind}")
    assert origin == VIEWER or allowed(response) is None


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/health"), ("HEAD", "/health"), ("GET", "/nothing"), ("POST", "/predict")]
)
async def test_an_answer_can_be_read_where_the_origin_is_named(method: str, path: str) -> None:
    """Refusals, too: a script has to tell its user why."""
    response = await client(VIEWER).request(method, path, headers={"Origin": VIEWER})
    assert allowed(response) == VIEWER and "Origin" in response.headers["vary"]
    assert {"X-Model-Version", "Retry-After"} <= set(response.headers["access-control-expose-headers"].split(", "))
    for origins, headers in ((VIEWER, {"Origin": "https://evil.example"}), (VIEWER, {}), ("", {"Origin": VIEWER})):
        assert allowed(await client(origins).request(method, path, headers=headers)) is None
