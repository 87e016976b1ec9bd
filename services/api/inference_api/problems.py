"""What the API answers when it cannot diagnose: RFC 9457 problem documents, each saying what to do next.

Problem
  400  malformed            the multipart body cannot be read
  400  bad_request          this is not HTTP, or its chunks are too small
  401, 403                  who asks may not; see access/refusals.py
  403  origin_not_allowed   of a preflight
  408  head_timeout, upload_too_slow
  413  too_many_bytes, too_many_pixels, too_much_memory
  415  encoded, not_multipart, not_an_image, needs_intensity
  422  no_image, empty_image, too_many_images, NotForThisModel
  421  misdirected
  429  QuotaExceeded, see quota/refusals.py
  431  head_too_large
  500  internal             a bug of the API
  502  model_failed         the stable version failed on every replica that was asked
  503  Overloaded, no_replica, audit_failed, too_many_connections (with Retry-After), not_ready
  504  deadline_passed
"""

import json
import re
from collections.abc import Mapping
from enum import StrEnum
from http import HTTPStatus

from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"


class Problem(Exception):
    """Ends a request without a diagnosis. `kind` identifies it to programs, `detail` explains it to a person."""

    def __init__(
        self, status: int, kind: str, detail: str, title: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.title = title or HTTPStatus(status).phrase
        self.detail = detail
        self.headers: Mapping[str, str] = headers or {}

    def document(self, request_id: str) -> dict[str, object]:
        """The body of the answer. `request_id` is an extension member with the value of the header X-Request-Id."""
        return {
            "type": f"urn:medinfer:problem:{self.kind}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "request_id": request_id,
        }


def response(problem: Problem, request_id: str) -> Response:
    """The HTTP answer for a problem, with X-Request-Id among its headers."""
    body = json.dumps(problem.document(request_id), ensure_ascii=False).encode()
    headers = {**problem.headers, "X-Request-Id": request_id}
    return Response(body, problem.status, headers, media_type=MEDIA_TYPE)


def malformed(reason: str) -> Problem:
    """400. `reason` is a clause without a full stop."""
    return Problem(400, "malformed", f"The multipart body cannot be read: {reason}.")


def bad_request(reason: str) -> Problem:
    """400: the bytes are not a request that is read. `reason` is a clause without a full stop."""
    return Problem(400, "bad-request", f"This is not a valid HTTP/1.1 request: {reason}.")


def head_timeout(timeout_seconds: float) -> Problem:
    """408: the request line and headers did not come in time."""
    return Problem(408, "head-timeout", f"The headers of the request did not end within {timeout_seconds:g} s. Retry.")


def misdirected() -> Problem:
    """421: the request names a host that is not ours."""
    detail = "The Host header names another host. Use a host name of this service (api.allowedHosts), or its address."
    return Problem(421, "misdirected", detail)


def head_too_large(max_bytes: int) -> Problem:
    """431: request line and headers, or trailers, exceed `max_bytes`."""
    detail = f"The URL and headers of the request are larger than {max_bytes:,} bytes. Send smaller ones."
    return Problem(431, "head-too-large", detail)


def too_many_connections(retry_after_seconds: int = 1) -> Problem:
    """503: every connection has a request under way, and there is no room for another one."""
    detail = f"Too many clients are connected. Retry in {retry_after_seconds} s."
    return Problem(503, "too-many-connections", detail, headers={"Retry-After": str(retry_after_seconds)})


def origin_not_allowed(headers: Mapping[str, str]) -> Problem:
    """403: a browser asks whether a script may send a request, and it may not."""
    detail = (
        "A script of this origin may not send this request. The setting cors_origins (MEDINFER_API_CORS_ORIGINS) lists "
        "the origins that may use the API; the methods are GET, HEAD and POST."
    )
    return Problem(403, "origin-not-allowed", detail, headers=headers)


def too_many_bytes(max_bytes: int) -> Problem:
    """413: the body exceeds `max_bytes`."""
    return Problem(413, "too-many-bytes", f"The request is larger than {max_bytes:,} bytes. Send a smaller image.")


def too_many_pixels(width: int, height: int, max_pixels: int, max_side: int) -> Problem:
    """413: the header of the image announces more than is decoded."""
    detail = (
        f"The image is {width:,} x {height:,} pixels. The limits are {max_pixels:,} pixels "
        f"and {max_side:,} on a side. Send a smaller image."
    )
    return Problem(413, "too-many-pixels", detail)


def too_much_memory(needed_bytes: int, available_bytes: int) -> Problem:
    """413: decoding this image takes more than there ever is for it."""
    detail = (
        f"Decoding this image takes {needed_bytes:,} bytes of memory; there are {available_bytes:,}. "
        f"Send a smaller image, or the same pixels as PNG or JPEG."
    )
    return Problem(413, "too-many-pixels", detail)


def upload_too_slow(bytes_per_second: int, grace_seconds: float) -> Problem:
    """408: the body came slower than this after the first seconds."""
    detail = (
        f"The upload was slower than {bytes_per_second:,} bytes a second after its first {grace_seconds:g} s. "
        "Retry over a faster connection."
    )
    return Problem(408, "upload-too-slow", detail)


def not_multipart() -> Problem:
    """415: the body has another media type."""
    detail = "Send the image as multipart/form-data, in a part named `image`."
    return Problem(415, "not-multipart", detail, headers={"Accept": "multipart/form-data"})


def encoded(what: str, encoding: bytes) -> Problem:
    """415: bytes that would have to be decoded first. `what` has the encoding, which is repeated if it is tokens."""
    named = encoding.decode() if re.fullmatch(rb"[\w.+, -]{1,64}", encoding) else "that is not known"
    detail = f"The {what} {named}. Send the bytes of the image as they are, without an encoding."
    return Problem(415, "encoded", detail, headers={"Accept-Encoding": "identity"})


def not_an_image(formats: str, reason: str) -> Problem:
    """415. `formats`: the names of those that are read; `reason`: why this file is refused, without a full stop."""
    return Problem(415, "not-an-image", f"{formats} images are read; {reason}.")


def needs_intensity() -> Problem:
    """415: the version reads 8-bit images only."""
    detail = (
        "This image is 16-bit, float or DICOM, and the model version does not say how such intensities become 8 bits "
        "(preprocessing.intensity). Send an 8-bit image, or release a version that says so."
    )
    return Problem(415, "needs-intensity", detail)


def no_image() -> Problem:
    """422."""
    detail = "The request has no part named `image`. Send the image as multipart/form-data in a part of that name."
    return Problem(422, "no-image", detail)


def empty_image() -> Problem:
    """422."""
    return Problem(422, "empty-image", "The part `image` is empty. Choose a file that has content.")


def too_many_images(max_images: int) -> Problem:
    """422: more than the endpoint takes."""
    if max_images == 1:
        detail = "The request has more than one part named `image`. Send one, or send several to /predict/batch."
    else:
        detail = f"The request has more than {max_images} parts named `image`. Send at most {max_images} at a time."
    return Problem(422, "too-many-images", detail)


class NotForThisModel(Problem):
    """422: the version takes other files. `reason` names what does not fit, but no value of the file; no full stop."""

    def __init__(self, reason: str) -> None:
        super().__init__(422, "not-for-this-model", f"The model is not for this file: {reason}.")


def model_failed(attempts: int) -> Problem:
    """502: stable failed on this many replicas."""
    detail = f"The model failed on {attempts} replicas. Retry; if this persists, contact the platform team."
    return Problem(502, "model-failed", detail)


class Full(StrEnum):
    """What there is no room in."""

    PLACES = "places"  # images in flight
    READERS = "readers"  # uploads that are being read
    MEMORY = "memory"
    CLIENT_SHARE = "client-share"  # what one client may take of readers and memory


_FULL = {
    Full.PLACES: "Too many requests are in flight.",
    Full.READERS: "Too many uploads are being received.",
    Full.MEMORY: "The memory for images is in use.",
    Full.CLIENT_SHARE: "Too many uploads of this client are being received at once.",
}


class Overloaded(Problem):
    """503: there is no room in `full` now. `needed_bytes` of memory were wanted, 0 where something else is full."""

    def __init__(self, full: Full, needed_bytes: int = 0, retry_after_seconds: int = 1) -> None:
        detail = f"{_FULL[full]} Retry in {retry_after_seconds} s."
        super().__init__(503, "overloaded", detail, headers={"Retry-After": str(retry_after_seconds)})
        self.full = full
        self.needed_bytes = needed_bytes


def no_replica(retry_after_seconds: int = 1) -> Problem:
    """503: no replica could be asked."""
    detail = f"No replica can answer now. Retry in {retry_after_seconds} s."
    return Problem(503, "no-replica", detail, headers={"Retry-After": str(retry_after_seconds)})


def audit_failed(retry_after_seconds: int = 5) -> Problem:
    """503: the answer needs a line in the audit stream, and the line cannot be written."""
    detail = (
        "The answer cannot be recorded in the audit stream, so it is not given. "
        f"Retry in {retry_after_seconds} s; if this persists, contact the platform team."
    )
    return Problem(503, "audit-failed", detail, headers={"Retry-After": str(retry_after_seconds)})


def deadline_passed(deadline_seconds: float) -> Problem:
    """504."""
    return Problem(504, "deadline-passed", f"No answer within {deadline_seconds:g} s. Retry.")


def internal() -> Problem:
    """500: a bug of the API; its log has the traceback."""
    detail = "Internal error. Retry; if this persists, report the request id to the platform team."
    return Problem(500, "internal", detail)


def not_ready(reason: str) -> Problem:
    """503 of GET /ready. `reason` is a clause without a full stop."""
    return Problem(503, "not-ready", f"Not ready: {reason}.")
