"""The webhook: each transition as JSON, in order and with retries. Nothing waits for it."""

import asyncio
import logging
from typing import Self

import aiohttp

from rollout_operator.documents.codec import Json

MAX_QUEUE = 100
MAX_ATTEMPTS = 6
BACKOFF_SECONDS = 1.0
TIMEOUT_SECONDS = 10.0

log = logging.getLogger(__name__)


class Notifier:
    """Posts notices: one queue and one worker for each address, so that a dead address delays no other."""

    def __init__(self, backoff_seconds: float = BACKOFF_SECONDS) -> None:
        self._backoff_seconds = backoff_seconds
        self._queues: dict[str, asyncio.Queue[Json]] = {}
        self._workers: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_SECONDS))
        return self

    async def __aexit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        await self._session.close()

    def notify(self, url: str, notice: Json) -> None:
        """Returns at once. When the queue is full the notice is dropped, and the log says so."""
        if url not in self._queues:
            self._queues[url] = asyncio.Queue(MAX_QUEUE)
            self._workers.append(asyncio.create_task(self._work(url, self._queues[url])))
        try:
            self._queues[url].put_nowait(notice)
        except asyncio.QueueFull:
            log.warning("webhook notice dropped: the queue is full", extra={"reason": notice.get("reason")})

    async def _work(self, url: str, queue: asyncio.Queue[Json]) -> None:
        while True:
            notice = await queue.get()
            if problem := await self._post_with_retries(url, notice):
                log.warning(
                    "webhook notice dropped: every attempt failed",
                    extra={"reason": notice.get("reason"), "error": problem},
                )

    async def _post_with_retries(self, url: str, notice: Json) -> str | None:
        for attempt in range(1, MAX_ATTEMPTS):
            if await self._post(url, notice) is None:
                return None
            await asyncio.sleep(self._backoff_seconds * 2 ** (attempt - 1))
        return await self._post(url, notice)

    async def _post(self, url: str, notice: Json) -> str | None:
        """None: accepted. A refusal (4xx) is tried again: webhooks behind a proxy give these while they restart."""
        try:
            async with self._session.post(url, json=notice, allow_redirects=False) as response:
                return None if response.status < 300 else f"status {response.status}"
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return f"{type(error).__name__}: {error}"
