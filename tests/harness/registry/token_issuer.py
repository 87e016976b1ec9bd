"""A realm: gives tokens for repositories to who knows the password, as the distribution spec has it."""

import base64
import json
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey

from ci.stack.certificates import Authority

SERVICE, ISSUER = "registry", "issuer"
LEEWAY_SECONDS = 60  # distribution takes an expired token for as long


class TokenIssuer:
    """`asked`: the scope of each request that was let in. `seconds`: how long the next tokens hold, then an hour."""

    def __init__(self, folder: Path, address: str, authority: Authority, user: str, password: str) -> None:
        self._key = ECKey.generate_key("P-256", {"kid": "1", "use": "sig", "alg": "ES256"})
        self._keys = folder / "jwks.json"
        self._keys.write_text(json.dumps({"keys": [self._key.as_dict(private=False)]}))
        self._login = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        self.asked: list[str] = []
        self.refused = 0
        self.seconds: list[float] = []
        self._server = self._serve(address, authority)
        self.url = f"https://{address}:{self._server.server_port}/token"

    def settings(self) -> dict[str, Any]:
        """For the registry that trusts these tokens."""
        options = {"realm": self.url, "service": SERVICE, "issuer": ISSUER, "jwks": str(self._keys)}
        return {"auth": {"token": options | {"signingalgorithms": ["ES256"]}}}

    def answer(self, path: str, login: str | None) -> tuple[int, bytes]:
        if login != self._login:
            self.refused += 1
            return 401, b"{}"
        (scope,) = parse_qs(urlsplit(path).query)["scope"]
        self.asked.append(scope)
        kind, name, actions = scope.split(":")
        now = int(time.time())
        ends = now + 3600 if not self.seconds else time.time() + self.seconds.pop(0) - LEEWAY_SECONDS
        access = [{"type": kind, "name": name, "actions": actions.split(",")}]
        claims = {
            "iss": ISSUER,
            "aud": SERVICE,
            "sub": "",
            "iat": now,
            "nbf": now - 120,
            "exp": int(ends),
            "jti": str(now),
        }
        token = jwt.encode({"alg": "ES256", "kid": self._key.kid}, claims | {"access": access}, self._key)
        return 200, json.dumps({"token": token}).encode()

    def _serve(self, address: str, authority: Authority) -> ThreadingHTTPServer:
        issuer = self

        class Answering(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = issuer.answer(self.path, self.headers.get("Authorization"))
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None: ...

        server = ThreadingHTTPServer((address, 0), Answering)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*authority.issue(f"realm-{address}", addresses=(address,)))
        server.socket = context.wrap_socket(server.socket, server_side=True)
        return server

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
