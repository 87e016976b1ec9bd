"""Stores that agents fetch from: moto's S3 server, and an HTTP server that cuts, stalls or knows no ranges."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3  # type: ignore[import-untyped]
import httpx
from moto.server import ThreadedMotoServer

BUCKET = "bundles"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "eu-central-1"}


@dataclass
class HttpStore:
    """Serves `content` by path. `cuts`: how many bytes each of the first answers gives before it breaks off."""

    url: str
    content: dict[str, bytes] = field(default_factory=dict)
    ranges: bool = True
    cuts: list[int] = field(default_factory=list)
    status: int = 200
    requests: list[str] = field(default_factory=list)


@contextmanager
def http_store(address: str = "127.0.31.3", port: int = 0) -> Iterator[HttpStore]:
    """Up until the block ends."""
    server = ThreadingHTTPServer((address, port), _Handler)
    store = HttpStore(f"http://{address}:{server.server_port}")
    server.store = store  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield store
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, with_body: bool) -> None:
        store: HttpStore = self.server.store  # type: ignore[attr-defined]
        body = store.content.get(self.path)
        wanted = self.headers.get("Range") if store.ranges else None
        if with_body:
            store.requests.append(wanted or "whole")
        status = store.status if store.status != 200 else 404 if body is None else 206 if wanted else 200
        body = body if body is not None and status < 400 else b""
        start, end = _parse_range(wanted, len(body)) if wanted and status == 206 else (0, len(body))
        self.send_response(status)
        self.send_header("Content-Length", str(end - start))
        if status == 206:
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(body)}")
        self.end_headers()
        if with_body:
            self._send(store, body[start:end])

    def _send(self, store: HttpStore, part: bytes) -> None:
        cut = store.cuts.pop(0) if store.cuts and part else None
        self.wfile.write(part if cut is None else part[:cut])
        if cut is not None:
            self.close_connection = True


def _parse_range(header: str, length: int) -> tuple[int, int]:
    start, _, last = header.removeprefix("bytes=").partition("-")
    return int(start), min(length, int(last) + 1 if last else length)


@dataclass(frozen=True)
class S3Store:
    """`environment`: what a process needs to reach it."""

    endpoint: str
    environment: dict[str, str]
    client: Any

    def put(self, key: str, body: bytes) -> str:
        self.client.put_object(Bucket=BUCKET, Key=key, Body=body)
        return f"s3://{BUCKET}/{key}"


@contextmanager
def s3_store(address: str = "127.0.31.4", port: int = 9000) -> Iterator[S3Store]:
    """moto's server with one empty bucket."""
    server = ThreadedMotoServer(ip_address=address, port=port, verbose=False)
    server.start()
    endpoint = f"http://{address}:{port}"
    httpx.post(f"{endpoint}/moto-api/reset").raise_for_status()  # moto's state outlives its servers
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        region_name=CREDENTIALS["AWS_DEFAULT_REGION"],
    )
    client.create_bucket(
        Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": CREDENTIALS["AWS_DEFAULT_REGION"]}
    )
    try:
        yield S3Store(endpoint, CREDENTIALS | {"AWS_ENDPOINT_URL": endpoint}, client)
    finally:
        client.close()
        server.stop()
