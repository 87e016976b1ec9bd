"""The OpenAPI document of the public port.

FastAPI describes what it answers; /predict and /predict/batch bypass it and are described here.
"""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from inference_api import problems
from inference_api.imaging import formats
from inference_api.prediction.attempts import STABLE_ATTEMPTS
from inference_api.routing.contract import MAX_LABELS
from inference_api.transport.triton import MAX_BATCH_SIZE

Json = dict[str, Any]

_DESCRIPTION = "One image in, one diagnosis out. The demonstration weights are not for clinical use."

_PROBLEMS = {
    400: "The multipart body cannot be read",
    401: "The request has no key, or one that is not valid; see WWW-Authenticate. Only where authentication is on",
    403: "The client lacks the scope that the header WWW-Authenticate names. Only where authentication is on",
    408: "The upload came too slowly",
    413: "The request has too many bytes, or the image too many pixels",
    415: "The API or the model version does not read this image, or the request or its part is encoded",
    422: "There is no part `image`, it is empty, or there are too many",
    429: "The client is above its quota; see Retry-After, RateLimit-Policy and RateLimit. Only where it has one",
    502: f"The stable version failed on {STABLE_ATTEMPTS} replicas",
    503: "Too many requests are in flight, or no replica can answer; see Retry-After",
    504: "There was no answer within the deadline",
}

_SCHEMAS: Json = {
    "Diagnosis": {
        "type": "object",
        "required": ["prediction", "confidence", "latency_ms", "probabilities", "model_version"],
        "properties": {
            "prediction": {"type": "string", "description": "The most probable class or finding", "example": "Glioma"},
            "confidence": {"type": "number", "minimum": 0, "maximum": 1, "description": "Its probability"},
            "latency_ms": {"type": "number", "minimum": 0, "description": "From the end of the upload to the answer"},
            "probabilities": {
                "type": "object",
                "description": "Probability of each class",
                "additionalProperties": {"type": "number", "minimum": 0, "maximum": 1},
                "minProperties": 1,
                "maxProperties": MAX_LABELS,
            },
            "findings": {
                "type": "array",
                "description": "Only of a version that names several findings at once: those whose probability reaches "
                "their threshold",
                "items": {"type": "string"},
                "maxItems": MAX_LABELS,
            },
            "model_version": {"type": "integer", "minimum": 1, "description": "The version that answered"},
        },
    },
    "Problem": {
        "type": "object",
        "description": "RFC 9457",
        "required": ["type", "title", "status", "detail"],
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "request_id": {"type": "string"},
        },
    },
}

_REQUEST_ID = {
    "name": "X-Request-Id",
    "in": "header",
    "description": "An id of the client's. The answer repeats it as X-Client-Request-Id; it is ignored unless it has "
    "1 to 128 letters, digits, '.', '_', ':' or '-'",
    "schema": {"type": "string"},
}


_SECURITY_SCHEMES: Json = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A key of medinfer"},
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The same, in another header"},
}

# One of the two, or neither where authentication is off.
SECURITY: list[Json] = [{"bearer": []}, {"apiKey": []}, {}]

Responses = dict[int | str, dict[str, Any]]


def _problem(description: str) -> Json:
    content = {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"description": description, "content": content}


def _json(description: str, schema: Json) -> Json:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


# For FastAPI's `responses`. Its `response_model` says the same, but imports pydantic.v1: 25 ms of each start.
HEALTH: Responses = {200: _json("It is", {"type": "object", "additionalProperties": {"type": "string"}})}
_SHARE: Json = {
    "type": ["object", "null"],
    "required": ["version", "weight"],
    "properties": {
        "version": {"type": "integer", "minimum": 1},
        "weight": {"type": "number", "minimum": 0, "maximum": 100, "description": "Share of the requests, in percent"},
    },
}
STATUS: Responses = {
    200: _json(
        "The versions, and whether one is being released",
        {
            "type": "object",
            "required": ["stable", "canary", "releasing", "draining"],
            "properties": {
                "stable": _SHARE,
                "canary": _SHARE,
                "releasing": {"type": "boolean", "description": "Whether there is a canary"},
                "draining": {"type": "boolean", "description": "Whether this pod is about to end"},
            },
        },
    ),
    **{status: _problem(_PROBLEMS[status]) for status in (401, 403)},
    503: _problem("The API does not know its clients yet; see Retry-After"),
}


def describe(app: FastAPI) -> None:
    """Makes /openapi.json complete. The document is built when it is first asked for."""

    def document() -> Json:
        if app.openapi_schema is None:
            schema = get_openapi(title=app.title, version=app.version, routes=app.routes, description=_DESCRIPTION)
            schema["paths"] |= {"/predict": {"post": _predict()}, "/predict/batch": {"post": _predict_batch()}}
            components = schema.setdefault("components", {})
            components.setdefault("schemas", {}).update(_SCHEMAS)
            components["securitySchemes"] = _SECURITY_SCHEMES
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]  # the way FastAPI documents


def _predict() -> Json:
    image = {"type": "string", "format": "binary", "description": formats.listed("or")}
    return _operation("Classify one image", image, {"$ref": "#/components/schemas/Diagnosis"})


def _predict_batch() -> Json:
    images = {
        "type": "array",
        "items": {"type": "string", "format": "binary"},
        "minItems": 1,
        "maxItems": MAX_BATCH_SIZE,
        "description": f"One image in each part of this name: {formats.listed('or')}",
    }
    answers = {"type": "array", "items": {"$ref": "#/components/schemas/Diagnosis"}, "minItems": 1}
    return _operation("Classify several images by one version, in order", images, answers)


def _operation(summary: str, image: Json, answer: Json) -> Json:
    form = {"type": "object", "required": ["image"], "properties": {"image": image}}
    return {
        "summary": summary,
        "security": SECURITY,
        "parameters": [_REQUEST_ID],
        "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": form}}},
        "responses": {
            "200": {
                "description": "The diagnosis",
                "headers": {
                    name: {"schema": {"type": "string"}, "required": True}
                    for name in ("X-Model-Version", "X-Model-Digest", "X-Request-Id")
                },
                "content": {"application/json": {"schema": answer}},
            },
            **{str(status): _problem(description) for status, description in _PROBLEMS.items()},
        },
    }
