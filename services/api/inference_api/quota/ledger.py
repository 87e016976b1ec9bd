"""The ledger of all processes, in Redis or Valkey: what each client spent of its minute."""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from inference_api.quota.bucket import WINDOW_SECONDS

if TYPE_CHECKING:
    from redis.asyncio import Redis

ANSWER_SECONDS = 0.05
CONNECT_SECONDS = 1.0
LIVE_SECONDS = 10  # a process that reports nothing for so long has ended
_REMEMBERED_SECONDS = 3600

# KEYS: processes, report, one for each client. ARGV: process, number of the report, then for each client what an image
# takes of its minute, and the images spent. A report that comes again, because its answer was late, counts once.
# Answers: live processes, then for each client the seconds until its minute is full, as text.
_SCRIPT = f"""
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - {LIVE_SECONDS})
local is_new = redis.call('GET', KEYS[2]) ~= ARGV[2]
redis.call('SET', KEYS[2], ARGV[2], 'EX', {_REMEMBERED_SECONDS})
local answer = {{redis.call('ZCARD', KEYS[1])}}
for i = 3, #KEYS do
  local full_at = math.max(tonumber(redis.call('GET', KEYS[i]) or 0), now)
  local spent_seconds = ARGV[2 * i - 3] * ARGV[2 * i - 2]
  if is_new and spent_seconds > 0 then
    full_at = full_at + spent_seconds
    redis.call('SET', KEYS[i], string.format('%.6f', full_at), 'EX', math.ceil(full_at - now) + {WINDOW_SECONDS})
  end
  answer[i - 1] = string.format('%.6f', full_at - now)
end
return answer
"""


@dataclass(frozen=True, slots=True)
class Report:
    """Of one process: images spent since the one before, by client; with images_per_minute. `number` grows."""

    number: int
    spent: Mapping[str, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Settlement:
    """`live`: processes that report. `full_in_seconds`: until each client's minute is full."""

    live: int
    full_in_seconds: Mapping[str, float]


class LedgerAway(Exception):
    """It did not answer in time, or refused."""


class Ledger(Protocol):
    """Where processes settle what they spent."""

    async def settle(self, report: Report) -> Settlement:
        """Raises LedgerAway; the same report may then be sent again."""
        ...

    async def close(self) -> None:
        """Ends the connection."""
        ...


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """`url`: redis:// or rediss://, without a password. The files are read for each connection, if they are there."""

    url: str
    password_file: Path | None = None
    ca_file: Path | None = None
    prefix: str = "medinfer"


class RedisLedger:
    """One connection, made when it is needed. `process` names this process among all."""

    def __init__(self, address: RedisAddress, process: str) -> None:
        self._address, self._process = address, process
        # In braces: Redis Cluster keeps all of them on one node, as the script needs it.
        self._prefix = f"{{{address.prefix}}}"
        self._redis: Redis | None = None

    async def settle(self, report: Report) -> Settlement:
        """Raises LedgerAway."""
        keys = [f"{self._prefix}:processes", f"{self._prefix}:report:{self._process}"]
        arguments: list[str | int | float] = [self._process, report.number]
        for name, (spent, images_per_minute) in report.spent.items():
            keys.append(f"{self._prefix}:client:{name}")
            arguments += [WINDOW_SECONDS / images_per_minute, spent]
        live, *full_in_seconds = await self._run(keys, arguments)
        return Settlement(int(live), dict(zip(report.spent, map(float, full_in_seconds), strict=True)))

    async def close(self) -> None:
        """Ends the connection."""
        if self._redis is not None:
            redis, self._redis = self._redis, None
            with contextlib.suppress(Exception):  # it is of no use any more, whatever it says
                async with asyncio.timeout(CONNECT_SECONDS):
                    await redis.aclose()

    async def _run(self, keys: list[str], arguments: list[str | int | float]) -> Any:
        from redis.exceptions import RedisError

        try:
            if self._redis is None:
                self._redis = await asyncio.to_thread(self._make)
                async with asyncio.timeout(CONNECT_SECONDS):
                    await self._redis.ping()
            async with asyncio.timeout(ANSWER_SECONDS):
                return await self._redis.eval(_SCRIPT, len(keys), *keys, *arguments)
        except (RedisError, OSError, TimeoutError, ValueError) as error:
            await self.close()
            raise LedgerAway(str(error) or type(error).__name__) from error

    def _make(self) -> "Redis":
        """Importing the client takes a while: this runs on a thread. Raises OSError, ValueError."""
        from redis.asyncio import Redis
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff

        address = self._address
        password_file, ca_file = (
            file if file and file.exists() else None for file in (address.password_file, address.ca_file)
        )
        is_tls = address.url.startswith("rediss:")
        tls: dict[str, Any] = {"ssl_ca_certs": str(ca_file)} if is_tls and ca_file else {}
        password = password_file.read_text().strip() if password_file else None
        return Redis.from_url(
            address.url, password=password, single_connection_client=True, retry=Retry(NoBackoff(), 0), **tls
        )
