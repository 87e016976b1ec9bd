"""Posts one notice once: to a checked address, with trusted authorities, signed where the receiver has a key."""

import asyncio
import json
import secrets
import ssl
import time
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from medinfer_common.outgoing.authorities import trust
from medinfer_common.outgoing.sockets import Sockets

from rollout_operator.documents.codec import Json
from rollout_operator.edge.receiver import InvalidReceiver, Receiver, read_receiver
from rollout_operator.edge.signature import headers

TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True)
class Notice:
    """Its id tells a receiver that a second try is no second notice."""

    content: Json
    id: str = field(default_factory=lambda: f"msg_{secrets.token_hex(16)}")


@dataclass(frozen=True)
class Poster:
    """`folder`: the mounted Secret with address and keys; None without one. `ca_file`: as for `trust`."""

    folder: Path | None = None
    ca_file: Path | None = None
    allow_local_addresses: bool = False

    async def post(self, url: str, notice: Notice) -> str | None:
        """To `url`, or to the Secret's address if that is empty. None: accepted; else why not, without the address.

        A refusal (4xx) is no final word: webhooks behind a proxy give these while they restart.
        """
        try:
            receiver = self._receiver(url)
            return await self._send(receiver, notice)
        except InvalidReceiver as error:
            return str(error)

    def _receiver(self, url: str) -> Receiver:
        if url:
            return Receiver(url)
        if self.folder is None:
            raise InvalidReceiver("no Secret names a receiver")
        return read_receiver(self.folder)

    async def _send(self, receiver: Receiver, notice: Notice) -> str | None:
        body = json.dumps(notice.content).encode()
        signed = headers(receiver.keys, notice.id, int(time.time()), body)
        sockets = Sockets(self.allow_local_addresses)
        try:
            async with (
                _session(sockets, await self._authorities(receiver.url)) as session,
                session.post(receiver.url, data=body, headers=signed, allow_redirects=False) as response,
            ):
                return None if response.status < 300 else f"status {response.status}"
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return _describe(error, sockets.refused)

    async def _authorities(self, url: str) -> ssl.SSLContext | bool:
        """Read for each notice over https, so that other authorities need no restart."""
        return await asyncio.to_thread(trust, self.ca_file) if url.startswith("https:") else True


def _session(sockets: Sockets, authorities: ssl.SSLContext | bool) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(socket_factory=sockets.open, ssl=authorities, force_close=True),
        timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS),
        cookie_jar=aiohttp.DummyCookieJar(),
    )


def _describe(error: Exception, refused: str | None) -> str:
    """What an exception says may name the address, and with it a secret."""
    if refused:
        return (
            f"it leads to {refused}, a loopback or link-local address; name a receiver that has an address of its own"
        )
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return (
            "its certificate is not one that the operator trusts; if an authority of your own signed it, put its "
            "certificate into the ConfigMap that caConfigMapName names"
        )
    if isinstance(error, aiohttp.InvalidURL):
        return "the address cannot be read; correct it"
    return f"{type(error).__name__}: {getattr(error, 'strerror', None) or 'no answer'}"
