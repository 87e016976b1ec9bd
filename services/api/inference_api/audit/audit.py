"""The audit stream as the endpoints see it: who gets a line of it, and what happens when it cannot be written."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial

from inference_api import problems
from inference_api.audit import entries
from inference_api.audit.entries import Asked, Diagnosis
from inference_api.audit.pseudonyms import Pseudonyms
from inference_api.audit.writer import Entry, Writer
from inference_api.problems import Problem
from inference_api.routing.document import Routes

WRITE_SECONDS = 2.0
INLINE_BYTES = 2**20  # hashed on the event loop, in a millisecond or two


class Audit:
    """One line for each accepted request, whether it was answered or not.

    `now`: seconds since 1970; `is_required`: a request is not answered without its line.
    """

    def __init__(self, pseudonyms: Pseudonyms, writer: Writer, now: Callable[[], float], *, is_required: bool) -> None:
        self.pseudonyms, self.now = pseudonyms, now
        self._writer, self._is_required = writer, is_required

    def start(self) -> None:
        """Call it on the event loop."""
        self._writer.start()

    async def stop(self) -> None:
        """Writes what waits."""
        await self._writer.stop(WRITE_SECONDS)

    def accept(self, request_id: str, client: str, images: Sequence[bytes]) -> "Accepted":
        """A request that is worked on from now. `client` is empty where nobody is asked who he is."""
        return Accepted(self, request_id, client, images)

    async def write(self, entry: Entry) -> None:
        """Returns once the line is written, or at once where it is not required. Raises Problem (503)."""
        if not self._is_required:
            self._writer.submit(entry)
        elif not await self._writer.write(entry, WRITE_SECONDS):
            raise problems.audit_failed()


class Accepted:
    """One accepted request. Call `answered` or `refused`, one of them, before its client hears of it.

    `study` is set once it is known. Study and images are written as pseudonyms only. Both methods raise Problem (503)
    when the line is required and cannot be written.
    """

    def __init__(self, audit: Audit, request_id: str, client: str, images: Sequence[bytes]) -> None:
        self.study: bytes | None = None
        self._audit, self._request_id, self._client, self._images = audit, request_id, client, images
        self._began = audit.now()

    async def answered(self, diagnosis: Diagnosis, routes: Routes, latency_seconds: float) -> None:
        """The client is about to get this diagnosis."""
        asked = await self._asked()
        await self._audit.write(partial(entries.answered, asked, diagnosis, routes, self._audit.now(), latency_seconds))

    async def refused(self, error: Exception) -> None:
        """The client is about to get this problem, or `internal` for what is none."""
        kind = error.kind if isinstance(error, Problem) else problems.internal().kind
        now = self._audit.now()
        await self._audit.write(partial(entries.refused, await self._asked(), kind, now, now - self._began))

    async def _asked(self) -> Asked:
        pseudonyms, images = self._audit.pseudonyms, self._images
        of_study = pseudonyms.of_study(self.study) if self.study else None
        is_small = sum(map(len, images)) <= INLINE_BYTES
        of_images = pseudonyms.of_images(images) if is_small else await asyncio.to_thread(pseudonyms.of_images, images)
        return Asked(self._request_id, self._client or None, of_study, of_images)
