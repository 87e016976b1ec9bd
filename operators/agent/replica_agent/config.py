"""The canonical model config: text on disk, JSON for a load. Only the version policy differs between loads."""

from google.protobuf import json_format, text_format
from modelctl.bundle import config as bundle_config
from modelctl.bundle import config_fields
from modelctl.bundle.errors import InvalidBundle
from tritonclient.grpc.model_config_pb2 import ModelConfig as ModelConfig
from tritonclient.grpc.model_config_pb2 import ModelInstanceGroup

from replica_agent.config_message import as_message, without_defaults

SERVER_ID = "medinfer_server_id"  # no backend reads it


def parse_config(text: str, instance_kind: str) -> ModelConfig:
    """The config of a bundle with its instance groups on `instance_kind` (KIND_GPU or KIND_CPU).

    Raises InvalidBundle when it does not fit Triton's own schema, or has a field that a bundle may not have.
    """
    try:
        config: ModelConfig = text_format.Parse(text, ModelConfig())
    except text_format.ParseError as error:
        raise InvalidBundle(f"config.pbtxt: {str(error)[:200]}; correct it and pack the bundle again") from None
    checked = bundle_config.parse(text.encode())
    config_fields.check(checked)
    # What was checked is modelctl's reading, and what Triton gets is protobuf's: they must be the same.
    if as_message(config) != without_defaults(checked):
        raise InvalidBundle("config.pbtxt means something else to protobuf; write it plainly and pack the bundle again")
    for group in config.instance_group or [config.instance_group.add()]:
        group.kind = ModelInstanceGroup.Kind.Value(instance_kind)
    return config


def with_versions(config: ModelConfig, versions: tuple[int, ...]) -> ModelConfig:
    """The same config with a policy of exactly `versions`."""
    pinned = ModelConfig()
    pinned.CopyFrom(config)
    pinned.version_policy.Clear()
    pinned.version_policy.specific.versions.extend(versions)
    return pinned


def with_server_id(config: ModelConfig, server_id: str) -> ModelConfig:
    """The same config with the id of a process of Triton, which `server_id_of` finds again; empty: without."""
    own = ModelConfig()
    own.CopyFrom(config)
    if server_id:
        own.parameters[SERVER_ID].string_value = server_id
    return own


def server_id_of(config: ModelConfig) -> str:
    """That of the process for which the agent loaded it; empty: somebody else did, or the process has none."""
    return str(config.parameters[SERVER_ID].string_value) if SERVER_ID in config.parameters else ""


def to_text(config: ModelConfig) -> str:
    """The content of config.pbtxt."""
    return str(text_format.MessageToString(config))


def to_override(config: ModelConfig) -> str:
    """JSON for the `config` parameter of a load."""
    return str(json_format.MessageToJson(config, preserving_proto_field_name=True, indent=None))
