"""POST /predict and POST /predict/batch, as plain ASGI: images in, a diagnosis out."""

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from inference_api import problems, request_ids
from inference_api.imaging import dicom
from inference_api.prediction import answers, multipart
from inference_api.prediction.dispatch import Dispatcher, Outcome
from inference_api.prediction.shadow import Shadow
from inference_api.prediction.uploads import Decoder, Upload
from inference_api.problems import Problem
from inference_api.routing.counters import Result
from inference_api.routing.document import Routes, Version
from inference_api.routing.replicas import ReplicaState
from inference_api.routing.traffic import Traffic
from inference_api.transport.triton import MAX_BATCH_SIZE

_INTERNAL = Problem(500, "internal", "The API failed on this request; tell the operator the request id.")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one request: bytes of its body, seconds from its first byte to its answer."""

    max_upload_bytes: int
    deadline_seconds: float
    log_requests: bool


class Predict:
    """The endpoint; `max_images` is 1 for /predict. A request takes as many places in flight as it may have images."""

    def __init__(
        self,
        limits: Limits,
        traffic: Traffic,
        decoder: Decoder,
        dispatcher: Dispatcher,
        shadow: Shadow,
        max_images: int,
    ) -> None:
        self._limits = limits
        self._traffic = traffic
        self._decoder = decoder
        self._dispatcher = dispatcher
        self._shadow = shadow
        self._max_images = max_images
        self._places = min(max_images, traffic.max_in_flight)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = request_ids.of(scope)
        traffic = self._traffic
        if traffic.admitted + self._places > traffic.max_in_flight:
            traffic.events["shed"] += 1
            await problems.response(problems.overloaded(), request_id)(scope, receive, send)
            return
        traffic.admitted += self._places
        try:
            await self._answer(Request(scope, receive), request_id, send)
        except Problem as problem:
            await self._refuse(problem, request_id)(scope, receive, send)
        except Exception:
            log.exception("a request failed by a fault of this API", extra={"request_id": request_id})
            await self._refuse(_INTERNAL, request_id)(scope, receive, send)
        finally:
            traffic.admitted -= self._places

    async def _answer(self, request: Request, request_id: str, send: Send) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._limits.deadline_seconds
        files = await self._read(request, deadline)
        started = time.perf_counter()
        routes = self._traffic.routes
        if routes is None:
            raise problems.no_replica()
        upload = self._decoder.upload(files)
        outcome = await self._dispatch(upload, routes, _key(request.scope, routes, files), deadline, started)
        latency_seconds = time.perf_counter() - started
        body = answers.body(outcome.answers, latency_seconds, batch=self._max_images > 1)
        await _send(send, outcome, request_id, body)
        if outcome.version is not routes.stable.version or not self._shadow.take(upload, routes, outcome.answers):
            upload.close()
        if self._limits.log_requests:
            _log(outcome, request_id, latency_seconds)

    async def _read(self, request: Request, deadline: float) -> list[bytes]:
        try:
            async with asyncio.timeout_at(deadline):
                return await multipart.read_images(request, self._limits.max_upload_bytes, self._max_images)
        except TimeoutError:
            raise problems.deadline_passed(self._limits.deadline_seconds) from None

    async def _dispatch(self, upload: Upload, routes: Routes, key: bytes, deadline: float, started: float) -> Outcome:
        """Prepares and asks, and counts what came of it for the version that was chosen."""
        traffic = self._traffic
        canary = traffic.choose_canary(routes, key)
        addressed = routes.versions if canary else (routes.stable.version,)
        traffic.begin(addressed)
        try:
            await self._prepare(upload, addressed[-1], routes, deadline)
            if canary is not None:  # preparing a large image takes a while: the canary may be suspended by now
                canary = traffic.choose_canary(routes, key)
            return await self._ask(upload, routes, canary, deadline, started)
        finally:
            traffic.end(addressed)

    async def _prepare(self, upload: Upload, version: Version, routes: Routes, deadline: float) -> None:
        """Refuses bad input before any attempt; what only the canary does not read is left to stable."""
        try:
            async with contextlib.nullcontext() if upload.in_place else asyncio.timeout_at(deadline):
                await upload.request_for(version)
        except TimeoutError:
            raise problems.deadline_passed(self._limits.deadline_seconds) from None
        except Problem:
            if version is routes.stable.version:
                raise

    async def _ask(
        self, upload: Upload, routes: Routes, canary: ReplicaState | None, deadline: float, started: float
    ) -> Outcome:
        traffic = self._traffic
        chosen = routes.canary.version if canary and routes.canary else routes.stable.version
        try:
            outcome = await self._dispatcher.dispatch(upload, routes, canary, traffic.containment, deadline)
        except Problem as problem:
            if problem.status >= 500:
                traffic.count(chosen, Result.FAILED)
            raise
        latency_seconds = time.perf_counter() - started
        labels = [item.label for item in outcome.answers]
        traffic.count(chosen, outcome.result, latency_seconds, labels)
        return outcome

    def _refuse(self, problem: Problem, request_id: str) -> Response:
        self._traffic.events[f"refused:{problem.kind}"] += 1
        level = logging.ERROR if problem.status >= 500 else logging.INFO
        details = {"request_id": request_id, "status": problem.status, "kind": problem.kind}
        log.log(level, "request refused", extra=details)
        return problems.response(problem, request_id)


def make_predict(
    limits: Limits, traffic: Traffic, decoder: Decoder, dispatcher: Dispatcher, shadow: Shadow
) -> tuple[Predict, Predict]:
    """The endpoints of /predict and /predict/batch."""
    return (
        Predict(limits, traffic, decoder, dispatcher, shadow, 1),
        Predict(limits, traffic, decoder, dispatcher, shadow, MAX_BATCH_SIZE),
    )


def _key(scope: Scope, routes: Routes, files: Sequence[bytes]) -> bytes:
    """What the assignment hangs on: the header, else the study of the first DICOM file that has one, else chance."""
    if routes.canary is None:
        return b""
    header = routes.header.lower().encode()
    for name, value in scope["headers"]:
        if name == header and value:
            return bytes(value)
    studies = (dicom.study_uid(file) for file in files)
    study = next((study for study in studies if study), None)
    return study.encode() if study else random.randbytes(8)


def _log(outcome: Outcome, request_id: str, latency_seconds: float) -> None:
    details = {
        "request_id": request_id,
        "status": 200,
        "version": outcome.version.number,
        "replica": outcome.replica,
        "latency_ms": round(latency_seconds * 1000, 2),
    }
    log.info("request answered", extra=details)


async def _send(send: Send, outcome: Outcome, request_id: str, body: bytes) -> None:
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"x-model-version", str(outcome.version.number).encode()),
        (b"x-model-digest", outcome.version.digest.encode()),
        (b"x-request-id", request_id.encode()),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
