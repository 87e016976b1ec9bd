"""An artifact from S3 or what speaks like it. Endpoint and credentials come from the environment, never the address."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import unquote, urlsplit

from aiobotocore.config import AioConfig
from aiobotocore.session import get_session

from replica_agent.store.body import CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS, Body
from replica_agent.store.connecting import trust
from replica_agent.store.rules import Rules

BUFFER_BYTES = 1 << 20


@contextlib.asynccontextmanager
async def open_s3(uri: str, start: int, rules: Rules) -> AsyncIterator[Body]:
    """Raises botocore's ClientError and BotoCoreError, OSError."""
    parts = urlsplit(uri)
    config = AioConfig(
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        read_timeout=READ_TIMEOUT_SECONDS,
        retries={"max_attempts": 1},
        connector_args={"ssl_context": trust(rules.ca_file)} if rules.ca_file else None,
    )
    wanted = {"Range": f"bytes={start}-"} if start else {}
    async with get_session().create_client("s3", config=config) as client:
        answer = await client.get_object(Bucket=parts.netloc, Key=unquote(parts.path).lstrip("/"), **wanted)
        async with answer["Body"] as stream:
            yield Body(start, start + int(answer["ContentLength"]), _chunks(stream))


async def _chunks(stream: Any) -> AsyncIterator[bytes]:
    while chunk := await stream.read(BUFFER_BYTES):
        yield chunk
