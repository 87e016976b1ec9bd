"""The settings of the API, read once, at the start, from the variables MEDINFER_API_*."""

import ipaddress
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from medinfer_common.tracing.endpoint import check_endpoint
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)

PREFIX = "MEDINFER_API_"


def _check_object_name(value: str) -> str:
    if value and not re.fullmatch(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", value):
        raise ValueError("must be the name of a Kubernetes object: lower-case letters, digits, '-' and '.'")
    return value


def _split(value: object) -> object:
    return tuple(filter(None, (member.strip() for member in value.split(",")))) if isinstance(value, str) else value


def _check_host(value: str) -> str:
    if not re.fullmatch(r"(\*\.)?[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*", value):
        raise ValueError("must be host names without port, separated by commas, for example a.example.org,*.b.example")
    return value


def _check_replica_host(value: str) -> str:
    try:
        return str(ipaddress.ip_network(value))
    except ValueError:
        return _check_host(value).lower()


def _parse_network(value: object) -> object:
    try:
        network = ipaddress.ip_network(str(value))
    except ValueError:
        raise ValueError("must be address ranges separated by commas, for example 10.0.3.0/24,2001:db8::/64") from None
    if network.prefixlen == 0:
        raise ValueError("must not hold all addresses: clients could then say who they are")
    return network


ObjectName = Annotated[str, AfterValidator(_check_object_name)]


class InvalidSettings(ValueError):
    """An environment variable is missing or invalid. The text names it and says what to write."""


class Settings(BaseModel):
    """What the environment says; docs/contracts.md describes each field. Times in seconds, sizes in bytes."""

    model_config = ConfigDict(frozen=True)

    routes_file: Path
    routes_configmap: ObjectName = ""
    namespace: ObjectName = ""
    bind: str = "127.0.0.1:8002"
    inner_bind: Annotated[str, Field(validate_default=True)] = "127.0.0.1:8003"
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    runtime_dir: Path | None = None
    access_file: Path | None = None
    deadline_seconds: Annotated[float, Field(gt=0, le=600, allow_inf_nan=False)] = 10
    max_in_flight: Annotated[int, Field(ge=1, le=100_000)] = 128
    max_upload_bytes: Annotated[int, Field(ge=1024)] = 20 * 1024 * 1024
    max_pixels: Annotated[int, Field(ge=1)] = 40_000_000
    memory_budget_bytes: Annotated[int, Field(ge=16 * 1024 * 1024, validate_default=True)] = 576 * 1024 * 1024
    max_connections: Annotated[int, Field(ge=8, le=100_000)] = 1000
    max_head_bytes: Annotated[int, Field(ge=4096, le=1024 * 1024)] = 32 * 1024
    head_timeout_seconds: Annotated[float, Field(gt=0, le=600, allow_inf_nan=False)] = 5
    first_byte_timeout_seconds: Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)] = 20
    allowed_hosts: Annotated[tuple[Annotated[str, AfterValidator(_check_host)], ...], BeforeValidator(_split)] = ()
    replica_hosts: Annotated[
        tuple[Annotated[str, AfterValidator(_check_replica_host)], ...], BeforeValidator(_split)
    ] = ()
    trusted_proxies: Annotated[
        tuple[Annotated[ipaddress.IPv4Network | ipaddress.IPv6Network, BeforeValidator(_parse_network)], ...],
        BeforeValidator(_split),
    ] = ()
    max_pods: Annotated[int, Field(ge=1, le=10_000)] = 1
    ca_file: Path | None = None
    redis_url: str = ""
    redis_password_file: Path | None = None
    redis_ca_file: Path | None = None
    redis_prefix: str = "medinfer"
    urgent_reserve_percent: Annotated[int, Field(ge=0, le=90)] = 25
    agent_port: Annotated[int, Field(ge=1, le=65535)] = 8080
    drain_seconds: Annotated[float, Field(ge=0, le=3600, allow_inf_nan=False)] = 10
    log_requests: bool = False
    cors_origins: tuple[str, ...] = ()
    audit_mode: Literal["off", "besteffort", "required"] = "off"
    audit_file: Path | None = None
    audit_key_file: Annotated[Path | None, Field(validate_default=True)] = None
    tracing_endpoint: str = ""
    tracing_ratio: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0.01
    tracing_max_per_second: Annotated[int, Field(ge=1, le=100_000)] = 50

    @field_validator("tracing_endpoint")
    @classmethod
    def _collector(cls, value: str) -> str:
        return check_endpoint(value)

    @field_validator("audit_key_file")
    @classmethod
    def _key_for_audit(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if value is None and info.data.get("audit_mode", "off") != "off":
            raise ValueError("must be the path of the audit stream's key, or set MEDINFER_API_AUDIT_MODE=off")
        return value

    @field_validator("redis_url")
    @classmethod
    def _redis_without_password(cls, value: str) -> str:
        if value and not re.fullmatch(
            r"rediss?://([A-Za-z0-9._-]+@)?(\[[0-9a-fA-F:]+\]|[^:/@\s]+)(:\d{1,5})?(/\d+)?", value
        ):
            raise ValueError("must be redis://host:6379/0, or rediss:// for TLS, and without a password")
        return value

    @field_validator("memory_budget_bytes")
    @classmethod
    def _room_for_a_body(cls, value: int, info: ValidationInfo) -> int:
        least = 4 * info.data.get("max_upload_bytes", 0)
        if value < least:
            raise ValueError(
                f"must be at least {least}, four times {PREFIX}MAX_UPLOAD_BYTES: one client gets a quarter of it"
            )
        return value

    @field_validator("bind", "inner_bind")
    @classmethod
    def _host_and_port(cls, value: str) -> str:
        if not re.fullmatch(r"(\[[0-9a-fA-F:]+\]|[^:\s]+):[1-9]\d{0,4}", value):
            raise ValueError("must be host:port, for example 0.0.0.0:8002")
        return value

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _origins(cls, value: str) -> tuple[str, ...]:
        """`value`: origins with white space or commas between them."""
        origins = tuple(value.replace(",", " ").split())
        if not all(re.fullmatch(r"https?://([a-z0-9.-]+|\[[0-9a-f:]+\])(:\d{1,5})?", origin) for origin in origins):
            raise ValueError("must be origins as browsers send them, for example https://viewer.example.org, no path")
        return origins

    @field_validator("inner_bind")
    @classmethod
    def _other_port(cls, value: str, info: ValidationInfo) -> str:
        """The port of a connection is all that tells the two apart."""
        if _port(value) == _port(info.data.get("bind", ":0")):
            raise ValueError(f"must have another port than {PREFIX}BIND, for example {_port(value) + 1}")
        return value

    @property
    def public_port(self) -> int:
        """The port of `bind`."""
        return _port(self.bind)

    @property
    def inner_port(self) -> int:
        """The port of `inner_bind`."""
        return _port(self.inner_bind)

    @property
    def has_audit_on_stdout(self) -> bool:
        """Whether standard output is for lines of the audit stream alone."""
        return self.audit_mode != "off" and self.audit_file is None


def _port(bind: str) -> int:
    return int(bind.rpartition(":")[2])


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Reads the environment. Raises InvalidSettings with one sentence for each variable that is wrong.

    pydantic-settings would do the same, but importing it takes a tenth of a second of each start.
    """
    variables = {name: PREFIX + name.upper() for name in Settings.model_fields}
    values = {name: environment[variable] for name, variable in variables.items() if variable in environment}
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise InvalidSettings("; ".join(_sentence(problem) for problem in error.errors())) from None


def _sentence(problem: object) -> str:
    assert isinstance(problem, dict)
    variable = PREFIX + str(problem["loc"][0]).upper()
    if problem["type"] == "missing":
        return f"{variable} is not set: set it to the path of the routes document"
    message = str(problem["msg"]).removeprefix("Value error, ")
    return f"{variable}={problem['input']!s}: {message[0].lower()}{message[1:]}"
