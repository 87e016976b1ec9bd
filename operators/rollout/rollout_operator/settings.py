"""The operator's environment: MEDINFER_OPERATOR_*, read once."""

import socket
from pathlib import Path
from typing import Annotated, Any

from medinfer_common.tracing.endpoint import check_endpoint
from pydantic import Field, Json, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from rollout_operator.documents.floors import Floors

PREFIX = "MEDINFER_OPERATOR_"
PLACES = {"pod": "", "service": "", "namespace": "", "ip": ""}

TcpPort = Annotated[int, Field(ge=1, le=65535)]


class InvalidSettings(ValueError):
    """A variable is missing or wrong; the message is one line that names it and what to write."""


class Settings(BaseSettings):
    """Field names are the variables' names without the prefix, in lower case. docs/contracts.md has them all.

    `replica_host`: how API pods reach a Triton pod; a name outlives the pod's address. `lease_seconds`: after so long
    without a sign of life from the holder another operator takes over. `resync_seconds`: a ModelRollout is reconciled
    at least so often, also at rest: nothing else tells that somebody changed the plan or the routes.
    `approvers_configmap`, `approvers_namespace`: who may open gates; without a name, whoever may edit the spec.
    `floors`: as JSON; what every release must ask of itself at least.
    `webhook_folder`: where a Secret with `url` and `key` is mounted. `ca_file`: PEM, authorities beside the system's.
    `allow_local_addresses`: whether webhooks may have loopback and link-local addresses.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True)

    namespace: str = Field(min_length=1)
    identity: str = Field(default_factory=socket.gethostname, min_length=1)
    replica_host: str = "{pod}.{service}.{namespace}.svc"
    triton_port: TcpPort = 8000
    agent_port: TcpPort = 8080
    api_port: TcpPort = 8003
    ask_timeout_seconds: Annotated[float, Field(gt=0, le=10)] = 1.5
    lease_name: str = Field(default="medinfer-rollout-operator", min_length=1)
    lease_seconds: Annotated[int, Field(ge=3, le=60)] = 10
    resync_seconds: Annotated[float, Field(ge=1, le=10)] = 10
    approvers_configmap: str = ""
    approvers_namespace: str = ""
    floors: Json[Floors] = Field(default_factory=Floors, validate_default=False)
    webhook_folder: Path | None = None
    ca_file: Path | None = None
    allow_local_addresses: bool = False
    address: str = "0.0.0.0"
    port: TcpPort = 8080
    tracing_endpoint: str = ""

    @field_validator("tracing_endpoint")
    @classmethod
    def _collector(cls, value: str) -> str:
        return check_endpoint(value)

    @field_validator("replica_host")
    @classmethod
    def _known_places(cls, value: str) -> str:
        try:
            value.format(**PLACES)
        except (LookupError, ValueError, AttributeError, TypeError):
            raise ValueError("may only use {pod}, {service}, {namespace} and {ip}") from None
        if "{pod}" not in value and "{ip}" not in value:
            raise ValueError("must contain {pod} or {ip}, or all replicas would have one address")
        return value


def read_settings(**values: Any) -> Settings:
    """From the environment, but for what `values` gives; raises InvalidSettings."""
    try:
        return Settings(**values)
    except ValidationError as error:
        raise InvalidSettings("; ".join(_explain(dict(problem)) for problem in error.errors())) from None


def _explain(problem: dict[str, Any]) -> str:
    name = PREFIX + str(problem["loc"][0]).upper()
    if problem["type"] == "missing":
        return f"{name} is not set; set it to the namespace of the ModelRollouts"
    message = str(problem["msg"]).removeprefix("Value error, ")
    inner = "".join(f"{part}: " for part in problem["loc"][1:])
    return f"{name}: {inner}{message}, not {str(problem['input'])[:80]!r}; correct or unset it"
