"""One repository of a registry, and the login that it asks for: a password (Basic), or a token for one (Bearer)."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import aiohttp
from modelctl.bundle.oci import challenge, docker_config
from modelctl.bundle.oci.challenge import MAX_TOKEN_ANSWER_BYTES, Challenge
from modelctl.bundle.oci.docker_config import Credential
from modelctl.bundle.oci.errors import InvalidArtifact
from modelctl.bundle.oci.reference import Reference
from yarl import URL

from replica_agent.store.errors import Refused
from replica_agent.store.http import MAX_REDIRECTS, read_all
from replica_agent.store.redaction import redact

MAX_ERROR_BYTES = 64 << 10

_LOGIN_REFUSED = (401, 403)


class Registry:
    """`base`: the repository's address, https://HOST/v2/REPOSITORY/. `pull_secret_file` is read when a login is asked.

    A password leaves over https alone: to the registry itself if it asks for Basic, and to the realm that it names if
    it asks for Bearer. aiohttp drops the header when a redirect leaves the registry.
    """

    def __init__(
        self, session: aiohttp.ClientSession, base: URL, reference: Reference, pull_secret_file: Path | None
    ) -> None:
        self._session, self._base, self._reference = session, base, reference
        self._pull_secret_file = pull_secret_file
        self._authorization: dict[str, str] = {}

    @contextlib.asynccontextmanager
    async def get(self, path: str, headers: Mapping[str, str]) -> AsyncIterator[aiohttp.ClientResponse]:
        """`path`: below the repository. Logs in once where the registry asks for it.

        Raises Refused when it still refuses then; InvalidArtifact, aiohttp.ClientError, OSError.
        """
        response = await self._ask(path, headers)
        if response.status == 401 and response.url.origin() == self._base.origin():
            await read_all(response, MAX_ERROR_BYTES)
            self._authorization = {"Authorization": await self._log_in(response)}
            response = await self._ask(path, headers)
        async with response:
            if response.status >= 400:
                await read_all(response, MAX_ERROR_BYTES)  # else the connection could not be used on
            if response.status in _LOGIN_REFUSED and response.url.origin() == self._base.origin():
                raise Refused(f"the registry refuses (HTTP {response.status}); {self._mend()}")
            response.raise_for_status()
            yield response

    async def _ask(self, path: str, headers: Mapping[str, str]) -> aiohttp.ClientResponse:
        sent = {"Accept-Encoding": "identity", **headers, **self._authorization}
        url = self._base.joinpath(*path.split("/"))
        return await self._session.get(url, headers=sent, max_redirects=MAX_REDIRECTS, raise_for_status=False)

    async def _log_in(self, response: aiohttp.ClientResponse) -> str:
        """The header Authorization."""
        asked = challenge.parse(response.headers.getall("WWW-Authenticate", []))
        credential = self._credential()
        if not asked.is_basic:
            return f"Bearer {await self._token(asked, credential)}"
        if credential is None:
            raise Refused(f"the registry asks for a password; {self._mend()}")
        return credential.basic

    async def _token(self, asked: Challenge, credential: Credential | None) -> str:
        """For reading this repository, whatever scope the registry names."""
        query = {"scope": f"repository:{self._reference.repository}:pull"}
        query |= {"service": asked.service} if asked.service else {}
        headers = {"Authorization": credential.basic} if credential else {}
        url = _realm(asked).update_query(query)
        async with self._session.get(url, headers=headers, allow_redirects=False, raise_for_status=False) as answer:
            if answer.status in _LOGIN_REFUSED:
                raise Refused(f"{redact(asked.realm)} gives no token (HTTP {answer.status}); {self._mend()}")
            answer.raise_for_status()
            return challenge.read_token(await read_all(answer, MAX_TOKEN_ANSWER_BYTES))

    def _credential(self) -> Credential | None:
        """Read anew each time: the kubelet updates the file when the Secret changes."""
        if self._pull_secret_file is None or self._base.scheme != "https":
            return None
        return docker_config.find(self._pull_secret_file.read_bytes(), self._reference)

    def _mend(self) -> str:
        return f"give the Secret of triton.agent.pullSecretName an entry for {self._reference.host} that may pull there"


def _realm(asked: Challenge) -> URL:
    try:
        realm = URL(asked.realm)
    except ValueError:
        realm = URL()
    if realm.scheme not in ("http", "https") or not realm.host or realm.user or realm.fragment:
        raise InvalidArtifact("the registry names a realm that is no address of https")
    return realm
