"""Reduces a bundle's model.json to what decisions and reports need."""

from modelctl.bundle.manifest import Manifest, preprocessing_to_json

from replica_agent.observation import Facts


def read_facts(manifest: Manifest) -> Facts:
    """The facts of a parsed model.json."""
    preprocessing = preprocessing_to_json(manifest.preprocessing)
    return Facts(manifest.config_sha256, manifest.memory_bytes, manifest.labels, preprocessing)
