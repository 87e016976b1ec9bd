"""An OIDC issuer on loopback: its discovery document and signing keys over HTTPS, and tokens that it signs."""

import json
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from joserfc import jwt
from joserfc.jwk import ECKey

from ci.stack.certificates import Authority


class OidcIssuer:
    """Answers between `start` and `stop`, at the same address each time. `requests`: how often it was asked."""

    def __init__(self, folder: Path, address: str) -> None:
        self._authority, self._address, self._port = Authority(folder), address, 0
        self._keys = [ECKey.generate_key("P-256", {"kid": "1", "use": "sig"})]
        self._server: ThreadingHTTPServer | None = None
        self.requests = 0

    @property
    def url(self) -> str:
        """The claim `iss`."""
        return f"https://{self._address}:{self._port}"

    def entry(self, audience: str) -> dict[str, Any]:
        """This issuer in an access document."""
        return {"issuer": self.url, "audience": audience, "ca": self._authority.certificate.read_text()}

    def token(self, audience: str, valid_seconds: float = 3600, **claims: Any) -> str:
        """Signed with the newest key."""
        now = int(time.time())
        fields = {"iss": self.url, "aud": audience, "iat": now, "exp": now + valid_seconds, **claims}
        return jwt.encode({"alg": "ES256", "kid": self._keys[-1].kid}, fields, self._keys[-1])

    def rotate(self) -> None:
        """Signs with another key from now on; the earlier ones stay published."""
        self._keys.append(ECKey.generate_key("P-256", {"kid": str(len(self._keys) + 1), "use": "sig"}))

    def start(self) -> None:
        issuer = self

        class Answering(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.requests += 1
                body = json.dumps(issuer._document(self.path)).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None: ...

        server = ThreadingHTTPServer((self._address, self._port), Answering)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self._authority.issue("issuer", addresses=(self._address,)))
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self._server, self._port = server, server.server_port

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def _document(self, path: str) -> dict[str, Any]:
        if path == "/keys":
            return {"keys": [key.as_dict(private=False) for key in self._keys]}
        return {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
