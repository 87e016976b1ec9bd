"""POST /predict and POST /predict/batch, as plain ASGI: images in, a diagnosis out."""

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from inference_api import problems, request_ids
from inference_api.access import clients
from inference_api.access.clients import Client
from inference_api.audit.audit import Audit
from inference_api.audit.entries import Diagnosis
from inference_api.imaging import formats
from inference_api.imaging.dicom.reader import study_uid
from inference_api.prediction import answers, multipart, shares
from inference_api.prediction.admission import Admission
from inference_api.prediction.attempt import described
from inference_api.prediction.body import Body
from inference_api.prediction.dispatch import Dispatched, Dispatcher
from inference_api.prediction.memory_budget import BodyMemory
from inference_api.prediction.shadow import Shadow
from inference_api.prediction.uploads import Decoder, Upload
from inference_api.problems import NotForThisModel, Overloaded, Problem
from inference_api.process.measurements import Measurements, Stage
from inference_api.process.sampled_log import SampledLog
from inference_api.routing.canary_route import CanaryRoute
from inference_api.routing.counters import Result
from inference_api.routing.document import Routes, Version
from inference_api.routing.exemplars import Exemplar
from inference_api.routing.traffic import Traffic
from inference_api.tracing import trace as traces
from inference_api.tracing.trace import Trace

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one request: the bytes of its body, and the seconds from its first byte to its answer."""

    max_upload_bytes: int
    deadline_seconds: float
    log_requests: bool


class Predict:
    """The endpoint. `max_images` is 1 for /predict. `refusals`: where a line about a refused request goes.

    `audit` gets a line for each accepted request; None: there is no audit stream.
    """

    def __init__(
        self,
        limits: Limits,
        refusals: SampledLog,
        admission: Admission,
        traffic: Traffic,
        decoder: Decoder,
        dispatcher: Dispatcher,
        shadow: Shadow,
        max_images: int,
        measurements: Measurements,
        audit: Audit | None = None,
    ) -> None:
        self._limits = limits
        self._refusals = refusals
        self._admission = admission
        self._traffic = traffic
        self._decoder = decoder
        self._dispatcher = dispatcher
        self._shadow = shadow
        self._measurements = measurements
        self._audit = audit
        self.max_images = max_images

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = request_ids.of(scope)
        try:
            await self._read_and_answer(scope, receive, request_id, send)
        except Problem as problem:
            await self._refuse(problem, request_id, clients.of(scope), traces.of(scope))(scope, receive, send)
        except Exception:
            trace = traces.of(scope)
            log.exception("internal error on a request", extra={"request_id": request_id, **traces.named(trace)})
            await self._refuse(problems.internal(), request_id, clients.of(scope), trace)(scope, receive, send)

    async def _read_and_answer(self, scope: Scope, receive: Receive, request_id: str, send: Send) -> None:
        deadline = asyncio.get_running_loop().time() + self._limits.deadline_seconds
        share = shares.of(scope)
        client = clients.of(scope)
        self._admission.limiter.check(client)
        memory = self._admission.body(share)
        try:
            with self._admission.reading(share), traces.stage(traces.of(scope), "receive"):
                files = await self._read(scope, receive, memory, deadline)
            with self._admission.working(len(files), client):
                await self._answer(scope, files, client, memory, deadline, request_id, send)
        except BaseException:  # cancelled, too: else whoever answered gave the memory back, or the shadow will
            memory.close()
            raise

    async def _answer(
        self,
        scope: Scope,
        files: list[bytes],
        client: Client,
        memory: BodyMemory,
        deadline: float,
        request_id: str,
        send: Send,
    ) -> None:
        started = time.perf_counter()
        trace = traces.of(scope)
        for file in files:
            self._measurements.note_upload(formats.name(file), len(file))
        accepted = self._audit.accept(request_id, client.name, files) if self._audit else None
        try:
            routes = self._traffic.routes
            if routes is None:
                raise problems.no_replica()
            with traces.stage(trace, "choose"):
                study = await self._study(scope, routes, files, client)
                canary = self._choose(routes, client, study)
            if accepted is not None:
                accepted.study = study
            upload = self._decoder.upload(files, memory, trace)
            dispatched = await self._dispatch(upload, routes, client, canary, deadline, started)
            answered = time.perf_counter()
            latency_seconds = answered - started
            body = answers.body(dispatched.answers, latency_seconds, batch=self.max_images > 1)
        except Exception as error:
            if accepted is not None:
                await accepted.refused(error)
            raise
        with traces.stage(trace, "answer"):
            if accepted is not None:
                await accepted.answered(_diagnosis(dispatched), routes, latency_seconds)
            await _send(send, dispatched, request_id, body, self._admission.limiter.headers(client))
        if trace is not None:
            self._note(trace, dispatched, routes, client, latency_seconds)
        self._measurements.note_stage(Stage.ANSWER, time.perf_counter() - answered)
        may_shadow = client.canary and client.evidence and dispatched.version is routes.stable.version
        if not may_shadow or not self._shadow.take(upload, routes, dispatched.answers):
            upload.close()
        if self._limits.log_requests:
            _log(dispatched, request_id, client, trace, latency_seconds)

    def _note(
        self, trace: Trace, dispatched: Dispatched, routes: Routes, client: Client, latency_seconds: float
    ) -> None:
        """Who answered. A fallback is kept, whether or not it was sampled."""
        answered = described(routes.model, dispatched.version, dispatched.replica, dispatched.role)
        trace.root.attributes = answered | _of_client(client)
        if dispatched.result is not Result.GOOD:
            trace.keep()
        elif trace.is_sampled:
            self._traffic.note_exemplar(dispatched.version, Exemplar(trace.id, latency_seconds, time.time()))

    async def _read(self, scope: Scope, receive: Receive, memory: BodyMemory, deadline: float) -> list[bytes]:
        max_bytes = self._limits.max_upload_bytes
        body = Body(scope, receive, memory, max_bytes)
        try:
            reading = multipart.read_images(scope, body.receive, max_bytes, self.max_images)
            return await body.in_time(reading, deadline)
        except TimeoutError:
            raise problems.deadline_passed(self._limits.deadline_seconds) from None

    async def _study(self, scope: Scope, routes: Routes, files: Sequence[bytes], client: Client) -> bytes | None:
        """What the header names, else the study of the first DICOM file; None, too, where nothing depends on it."""
        if self._audit is None and (routes.canary is None or not client.canary):
            return None
        header = routes.header.lower().encode()
        for name, value in scope["headers"]:
            if name == header and value:
                return bytes(value)
        await self._decoder.wait_for_dicom(files)
        studies = (study_uid(file) for file in files)
        study = next((study for study in studies if study), None)
        return study.encode() if study else None

    def _choose(self, routes: Routes, client: Client, study: bytes | None) -> CanaryRoute | None:
        if not client.canary:
            return None
        return self._traffic.assign(routes, study or random.randbytes(8), evidence=client.evidence)

    async def _dispatch(
        self,
        upload: Upload,
        routes: Routes,
        client: Client,
        canary: CanaryRoute | None,
        deadline: float,
        started: float,
    ) -> Dispatched:
        """Prepares the images, has them answered, and counts the result for the version that was chosen."""
        traffic = self._traffic
        addressed = routes.versions if canary else (routes.stable.version,)
        traffic.begin(addressed)
        began = time.perf_counter()
        try:
            with traces.stage(upload.trace, "decode"):
                is_for_it = await self._prepare(upload, addressed[-1], routes, deadline)
            prepared = time.perf_counter()
            self._measurements.note_stage(Stage.QUEUE, prepared - began - upload.decode_seconds)
            self._measurements.note_stage(Stage.DECODE, upload.decode_seconds)
            if canary is not None:  # it may be suspended by now: preparing a large image takes a while
                canary = traffic.choose_canary(routes, evidence=client.evidence) if is_for_it else None
            dispatched = await self._ask(upload, routes, client, canary, deadline, started)
            self._measurements.note_stage(Stage.TRITON, time.perf_counter() - prepared)
            return dispatched
        finally:
            traffic.end(addressed)

    async def _prepare(self, upload: Upload, version: Version, routes: Routes, deadline: float) -> bool:
        """Refuses bad input before any attempt. Images that only the canary does not read are left to stable.

        False when the version, which is the canary, is not for these images: then it is as if it had not been chosen.
        """
        try:
            async with contextlib.nullcontext() if upload.in_place else asyncio.timeout_at(deadline):
                await upload.prepare(version)
        except TimeoutError:
            raise problems.deadline_passed(self._limits.deadline_seconds) from None
        except Problem as problem:
            if version is routes.stable.version or isinstance(problem, Overloaded):
                raise
            return not isinstance(problem, NotForThisModel)
        return True

    async def _ask(
        self,
        upload: Upload,
        routes: Routes,
        client: Client,
        canary: CanaryRoute | None,
        deadline: float,
        started: float,
    ) -> Dispatched:
        traffic = self._traffic
        chosen = canary.version if canary else routes.stable.version
        try:
            dispatched = await self._dispatcher.dispatch(upload, routes, canary, deadline)
        except Problem as problem:
            if problem.status >= 500 and not isinstance(problem, Overloaded):
                traffic.count(chosen, Result.FAILED, evidence=client.evidence)
            raise
        latency_seconds = time.perf_counter() - started
        for item in dispatched.answers:
            self._measurements.note_confidence(item.version.number, item.probabilities[item.class_index])
        labels = [label for item in dispatched.answers for label in item.named]
        traffic.count(chosen, dispatched.result, latency_seconds, labels, evidence=client.evidence)
        return dispatched

    def _refuse(self, problem: Problem, request_id: str, client: Client, trace: Trace | None) -> Response:
        self._traffic.note_refusal(problem.kind)
        if trace is not None:
            trace.root.error = problem.kind
            trace.root.attributes = _of_client(client)
        if isinstance(problem, Overloaded):
            self._traffic.note_shed(problem.full)
        level = logging.ERROR if problem.status >= 500 else logging.INFO
        details = {
            "request_id": request_id,
            "status": problem.status,
            "kind": problem.kind,
            **_named(client),
            **traces.named(trace),
        }
        self._refusals.write("request refused", details, problem.kind, level)
        return problems.response(problem, request_id)


def _diagnosis(dispatched: Dispatched) -> Diagnosis:
    given = dispatched.answers
    classes, probabilities = [one.label for one in given], [one.probabilities for one in given]
    findings = [one.named for one in given] if dispatched.version.contract.thresholds else ()
    return Diagnosis(dispatched.version, dispatched.replica, dispatched.role, classes, probabilities, findings)


def _of_client(client: Client) -> dict[str, str | int]:
    return {"medinfer.client": client.name} if client.name else {}


def _log(dispatched: Dispatched, request_id: str, client: Client, trace: Trace | None, latency_seconds: float) -> None:
    details = {
        "request_id": request_id,
        "status": 200,
        "version": dispatched.version.number,
        "replica": dispatched.replica,
        "latency_ms": round(latency_seconds * 1000, 2),
        **_named(client),
        **traces.named(trace),
    }
    log.info("request answered", extra=details)


def _named(client: Client) -> dict[str, str]:
    return {"client": client.name} if client.name else {}


async def _send(
    send: Send, dispatched: Dispatched, request_id: str, body: bytes, more: Sequence[tuple[bytes, bytes]]
) -> None:
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"x-model-version", str(dispatched.version.number).encode()),
        (b"x-model-digest", dispatched.version.digest.encode()),
        (b"x-request-id", request_id.encode()),
        *more,
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
