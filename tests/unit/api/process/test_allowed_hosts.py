"""Whom a request must be addressed to."""

from collections import Counter

import httpx
import pytest
from inference_api.process.allowed_hosts import AllowedHosts
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

OURS = ("Medinfer.Example.Org", "*.imaging.example.org", "medinfer-api")


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse(Request(scope).url.path)(scope, receive, send)


@pytest.mark.parametrize(
    ("host", "status"),
    [
        pytest.param("medinfer.example.org", 200, id="named"),
        pytest.param("MEDINFER.example.org.:8002", 200, id="in-capitals-with-port-and-dot"),
        pytest.param("a.imaging.example.org", 200, id="below-a-wildcard"),
        pytest.param("medinfer-api:8002", 200, id="service"),
        pytest.param("10.1.2.3:8003", 200, id="a-probe-by-ip"),
        pytest.param("[fd00::1]:8003", 200, id="a-probe-by-ipv6"),
        pytest.param("localhost:8002", 200, id="port-forward"),
        pytest.param("evil.example", 421, id="foreign"),
        pytest.param("imaging.example.org", 421, id="the-wildcard-s-own-domain"),
        pytest.param("evilmedinfer.example.org", 421, id="ends-alike"),
        pytest.param("medinfer.example.org.evil.example", 421, id="begins-alike"),
        pytest.param("10.1.2.3.evil.example", 421, id="begins-like-an-address"),
        pytest.param("", 421, id="empty"),
    ],
)
async def test_requests_for_other_hosts_are_refused(host: str, status: int) -> None:
    refused: Counter[str] = Counter()
    transport = httpx.ASGITransport(AllowedHosts(app, OURS, lambda kind: refused.update([kind])))
    async with httpx.AsyncClient(transport=transport, base_url="http://any") as client:
        answer = await client.get("/", headers={"Host": host})
    assert answer.status_code == status
    if status == 421:
        assert answer.json()["type"] == "urn:medinfer:problem:misdirected"
        assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert refused == ({"misdirected": 1} if status == 421 else {})
