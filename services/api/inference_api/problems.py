"""What the API answers when it cannot diagnose: RFC 9457 problem documents, each saying what to do next.

Problem
  400  malformed            the multipart body cannot be read
  413  too_many_bytes, too_many_pixels
  415  not_multipart, not_an_image, needs_intensity
  422  no_image, empty_image, too_many_images
  502  model_failed         the stable version failed on two replicas
  503  overloaded, no_replica (with Retry-After)
  504  deadline_passed
"""

import json
from collections.abc import Mapping
from http import HTTPStatus

from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"


class Problem(Exception):
    """A request that ends without a diagnosis; `kind` is the machine's word, `detail` the sentence for a person."""

    def __init__(
        self, status: int, kind: str, detail: str, title: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.title = title or HTTPStatus(status).phrase
        self.detail = detail
        self.headers: Mapping[str, str] = headers or {}

    def document(self, request_id: str) -> dict[str, str | int]:
        """The body of the answer; `request_id` is an extension member, the same as the header's."""
        return {
            "type": f"urn:medinfer:problem:{self.kind}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "request_id": request_id,
        }


def response(problem: Problem, request_id: str) -> Response:
    """The HTTP answer for a problem; X-Request-Id is set here too, so that no error leaves without one."""
    body = json.dumps(problem.document(request_id), ensure_ascii=False).encode()
    headers = {**problem.headers, "X-Request-Id": request_id}
    return Response(body, problem.status, headers, media_type=MEDIA_TYPE)


def malformed(reason: str) -> Problem:
    return Problem(400, "malformed", f"The multipart body cannot be read: {reason}.")


def too_many_bytes(max_bytes: int) -> Problem:
    detail = f"The request is larger than {max_bytes:,} bytes; send a smaller image."
    return Problem(413, "too-many-bytes", detail)


def too_many_pixels(width: int, height: int, max_pixels: int, max_side: int) -> Problem:
    detail = (
        f"The image is {width:,} x {height:,} pixels; at most {max_pixels:,} pixels "
        f"and {max_side:,} on a side are read. Send a smaller image."
    )
    return Problem(413, "too-many-pixels", detail)


def not_multipart() -> Problem:
    detail = "Send the image as multipart/form-data, in a part named `image`."
    return Problem(415, "not-multipart", detail, headers={"Accept": "multipart/form-data"})


def not_an_image(reason: str = "this is none of them") -> Problem:
    detail = f"JPEG, PNG, WebP, BMP, TIFF and DICOM images are read; {reason}."
    return Problem(415, "not-an-image", detail)


def needs_intensity() -> Problem:
    detail = (
        "This image is 16-bit, float or DICOM, and the model version does not say how such intensities become 8 bits "
        "(preprocessing.intensity). Send an 8-bit image, or release a version that says so."
    )
    return Problem(415, "needs-intensity", detail)


def no_image() -> Problem:
    detail = "The request holds no part named `image`; send the image as multipart/form-data in a part of that name."
    return Problem(422, "no-image", detail)


def empty_image() -> Problem:
    return Problem(422, "empty-image", "The part `image` is empty; choose a file that has content.")


def too_many_images(max_images: int) -> Problem:
    if max_images == 1:
        detail = "The request holds more than one part named `image`; send one, or several to /predict/batch."
    else:
        detail = f"The request holds more than {max_images} parts named `image`; send at most {max_images} at a time."
    return Problem(422, "too-many-images", detail)


def model_failed() -> Problem:
    detail = "The model failed on two replicas; try again, and tell the platform's engineers if it stays so."
    return Problem(502, "model-failed", detail)


def overloaded(retry_after_seconds: int = 1) -> Problem:
    detail = f"Too many requests are in flight; try again in {retry_after_seconds} s."
    return Problem(503, "overloaded", detail, headers={"Retry-After": str(retry_after_seconds)})


def no_replica(retry_after_seconds: int = 1) -> Problem:
    detail = f"No replica can answer at the moment; try again in {retry_after_seconds} s."
    return Problem(503, "no-replica", detail, headers={"Retry-After": str(retry_after_seconds)})


def deadline_passed(deadline_seconds: float) -> Problem:
    return Problem(504, "deadline-passed", f"No answer within {deadline_seconds:g} s; try again.")
