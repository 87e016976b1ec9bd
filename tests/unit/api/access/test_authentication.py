"""The check comes before the body, and no log line has a key."""

import json
import logging

import pytest
from inference_api.access import clients
from inference_api.access.authentication import Authentication
from inference_api.access.authenticator import Authenticator
from inference_api.access.document import parse
from inference_api.process.sampled_log import SampledLog
from inference_api.routing.traffic import Traffic
from starlette.types import Message, Receive, Scope, Send

from tests.unit.api.access.made_keys import client, document, key


class Behind:
    """What is protected; notes the client of each request."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.seen.append(clients.of(scope).name)


class Door:
    def __init__(self) -> None:
        self.behind, self.traffic, self.sent = Behind(), Traffic(1), list[Message]()
        authenticator = Authenticator(lambda: 0.0)
        authenticator.apply(parse(document(pacs=client(1), monitor=client(2, scopes=["status"]))))
        refusals = SampledLog(logging.getLogger("inference_api.test"), lambda: 0.0, lines=3)
        self.authentication = Authentication(authenticator, self.traffic, refusals)
        self.door = self.authentication.around(self.behind, clients.Scope.PREDICT)

    async def knock(self, secret: str) -> int:
        """The status of the answer; 0 when the request was passed on. Reading the body fails the test."""
        headers = [(b"authorization", f"Bearer {secret}".encode())]
        scope: Scope = {"type": "http", "method": "POST", "path": "/predict", "headers": headers}
        self.sent.clear()
        await self.door(scope, self._receive, self._send)
        return int(self.sent[0]["status"]) if self.sent else 0

    async def _receive(self) -> Message:
        raise AssertionError("the body was asked for")

    async def _send(self, message: Message) -> None:
        self.sent.append(message)


async def test_a_client_is_passed_on_with_its_name() -> None:
    door = Door()
    assert await door.knock(key(1)) == 0
    assert door.behind.seen == ["pacs"]


@pytest.mark.parametrize(("secret", "status"), [(key(2), 403), (key(3), 401), ("word", 401)])
async def test_others_get_a_problem_and_nothing_is_read(
    secret: str, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    door = Door()
    assert await door.knock(secret) == status
    assert door.behind.seen == []
    headers = dict(door.sent[0]["headers"])
    assert headers[b"content-type"] == b"application/problem+json" and b"www-authenticate" in headers
    document = json.loads(door.sent[1]["body"])
    assert document["status"] == status and document["request_id"] == headers[b"x-request-id"].decode()
    assert door.traffic.snapshot()["totals"]["events"] == {f"refused:{document['type'].rpartition(':')[2]}": 1}
    assert "request refused" in caplog.text and secret not in str([record.__dict__ for record in caplog.records])


async def test_strangers_do_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    door = Door()
    for _ in range(50):
        assert await door.knock("word") == 401
    assert len(caplog.records) == 3
    assert door.traffic.snapshot()["totals"]["events"] == {"refused:bad-credentials": 50}


async def test_where_authentication_is_off_everybody_may_ask() -> None:
    behind, off = Behind(), Authentication(None, Traffic(1), SampledLog(logging.getLogger(), lambda: 0.0))
    assert off.around(behind, clients.Scope.PREDICT) is behind
    assert await off.refusal({"type": "http", "headers": []}, clients.Scope.STATUS) is None


def test_a_request_that_met_no_check_is_anonymous() -> None:
    scopes: list[Scope] = [{}, {"state": {}}]
    for scope in scopes:
        assert clients.of(scope) is clients.ANONYMOUS
    assert clients.ANONYMOUS.canary and clients.ANONYMOUS.evidence
