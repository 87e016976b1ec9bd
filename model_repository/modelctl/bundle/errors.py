"""What modelctl refuses. Every message is one sentence that names the place and the mend."""


class ModelctlError(Exception):
    """The root: whatever a person can mend. The command line prints it on one line."""


class InvalidBundle(ModelctlError):
    """A bundle, or a file inside one, is not what the format says."""


class DigestMismatch(InvalidBundle):
    """The bytes of a bundle are not those that its digest names."""


class InvalidCheckpoint(ModelctlError):
    """A checkpoint is not a ResNet50 with the wanted head."""
