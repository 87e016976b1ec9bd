"""The webhook: each transition as JSON, in order and with retries. Nothing waits for it."""

import asyncio
import logging
from typing import Self

from rollout_operator.documents.codec import Json
from rollout_operator.edge.posting import Notice, Poster
from rollout_operator.edge.receiver import InvalidReceiver, read_receiver

MAX_QUEUE = 100
MAX_ATTEMPTS = 6
BACKOFF_SECONDS = 1.0
_SECRET = ""  # stands for the Secret's address, which may change

log = logging.getLogger(__name__)


class Notifier:
    """Posts notices: one queue and one worker for each receiver, so that a dead address delays no other."""

    def __init__(self, poster: Poster, backoff_seconds: float = BACKOFF_SECONDS) -> None:
        self._poster, self._backoff_seconds = poster, backoff_seconds
        self._queues: dict[str, asyncio.Queue[Notice]] = {}
        self._workers: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        if self._poster.folder is not None:
            try:
                read_receiver(self._poster.folder)
            except InvalidReceiver as error:
                log.error("webhook notices will be dropped: %s", error)
        return self

    async def __aexit__(self, *_: object) -> None:
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)

    def notify(self, url: str, notice: Json) -> None:
        """To `url`, unless that is empty, and to the Secret's receiver, if there is one.

        Returns at once. When a queue is full the notice is dropped, and the log says so.
        """
        if url:
            self._put(url, Notice(notice))
        if self._poster.folder is not None:
            self._put(_SECRET, Notice(notice))

    def _put(self, url: str, notice: Notice) -> None:
        if url not in self._queues:
            self._queues[url] = asyncio.Queue(MAX_QUEUE)
            self._workers.append(asyncio.create_task(self._work(url, self._queues[url])))
        try:
            self._queues[url].put_nowait(notice)
        except asyncio.QueueFull:
            log.warning("webhook notice dropped: the queue is full", extra=_said_of(url, notice))

    async def _work(self, url: str, queue: asyncio.Queue[Notice]) -> None:
        while True:
            notice = await queue.get()
            if problem := await self._post_with_retries(url, notice):
                extra = _said_of(url, notice) | {"error": problem}
                log.warning("webhook notice dropped: every attempt failed", extra=extra)

    async def _post_with_retries(self, url: str, notice: Notice) -> str | None:
        for attempt in range(1, MAX_ATTEMPTS):
            if await self._poster.post(url, notice) is None:
                return None
            await asyncio.sleep(self._backoff_seconds * 2 ** (attempt - 1))
        return await self._poster.post(url, notice)


def _said_of(url: str, notice: Notice) -> dict[str, object]:
    """For the log; an address may be secret."""
    named = "spec.notify.url" if url else "operator.webhook.secretName"
    return {"reason": notice.content.get("reason"), "receiver": named}
