"""What a hostile store or rollout tries against the agent, each by a real server on loopback."""

import contextlib
import hashlib
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from replica_agent.store.download import download
from replica_agent.store.errors import Refused, StoreError
from replica_agent.store.rules import Rules

OPEN = Rules(("http://",), allow_local_addresses=True, timeout_seconds=20, max_bytes=4096)
CONTENT = b"bundle"
DIGEST = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nbundle"


class Server:
    """Answers every request with `pieces`, the last of them without end if `endless`; remembers the requests."""

    def __init__(self, pieces: list[bytes], endless: bool = False, pause_seconds: float = 0) -> None:
        self.pieces, self.endless, self.pause_seconds = pieces, endless, pause_seconds
        self.requests: list[str] = []
        self.sent_bytes = 0
        self.ended = threading.Event()

    def answer(self, connection: socket.socket) -> None:
        self.requests.append(connection.recv(65536).decode())
        for piece in self.pieces:
            connection.sendall(piece)
        while self.endless and not self.ended.wait(self.pause_seconds):
            connection.sendall(self.pieces[-1])
            self.sent_bytes += len(self.pieces[-1])


@contextmanager
def serving(server: Server, address: str = "127.0.0.1") -> Iterator[str]:
    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError):  # the agent hangs up, as it should
                server.answer(self.request)

    class Threads(socketserver.ThreadingTCPServer):
        daemon_threads = True
        address_family = socket.AF_INET6 if ":" in address else socket.AF_INET

    with Threads((address, 0), Handler) as threads:
        thread = threading.Thread(target=threads.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            host = f"[{address}]" if ":" in address else address
            yield f"http://{host}:{threads.server_address[1]}"
        finally:
            server.ended.set()
            threads.shutdown()
            thread.join()


def fetch(uri: str, tmp_path: Path, rules: Rules = OPEN) -> str:
    return download(uri, tmp_path / "target", lambda received, total: None, rules, DIGEST)


def redirect(to: str) -> bytes:
    return f"HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0x7f000001", "0.0.0.0", "[::ffff:127.0.0.1]"])
def test_a_loopback_address_is_not_connected_to_however_it_is_written(host: str, tmp_path: Path) -> None:
    server = Server([WHOLE])
    with serving(server) as url:
        uri = url.replace("127.0.0.1", host) + "/m.tar"
        assert fetch(uri, tmp_path) == DIGEST
        with pytest.raises(Refused, match="a loopback or link-local address"):
            fetch(uri, tmp_path, replace(OPEN, allow_local_addresses=False))
    assert len(server.requests) == 1


def test_an_endpoint_of_s3_has_no_loopback_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    server, rules = Server([WHOLE]), replace(OPEN, prefixes=("s3://",))
    with serving(server) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        assert fetch("s3://bundles/m.tar", tmp_path, rules) == DIGEST
        with pytest.raises(Refused, match=r"s3://bundles/m.tar: leads to 127.0.0.1, a loopback or link-local address"):
            fetch("s3://bundles/m.tar", tmp_path, replace(rules, allow_local_addresses=False))
    assert len(server.requests) == 1


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0"])
def test_another_way_to_write_an_address_is_no_address(host: str, tmp_path: Path) -> None:
    server = Server([WHOLE])
    with serving(server) as url, pytest.raises(StoreError):
        fetch(url.replace("127.0.0.1", host) + "/m.tar", tmp_path)
    assert not server.requests


def test_a_redirect_leads_nowhere_that_the_settings_do_not_allow(tmp_path: Path) -> None:
    inner = Server([WHOLE])
    with serving(inner, "127.0.0.2") as secret, serving(Server([redirect(f"{secret}/admin")])) as store:
        assert fetch(f"{store}/m.tar", tmp_path) == DIGEST
        with pytest.raises(Refused, match="is under none of the allowed addresses"):
            fetch(f"{store}/m.tar", tmp_path, replace(OPEN, prefixes=(f"{store}/",)))
    assert len(inner.requests) == 1


def test_a_redirect_to_a_file_is_not_followed(tmp_path: Path) -> None:
    with serving(Server([redirect("file:///etc/passwd")])) as store, pytest.raises(StoreError):
        fetch(f"{store}/m.tar", tmp_path)


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n", id="announced"),
        pytest.param(
            b"HTTP/1.1 206 Partial\r\nContent-Range: bytes 0-4999999/5000000\r\nContent-Length: 5000000\r\n\r\n",
            id="206",
        ),
        pytest.param(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", id="without-a-size"),
        pytest.param(b"HTTP/1.1 206 Partial\r\nConnection: close\r\n\r\n", id="206-without-a-size"),
    ],
)
def test_a_source_without_end_is_left_at_the_most_that_a_bundle_has(head: bytes, tmp_path: Path) -> None:
    server = Server([head, b"x" * 1024], endless=True)
    with serving(server) as store, pytest.raises(Refused, match="no bundle has more than 4096"):
        fetch(f"{store}/m.tar", tmp_path)
    assert (tmp_path / "target").stat().st_size <= 4096
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n", id="body"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX-Header: ", id="head"),
    ],
)
def test_a_trickle_ends_with_the_time_for_the_whole(head: bytes, tmp_path: Path) -> None:
    took_too_long = pytest.raises(StoreError, match=r"took longer than 0.5 s; mend the store")
    with serving(Server([head, b"x"], endless=True, pause_seconds=0.05)) as store, took_too_long:
        fetch(f"{store}/m.tar", tmp_path, replace(OPEN, timeout_seconds=0.5))


def test_what_a_redirect_holds_is_not_told(tmp_path: Path) -> None:
    for to in ("http://user:tiger@127.0.0.1:9/x?sig=tiger", "ftp://tiger@h/?tiger", "http://[tiger/"):
        with serving(Server([redirect(to)])) as store, pytest.raises(StoreError) as failed:
            fetch(f"{store}/m.tar", tmp_path, replace(OPEN, prefixes=(f"{store}/",)))
        assert "tiger" not in str(failed.value)


def test_what_a_server_that_speaks_no_http_says_is_not_told(tmp_path: Path) -> None:
    with serving(Server([b"220 tiger ESMTP\r\n\r\n"])) as store, pytest.raises(StoreError) as failed:
        fetch(f"{store}/m.tar", tmp_path)
    assert "tiger" not in str(failed.value)
