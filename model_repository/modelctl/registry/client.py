"""One repository of a registry over HTTP, as the OCI distribution spec has it."""

from dataclasses import dataclass
from http.client import responses
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from requests.auth import AuthBase

from modelctl.bundle.errors import ModelctlError
from modelctl.bundle.oci import challenge
from modelctl.bundle.oci.challenge import Challenge
from modelctl.bundle.oci.docker_config import Credential
from modelctl.bundle.oci.reference import Reference
from modelctl.registry.login import PASSWORD, USER

TIMEOUT_SECONDS = (10, 300)  # to connect; without a byte


class RegistryError(ModelctlError):
    """The registry refuses, or cannot be reached. `may_pass`: asking again may help."""

    def __init__(self, message: str, may_pass: bool = False) -> None:
        super().__init__(message)
        self.may_pass = may_pass


@dataclass(frozen=True)
class Trust:
    """`ca_file`: authorities in place of the system's. `plain_http`: no TLS, and then no password either."""

    ca_file: Path | None = None
    plain_http: bool = False


class Client:
    """Logs in where the registry asks for it, and again when a token has expired."""

    def __init__(self, reference: Reference, credential: Credential | None, trust: Trust) -> None:
        self._reference, self._credential, self._trust = reference, credential, trust
        self._base = f"{'http' if trust.plain_http else 'https'}://{reference.host}/v2/{reference.repository}/"
        self._session = requests.Session()
        self._session.auth = _Header(self._base)
        self._verify = str(trust.ca_file) if trust.ca_file else True  # the session's gives way to the environment's

    def ask(self, method: str, url: str, accepted: tuple[int, ...], **sent: Any) -> requests.Response:
        """`url`: below the repository, or the address that an upload was given. Raises RegistryError."""
        target = urljoin(self._base, url)
        if urlsplit(target).scheme != urlsplit(self._base).scheme:
            raise RegistryError(f"{self._reference.host} sends the upload to another scheme than its own; correct it")
        response = self._send(method, target, **sent)
        if response.status_code == 401:
            self._session.auth = _Header(self._base, self._log_in(response))
            if hasattr(sent.get("data"), "seek"):
                sent["data"].seek(0)
            response = self._send(method, target, **sent)
        if response.status_code not in accepted:
            raise self._refused(response)
        return response

    def _send(self, method: str, url: str, **sent: Any) -> requests.Response:
        try:
            return self._session.request(
                method, url, timeout=TIMEOUT_SECONDS, allow_redirects=False, verify=self._verify, **sent
            )
        except requests.exceptions.SSLError:
            message = "its certificate is not one that this machine trusts; name its authority with --ca"
            raise RegistryError(f"{self._reference.host}: {message}") from None
        except requests.RequestException as error:
            raise RegistryError(f"{self._reference.host}: {_reason(error)}", may_pass=True) from None

    def _log_in(self, response: requests.Response) -> str:
        asked = challenge.parse([response.headers.get("WWW-Authenticate", "")])
        credential = None if self._trust.plain_http else self._credential
        if not asked.is_basic:
            return f"Bearer {self._token(asked, credential)}"
        if credential is None:
            raise self._refused(response)
        return credential.basic

    def _token(self, asked: Challenge, credential: Credential | None) -> str:
        if urlsplit(asked.realm).scheme != "https" and not self._trust.plain_http:
            raise RegistryError(f"{self._reference.host} names a realm without TLS; no password is sent there")
        query = {"scope": f"repository:{self._reference.repository}:pull,push", "service": asked.service}
        answer = self._send(
            "GET",
            asked.realm,
            params={name: value for name, value in query.items() if value},
            auth=_Header(asked.realm, credential.basic if credential else ""),
        )
        if answer.status_code != 200:
            raise self._refused(answer)
        return challenge.read_token(answer.content)

    def _refused(self, response: requests.Response) -> RegistryError:
        status = response.status_code
        message = f"{self._reference.host}: HTTP {status} {responses.get(status, '')}{_said(response)}"
        if status in (401, 403):
            message += f"; log in with docker login, or set {USER} and {PASSWORD}"
        return RegistryError(message, may_pass=status >= 500 or status in (408, 429))


class _Header(AuthBase):
    """Goes to one host alone. requests would take a password from ~/.netrc where nobody is named."""

    def __init__(self, url: str, value: str = "") -> None:
        self._origin, self._value = urlsplit(url)[:2], value

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._value and urlsplit(request.url or "")[:2] == self._origin:
            request.headers["Authorization"] = self._value
        return request


def _said(response: requests.Response) -> str:
    """The registry's own words, in few and harmless characters."""
    try:
        first = response.json()["errors"][0]
        return ascii(f": {first.get('code', '')} {first.get('message', '')}")[1:-1][:200]
    except (ValueError, KeyError, IndexError, TypeError, AttributeError):
        return ""


def _reason(error: Exception) -> str:
    return ascii(f"{type(error).__name__}: {error}")[1:-1][:300]
