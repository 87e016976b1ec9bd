"""Several gunicorn workers are one API: what they report, and how they end."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial

import psutil
import pytest

from ci.load.images import grey_jpeg, multipart
from ci.stack.documents import Json
from ci.stack.http import client
from ci.stack.waiting import wait_until
from tests.harness.stack import status
from tests.integration.routing.conftest import Routed, StartApi

pytestmark = pytest.mark.integration

WORKERS = 2
DRAIN_SECONDS = 8
LATE_SECONDS = 15  # what a busy machine may take to end a process

Connect = Callable[[], socket.socket]


@pytest.fixture
def routed(start_api: StartApi) -> Iterator[Routed]:
    routed = start_api(workers=WORKERS, DRAIN_SECONDS=str(DRAIN_SECONDS))
    wait_until(lambda: status(routed.api)["workers"] == WORKERS, "all workers are on the scoreboard")
    yield routed
    routed.api.stop()


def workers(routed: Routed) -> list[psutil.Process]:
    return psutil.Process(routed.api.pid).children()


def multipart_request() -> bytes:
    body = multipart(grey_jpeg())
    boundary = body.split(b"\r\n", 1)[0][2:]
    head = b"POST /predict HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=%s\r\n" % boundary
    return head + b"Content-Length: %d\r\n\r\n" % len(body) + body


def read_head(connection: socket.socket) -> tuple[int, dict[str, str]]:
    """Status and headers of one answer, whose body is read too."""
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = connection.recv(65536)
        assert chunk, "the connection ended without an answer"
        data += chunk
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    while len(body) < int(headers["content-length"]):
        body += connection.recv(65536)
    return int(first.split()[1]), headers


@pytest.fixture
def connect(routed: Routed) -> Iterator[Connect]:
    """Opens connections of clients that last as long as the test."""
    with ExitStack() as opened:
        yield lambda: opened.enter_context(dial(routed.api.url))


def dial(url: str) -> socket.socket:
    host, port = url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=30)


def predict_on(connection: socket.socket) -> tuple[int, dict[str, str]]:
    connection.sendall(multipart_request())
    return read_head(connection)


def is_last(answer: tuple[int, dict[str, str]]) -> bool:
    """Whether the connection is closed after it; every answer is a good one."""
    status, headers = answer
    assert status == 200
    return headers.get("connection") == "close"


def counted(routed: Routed, requests: int) -> Json:
    report = routed.report(requests)
    assert report["counters"]["1"]["requests"] == requests
    return report


def test_reports_are_sums_over_the_workers(routed: Routed) -> None:
    for _ in range(30):  # each on a connection of its own, so that both workers get some
        assert client.post(f"{routed.api.url}/predict", files={"image": grey_jpeg()}).status_code == 200
    report = counted(routed, 30)
    assert report["workers"] == WORKERS
    assert sum(report["counters"]["1"]["latencyBuckets"]) == 30
    assert sum(report["counters"]["1"]["classes"].values()) == 30
    line = 'inference_api_requests_total{outcome="good",version="1"} 30.0'
    assert line in client.get(f"{routed.api.inner_url}/metrics").text.splitlines()


def test_what_a_killed_worker_counted_is_kept_and_another_takes_its_place(routed: Routed) -> None:
    start_id = status(routed.api)["startId"]
    for _ in range(30):
        client.post(f"{routed.api.url}/predict", files={"image": grey_jpeg()}).raise_for_status()
    counted(routed, 30)
    before = {worker.pid for worker in workers(routed)}
    os.kill(min(before), signal.SIGKILL)
    wait_until(lambda: {worker.pid for worker in workers(routed)} - before, "gunicorn started another")
    wait_until(lambda: status(routed.api)["workers"] == WORKERS and status(routed.api)["id"], "it is on the scoreboard")
    report = counted(routed, 30)
    assert (report["startId"], report["inFlight"]) == (start_id, {})


def test_a_worker_that_ends_serves_the_connections_that_it_has(routed: Routed, connect: Connect) -> None:
    """Kept-alive connections are idle when the worker gets SIGTERM; their next requests are answered, then closed."""
    connections = [connect() for _ in range(12)]
    for connection in connections[:8]:
        assert predict_on(connection)[0] == 200
    unread = connections[8:]  # accepted, nothing sent on them yet
    for worker in workers(routed):
        worker.send_signal(signal.SIGTERM)
    for connection in [*connections[:8], *unread]:
        wait_until(partial(ask_for_the_last, connection), "the worker has begun to end")
    assert all(connection.recv(1) == b"" for connection in connections)


def ask_for_the_last(connection: socket.socket) -> bool:
    """Whether the answer closes the connection."""
    return is_last(predict_on(connection))


def test_a_worker_ends_in_time_though_a_client_keeps_its_connection(routed: Routed, connect: Connect) -> None:
    connection = connect()
    assert predict_on(connection)[0] == 200
    before = workers(routed)
    for worker in before:
        worker.send_signal(signal.SIGTERM)
    _, alive = psutil.wait_procs(before, timeout=DRAIN_SECONDS + LATE_SECONDS)
    assert not alive
    assert connection.recv(1) == b""


def test_the_inner_port_answers_until_the_last_client_is_gone(routed: Routed, connect: Connect) -> None:
    connection = connect()
    assert predict_on(connection)[0] == 200
    routed.api.signal(signal.SIGTERM)
    wait_until(lambda: refuses(routed.api.url), "no new client is accepted")
    wait_until(lambda: status(routed.api)["openConnections"] == 1, "both workers say that one client is left")
    assert is_last(predict_on(connection))
    wait_until(lambda: not routed.api.is_running(), "the process ends with its last client")


def refuses(url: str) -> bool:
    try:
        dial(url).close()
    except ConnectionRefusedError:
        return True
    return False


def test_before_the_end_of_the_pod_every_response_closes_its_connection(routed: Routed, connect: Connect) -> None:
    connection = connect()
    assert predict_on(connection)[1].get("connection") is None
    environment = os.environ | routed.api.environment
    command = [sys.executable, "-m", "inference_api.process.prestop"]
    prometheus = dial(routed.api.inner_url)  # its connection stays, and nobody waits for it
    prometheus.sendall(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n")
    assert read_head(prometheus)[0] == 200
    with prometheus, subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as prestop:
        wait_until(lambda: status(routed.api)["draining"], "the API drains")
        assert client.get(f"{routed.api.inner_url}/ready").status_code == 503
        wait_until(lambda: client.get(f"{routed.api.url}/health").headers.get("connection") == "close", "they close")
        assert prestop.poll() is None, "a connection is open"
        # The two workers read the file that says so in their own time: the one asked here may be the later one.
        wait_until(partial(ask_for_the_last, connection), "the worker of this connection has begun to end")
        assert connection.recv(1) == b""
        assert prestop.wait(timeout=4 * DRAIN_SECONDS) == 0
        assert prestop.stderr is not None and "drained, 0 connections are still open" in prestop.stderr.read()


def test_a_bad_setting_ends_the_start_with_one_line() -> None:
    environment = os.environ | {"MEDINFER_API_ROUTES_FILE": "routes.json", "MEDINFER_API_WORKERS": "some"}
    command = [sys.executable, "-m", "gunicorn", "-c", "services/api/gunicorn.conf.py", "inference_api.main:create()"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert ended.returncode != 0
    (line,) = ended.stderr.splitlines()
    assert line.startswith("inference-api: MEDINFER_API_WORKERS=some: ")


def test_log_lines_are_json(routed: Routed) -> None:
    lines = [json.loads(line) for line in routed.api.log.read_text().splitlines()]
    assert {"time", "level", "logger", "message"} <= set(lines[0])


def test_new_workers_take_over_and_nothing_is_lost(routed: Routed) -> None:
    """gunicorn's reload: SIGHUP replaces every worker."""
    before = {worker.pid for worker in workers(routed)}
    sent = 0
    os.kill(routed.api.pid, signal.SIGHUP)
    while before & {worker.pid for worker in workers(routed)}:
        assert client.post(f"{routed.api.url}/predict", files={"image": grey_jpeg()}, timeout=30).status_code == 200
        sent += 1
    wait_until(lambda: status(routed.api)["workers"] == WORKERS and status(routed.api)["id"], "the new ones are there")
    assert counted(routed, sent)["counters"]["1"]["errors"] == 0


def test_workers_do_not_outlive_gunicorn(routed: Routed) -> None:
    orphans = workers(routed)
    os.kill(routed.api.pid, signal.SIGKILL)
    _, alive = psutil.wait_procs(orphans, timeout=DRAIN_SECONDS + LATE_SECONDS)
    assert not alive
