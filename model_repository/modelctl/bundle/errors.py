"""What modelctl refuses. Every message is one sentence that names the place and says what to do."""


class ModelctlError(Exception):
    """Base of all errors that a person can fix. The command line prints it on one line."""


class InvalidBundle(ModelctlError):
    """A bundle, or a file inside it, does not follow the format."""


class DigestMismatch(InvalidBundle):
    """The sha256 of a bundle is not the digest that was asked for."""


class InvalidCheckpoint(ModelctlError):
    """A checkpoint is not a ResNet50 with a head of the right size."""


class BadSignature(ModelctlError):
    """A signature does not show that a trusted signer signed these bytes."""


class InvalidKey(ModelctlError):
    """A file is no key or certificate that can sign bundles, or the list of signers cannot be used."""
