"""Reduces a bundle's model.json to what decisions and reports need."""

from dataclasses import replace

from modelctl.bundle import contract
from modelctl.bundle.manifest import FIRST_SCHEMA_VERSION, Manifest, preprocessing_to_json

from replica_agent.observation import Facts


def read_facts(manifest: Manifest) -> Facts:
    """The facts of a parsed model.json."""
    preprocessing = preprocessing_to_json(manifest.preprocessing)
    facts = Facts(manifest.config_sha256, manifest.memory_bytes, manifest.labels, preprocessing)
    if manifest.schema_version == FIRST_SCHEMA_VERSION:
        return facts
    tensors = contract.to_json(manifest.contract)
    output = {name: value for name, value in tensors["output"].items() if name != "labels"}
    return replace(facts, input=tensors["input"], output=output, inputs=tensors.get("inputs"))
