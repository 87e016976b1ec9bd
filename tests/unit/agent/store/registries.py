"""A registry that answers as a test says, over HTTPS or plain HTTP, and remembers what it was asked."""

import http.server
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from modelctl.bundle.oci import artifact
from modelctl.bundle.oci.artifact import Layer, digest_of

from ci.stack.certificates import Authority

BUNDLE = b"bundle" * 1000
DIGEST = digest_of(BUNDLE)
MANIFEST = artifact.build(Layer(DIGEST, len(BUNDLE)), "m-2.tar", 2)

Headers: TypeAlias = dict[str, str | None]
Answer: TypeAlias = tuple[int, Headers, bytes]


@dataclass
class Asked:
    path: str
    authorization: str | None


@dataclass
class StrangeRegistry:
    """`answers`: by path, what each request in turn gets; the last one again and again. Others get the bundle."""

    host: str
    authority: Path
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    @property
    def blob(self) -> str:
        return f"/v2/models/m/blobs/{DIGEST}"

    @property
    def manifest(self) -> str:
        return f"/v2/models/m/manifests/{digest_of(MANIFEST)}"

    def uri(self, manifest: bytes = MANIFEST) -> str:
        return f"oci://{self.host}/models/m@{digest_of(manifest)}"

    def serve(self, manifest: bytes) -> str:
        """Has this manifest too; returns its address."""
        self.answers[f"/v2/models/m/manifests/{digest_of(manifest)}"] = [(200, {}, manifest)]
        return self.uri(manifest)

    def answer(self, path: str, authorization: str | None) -> Answer:
        self.asked.append(Asked(path, authorization))
        whole: dict[str, list[Answer]] = {
            self.blob: [(200, {}, BUNDLE)],
            self.manifest: [(200, {}, MANIFEST)],
        }
        answers = (whole | self.answers).get(path.partition("?")[0], [(404, {}, b"")])
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def passwords(self, path: str) -> list[str | None]:
        """The header Authorization of each request there."""
        return [one.authorization for one in self.asked if one.path.partition("?")[0] == path]


@contextmanager
def strange_registry(authority: Authority, address: str = "127.0.0.1", tls: bool = True) -> Iterator[StrangeRegistry]:
    """Its certificate is signed by `authority`."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = registry.answer(self.path, self.headers.get("Authorization"))
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(body))} | headers).items():
                if value is not None:
                    self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    with http.server.ThreadingHTTPServer((address, 0), Handler) as server:
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*authority.issue(address, addresses=(address,)))
            server.socket = context.wrap_socket(server.socket, server_side=True)
        registry = StrangeRegistry(f"{address}:{server.server_port}", authority.certificate)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield registry
        finally:
            server.shutdown()
            thread.join()
