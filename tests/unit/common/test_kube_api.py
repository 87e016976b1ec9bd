"""What a watch makes of the answers of an API server, or of whoever answers in its place, over real HTTP."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from kubernetes.client.configuration import Configuration
from medinfer_common import kube_api

USER_AGENT = "medinfer-test"

Answer = tuple[int, bytes]
PLAN = {"metadata": {"name": "plan", "resourceVersion": "7"}, "data": {"plan.json": "a"}}
NEWER = {"metadata": {"name": "plan", "resourceVersion": "8"}, "data": {"plan.json": "b"}}


class Server(ThreadingHTTPServer):
    """Answers each request with the next of `answers`, and then closes the connection."""

    daemon_threads = True

    def __init__(self, *answers: Answer) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers, self.asked, self.user_agents = iter(answers), list[str](), set[str | None]()

    def configuration(self) -> Any:
        return Configuration(host=f"http://127.0.0.1:{self.server_port}")


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.server.user_agents.add(self.headers["User-Agent"])
        status, body = next(self.server.answers)
        self.send_response(status)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """The test reads `asked`."""


@contextmanager
def serving(*answers: Answer) -> Iterator[Server]:
    with Server(*answers) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def listing(*items: dict[str, Any]) -> Answer:
    return 200, json.dumps({"metadata": {"resourceVersion": "7"}, "items": items}).encode()


def events(*events: tuple[str, Any], rest: bytes = b"") -> Answer:
    return 200, b"".join(json.dumps({"type": kind, "object": it}).encode() + b"\n" for kind, it in events) + rest


def gone(message: str = "too old resource version") -> tuple[str, Any]:
    return "ERROR", {"kind": "Status", "code": 410, "message": message}


@pytest.mark.parametrize(
    ("answers", "seen"),
    [
        pytest.param([listing(PLAN), events()], [PLAN, PLAN], id="nothing-happens"),
        pytest.param([listing(), events(("ADDED", PLAN))], [None, None, PLAN], id="created"),
        pytest.param([listing(PLAN), events(("MODIFIED", NEWER))], [PLAN, PLAN, NEWER], id="changed"),
        pytest.param([listing(PLAN), events(("DELETED", PLAN))], [PLAN, PLAN, None], id="deleted"),
        pytest.param([listing(PLAN), events(("BOOKMARK", {"metadata": {}}))], [PLAN, PLAN], id="bookmark"),
        pytest.param(
            [listing(PLAN), events(("MODIFIED", NEWER), rest=b'{"type": "MOD')], [PLAN, PLAN, NEWER], id="cut-off"
        ),
    ],
)
def test_each_change_is_given_once(answers: list[Answer], seen: list[Any]) -> None:
    with serving(*answers) as server:
        assert list(kube_api.read_changes("plan", "ours", USER_AGENT, server.configuration)) == seen


@pytest.mark.parametrize(
    ("answers", "count", "said"),
    [
        pytest.param([(403, b"forbidden")], 0, "its Role must allow get, list and watch", id="no-right"),
        pytest.param([(429, b"storage is initializing")], 0, "status 429: storage", id="not-yet"),
        pytest.param([(500, b"etcd is gone")], 0, "status 500: etcd is gone", id="broken"),
        pytest.param([listing(PLAN), (410, b"too old")], 1, "status 410: too old", id="gone-before-the-watch"),
        pytest.param([listing(PLAN), events(gone())], 2, "status 410: too old resource version", id="gone-within"),
        pytest.param([(200, b"<html>sign in</html>")], 0, "Expecting value", id="a-proxys-page"),
        pytest.param([(200, b"[]")], 0, "list indices", id="another-document"),
        pytest.param([listing(PLAN), (200, b"<html>\n")], 2, "Expecting value", id="a-page-for-a-watch"),
    ],
)
def test_what_is_no_watch_is_an_error_after_what_was_seen(answers: list[Answer], count: int, said: str) -> None:
    with serving(*answers) as server:
        changes = kube_api.read_changes("plan", "ours", USER_AGENT, server.configuration)
        assert len(list(islice(changes, count))) == count
        with pytest.raises(Exception, match=said):
            next(changes)


def test_nobody_listens() -> None:
    with Server() as server:
        configuration = server.configuration
    with pytest.raises(Exception, match="refused"):
        next(kube_api.read_changes("plan", "ours", USER_AGENT, configuration))


def test_it_asks_for_one_name_and_continues_from_what_it_read() -> None:
    with serving(listing(PLAN), events()) as server:
        list(kube_api.read_changes("plan", "ours", USER_AGENT, server.configuration))
    read, watch = (urlsplit(path) for path in server.asked)
    assert read.path == watch.path == "/api/v1/namespaces/ours/configmaps"
    assert parse_qs(read.query) == {"fieldSelector": ["metadata.name=plan"]}
    asked = parse_qs(watch.query)
    assert (asked["fieldSelector"], asked["resourceVersion"], asked["watch"]) == (
        ["metadata.name=plan"],
        ["7"],
        ["true"],
    )
    assert server.user_agents == {USER_AGENT}
    assert int(asked["timeoutSeconds"][0]) > kube_api.SILENT_SECONDS
