"""The audit stream as the endpoints see it."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Protocol

from inference_api import problems
from inference_api.audit import entries
from inference_api.audit.entries import Asked, Diagnosis
from inference_api.audit.pseudonyms import Pseudonyms
from inference_api.audit.writer import Entry, Writer
from inference_api.problems import Problem
from inference_api.routing.document import Routes

WRITE_SECONDS = 2.0


class Audited(Protocol):
    """One accepted request, until it is answered."""

    async def answered(self, diagnosis: Diagnosis, routes: Routes, latency_seconds: float) -> None:
        """Call it before the answer is sent. Raises Problem (503) when the line is required and cannot be written."""


class AuditStream(Protocol):
    """`is_on`: whether anything is written, so that the caller can save what only the stream needs."""

    is_on: bool

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def ask(
        self, request_id: str, client: str, study: bytes | None, images: Sequence[bytes]
    ) -> AbstractContextManager[Audited | None]: ...


class Off:
    """There is no stream."""

    is_on = False

    def start(self) -> None: ...
    def stop(self) -> None: ...

    def ask(
        self, request_id: str, client: str, study: bytes | None, images: Sequence[bytes]
    ) -> AbstractContextManager[Audited | None]:
        """None instead of a line."""
        return nullcontext()


OFF = Off()


class Audit:
    """One line for each accepted request, whether it was answered or not.

    `now`: seconds since 1970; `is_required`: an answer is not given without its line.
    """

    is_on = True

    def __init__(self, pseudonyms: Pseudonyms, writer: Writer, now: Callable[[], float], *, is_required: bool) -> None:
        self._pseudonyms, self._writer, self._now, self._is_required = pseudonyms, writer, now, is_required

    def start(self) -> None:
        """Call it on the event loop."""
        self._writer.start()

    def stop(self) -> None:
        """Writes what waits."""
        self._writer.stop(WRITE_SECONDS)

    @contextmanager
    def ask(self, request_id: str, client: str, study: bytes | None, images: Sequence[bytes]) -> Iterator[Audited]:
        """While the block runs the request is worked on: an error that leaves it is written as the outcome.

        `study` and `images` are written as pseudonyms only; `client` is empty where nobody is asked who he is.
        """
        of_study = self._pseudonyms.of_study(study) if study else None
        of_images = tuple(map(self._pseudonyms.of_image, images))
        asked, began = Asked(request_id, client or None, of_study, of_images), self._now()
        try:
            yield _Request(self, asked)
        except Problem as problem:
            self._writer.submit(entries.refused(asked, problem.kind, self._now(), self._now() - began))
            raise
        except Exception:
            self._writer.submit(entries.refused(asked, problems.internal().kind, self._now(), self._now() - began))
            raise

    async def answered(self, asked: Asked, diagnosis: Diagnosis, routes: Routes, latency_seconds: float) -> None:
        """Writes the line, or leaves it to the writer where it is not required. Raises Problem (503)."""
        entry = entries.answered(asked, diagnosis, routes, self._now(), latency_seconds)
        if not self._is_required:
            self._writer.submit(entry)
        elif not await self._is_written(entry):
            raise problems.audit_failed()

    async def _is_written(self, entry: Entry) -> bool:
        try:
            async with asyncio.timeout(WRITE_SECONDS):
                return await self._writer.write(entry)
        except TimeoutError:
            return False


class _Request:
    def __init__(self, audit: Audit, asked: Asked) -> None:
        self._audit, self._asked = audit, asked

    async def answered(self, diagnosis: Diagnosis, routes: Routes, latency_seconds: float) -> None:
        await self._audit.answered(self._asked, diagnosis, routes, latency_seconds)
