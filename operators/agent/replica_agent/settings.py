"""The agent's environment: MEDINFER_AGENT_*, read once."""

import os
import re
import shlex
import shutil
import socket
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from medinfer_common.tracing.endpoint import check_endpoint
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from replica_agent.store.errors import Refused
from replica_agent.store.rules import Rules, check_prefix

PREFIX = "MEDINFER_AGENT_"

TcpPort = Annotated[int, Field(ge=1, le=65535)]


def _check_object_name(value: str) -> str:
    if value and not re.fullmatch(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", value):
        raise ValueError("write the name of a Kubernetes object: lower-case letters, digits, '-' and '.'")
    return value


ObjectName = Annotated[str, AfterValidator(_check_object_name)]


def _check_domain(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_]+([.-][A-Za-z0-9_]+)*", value):
        raise ValueError("write domains of ONNX operators, separated by commas, for example ai.onnx.ml")
    return value


OperatorDomain = Annotated[str, AfterValidator(_check_domain)]


class Verification(StrEnum):
    """Whether bundles must be signed: nobody looks; it is told; what nobody trusted signed is not loaded."""

    OFF = "off"
    WARN = "warn"
    ENFORCE = "enforce"


class InvalidSettings(Exception):
    """A variable is missing or wrong; the message is one line that names it and what to write."""


class Settings(BaseModel):
    """A field's name is its variable's without the prefix, in lower case; docs/contracts.md describes them."""

    model_config = ConfigDict(frozen=True)

    replica: str = Field(default_factory=socket.gethostname, min_length=1)
    plan_file: Path
    plan_configmap: ObjectName = ""
    namespace: ObjectName = ""
    data_dir: Path
    address: str = "0.0.0.0"
    port: TcpPort = 8080
    triton_address: str = "127.0.0.1"
    triton_command: tuple[str, ...] = ()
    instance_kind: Literal["KIND_GPU", "KIND_CPU"] = "KIND_GPU"
    restricted_key: str = ""
    restricted_key_file: Path | None = None
    memory_limit_bytes: Annotated[int, Field(gt=0)] | None = None
    min_free_disk_bytes: Annotated[int, Field(ge=0)] = 256 << 20
    tracing_endpoint: Annotated[str, AfterValidator(check_endpoint)] = ""
    operator_domains: tuple[OperatorDomain, ...] = ()
    allowed_prefixes: tuple[str, ...] = Rules.prefixes
    allow_local_addresses: bool = False
    fetch_seconds: Annotated[float, Field(gt=0, le=86400, allow_inf_nan=False)] = Rules.timeout_seconds
    ca_file: Path | None = None
    pull_secret_file: Path | None = None
    store_authorization: str = ""
    verification: Verification = Verification.OFF
    signers_file: Annotated[Path | None, Field(validate_default=True)] = None

    @field_validator("allowed_prefixes", mode="before")
    @classmethod
    def _prefixes(cls, value: object) -> object:
        """`value`: addresses with white space between them."""
        if not isinstance(value, str):
            return value
        try:
            return tuple(map(check_prefix, value.split()))
        except Refused as refused:
            raise ValueError(str(refused)) from None

    @field_validator("store_authorization")
    @classmethod
    def _known_host(cls, value: str, info: ValidationInfo) -> str:
        """Else whoever writes a rollout could have it sent to a host of his own."""
        if value and any(prefix == "https://" for prefix in info.data.get("allowed_prefixes", ())):
            raise ValueError(f"needs a host in each https address of {PREFIX}ALLOWED_PREFIXES")
        return value

    @field_validator("signers_file")
    @classmethod
    def _knows_signers(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if value is None and info.data.get("verification", Verification.OFF) is not Verification.OFF:
            raise ValueError(
                f"is needed by {PREFIX}VERIFICATION; name the file that lists whose signatures are trusted"
            )
        return value

    @field_validator("triton_command", mode="before")
    @classmethod
    def _split_command(cls, value: object) -> object:
        return tuple(shlex.split(value)) if isinstance(value, str) else value

    @field_validator("operator_domains", mode="before")
    @classmethod
    def _split_domains(cls, value: object) -> object:
        return tuple(one.strip() for one in value.split(",")) if isinstance(value, str) else value

    @field_validator("data_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.absolute()

    @property
    def repository_dir(self) -> Path:
        """Triton's --model-repository."""
        return self.data_dir / "repository"

    @property
    def grpc_key(self) -> str:
        """What a Triton that is elsewhere wants from who controls it. Raises OSError."""
        return self.restricted_key_file.read_text().strip() if self.restricted_key_file else ""

    @property
    def rules(self) -> Rules:
        """Which stores may be asked, and how long."""
        return Rules(
            self.allowed_prefixes,
            self.allow_local_addresses,
            self.fetch_seconds,
            authorization=self.store_authorization,
            ca_file=self.ca_file,
            pull_secret_file=self.pull_secret_file,
        )


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Reads the environment, where an empty variable is one that is not set, and creates DATA_DIR.

    Raises InvalidSettings. pydantic-settings would read the same, but its import takes a tenth of a start.
    """
    variables = {name: environment.get(PREFIX + name.upper()) for name in Settings.model_fields}
    try:
        settings = Settings.model_validate({name: value for name, value in variables.items() if value})
    except ValidationError as error:
        raise InvalidSettings("; ".join(_explain(dict(problem)) for problem in error.errors())) from None
    if settings.triton_command and not shutil.which(settings.triton_command[0]):
        command = settings.triton_command[0]
        raise InvalidSettings(f"{PREFIX}TRITON_COMMAND: {command} is not a command here; name an executable")
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        (settings.data_dir / ".writable").touch()
        (settings.data_dir / ".writable").unlink()
    except OSError as error:
        raise InvalidSettings(
            f"{PREFIX}DATA_DIR: {settings.data_dir} cannot be written ({error.strerror}); name a folder that can"
        ) from None
    return settings


def _explain(problem: dict[str, object]) -> str:
    location = problem["loc"]
    name = PREFIX + (str(location[0]).upper() if isinstance(location, tuple) and location else "?")
    if problem["type"] == "missing":
        return f"{name} is not set; set it to {_EXAMPLES.get(name.removeprefix(PREFIX), 'a value')}"
    message = str(problem["msg"]).removeprefix("Value error, ")
    if name == f"{PREFIX}STORE_AUTHORIZATION":
        return f"{name}: {message}; correct or unset it"  # its value is a secret
    return f"{name}: {message}, not {str(problem['input'])[:80]!r}; correct or unset it"


_EXAMPLES = {
    "PLAN_FILE": "the path of the plan, for example /etc/medinfer/plan.json",
    "DATA_DIR": "a folder for bundles and the model repository, for example /var/lib/medinfer",
}
