"""A realm: gives tokens for repositories to who knows the password, as the distribution spec has it."""

import base64
import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey

from ci.stack.certificates import Authority
from tests.harness.small_server import SmallServer

SERVICE, ISSUER = "registry", "issuer"
LEEWAY_SECONDS = 60  # distribution takes an expired token for as long


class TokenIssuer(SmallServer):
    """`asked`: the scope of each request that was let in. `seconds`: how long the next tokens hold, then an hour."""

    def __init__(self, folder: Path, address: str, authority: Authority, user: str, password: str) -> None:
        super().__init__(address, authority)
        self._key = ECKey.generate_key("P-256", {"kid": "1", "use": "sig", "alg": "ES256"})
        self._keys = folder / "jwks.json"
        self._keys.write_text(json.dumps({"keys": [self._key.as_dict(private=False)]}))
        self._login = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        self.asked: list[str] = []
        self.refused = 0
        self.seconds: list[float] = []

    def settings(self) -> dict[str, Any]:
        """For the registry that trusts these tokens."""
        options = {"realm": f"{self.url}/token", "service": SERVICE, "issuer": ISSUER, "jwks": str(self._keys)}
        return {"auth": {"token": options | {"signingalgorithms": ["ES256"]}}}

    def answer(self, path: str, authorization: str | None) -> tuple[int, bytes]:
        if authorization != self._login:
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
