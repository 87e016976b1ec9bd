"""What is refused about artifacts in registries."""

from modelctl.bundle.errors import ModelctlError


class InvalidArtifact(ModelctlError):
    """An address, a manifest or a file of credentials is not what a bundle in a registry needs."""
