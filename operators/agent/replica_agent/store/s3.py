"""An artifact from S3 or what speaks like it. Endpoint and credentials come from the environment, never the address."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from aiobotocore.config import AioConfig
from aiobotocore.httpsession import AIOHTTPSession
from aiobotocore.session import get_session
from botocore.exceptions import BotoCoreError
from medinfer_common.outgoing.authorities import trust
from medinfer_common.outgoing.sockets import Sockets

from replica_agent.store.body import CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS, Body
from replica_agent.store.errors import local_address
from replica_agent.store.rules import Rules

BUFFER_BYTES = 1 << 20


@contextlib.asynccontextmanager
async def open_s3(uri: str, start: int, rules: Rules) -> AsyncIterator[Body]:
    """Raises Refused, botocore's ClientError and BotoCoreError, OSError."""
    parts, sockets = urlsplit(uri), Sockets(rules.allow_local_addresses)
    wanted = {"Range": f"bytes={start}-"} if start else {}
    try:
        async with get_session().create_client("s3", config=_config(rules, sockets)) as client:
            answer = await client.get_object(Bucket=parts.netloc, Key=unquote(parts.path).lstrip("/"), **wanted)
            async with answer["Body"] as stream:
                yield Body(start, start + int(answer["ContentLength"]), _chunks(stream))
    except BotoCoreError:
        if sockets.refused is None:
            raise
        raise local_address(uri, sockets.refused) from None


def _config(rules: Rules, sockets: Sockets) -> AioConfig:
    return AioConfig(
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        read_timeout=READ_TIMEOUT_SECONDS,
        retries={"max_attempts": 1},
        connector_args={"socket_factory": sockets.open},
        http_session_cls=_session(rules.ca_file),
    )


def _session(ca_file: Path | None) -> type[AIOHTTPSession]:
    """aiobotocore's own, which adds the authorities that botocore brings along."""
    return type("Session", (AIOHTTPSession,), {"_get_ssl_context": lambda _: trust(ca_file)})


async def _chunks(stream: Any) -> AsyncIterator[bytes]:
    while chunk := await stream.read(BUFFER_BYTES):
        yield chunk
