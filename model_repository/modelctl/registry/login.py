"""Who pushes: from the environment, or from the file that docker login and its like write."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from modelctl.bundle.oci import docker_config
from modelctl.bundle.oci.docker_config import Credential
from modelctl.bundle.oci.errors import InvalidArtifact
from modelctl.bundle.oci.reference import Reference

USER, PASSWORD = "MODELCTL_USERNAME", "MODELCTL_PASSWORD"


def find(reference: Reference, environment: Mapping[str, str] = os.environ) -> Credential | None:
    """None where nobody said. Raises InvalidArtifact, OSError."""
    user, password = environment.get(USER, ""), environment.get(PASSWORD, "")
    if bool(user) != bool(password):
        raise InvalidArtifact(f"set both {USER} and {PASSWORD}, or neither")
    if user:
        return Credential(user, password)
    folder = environment.get("DOCKER_CONFIG") or Path(environment.get("HOME", "/")) / ".docker"
    return _from_file(Path(folder) / "config.json", reference)


def _from_file(file: Path, reference: Reference) -> Credential | None:
    if not file.is_file():
        return None
    content = file.read_bytes()
    try:
        found = json.loads(content)
    except ValueError:
        raise InvalidArtifact(f"{file} is no JSON; log in anew, or set {USER} and {PASSWORD}") from None
    if not isinstance(found, dict) or "auths" not in found:
        return None  # a helper keeps the passwords
    return docker_config.find(content, reference)
