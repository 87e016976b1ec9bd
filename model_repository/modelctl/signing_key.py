"""The private key that signs bundles, and the certificates that say whose it is."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from modelctl.bundle.errors import InvalidKey
from modelctl.bundle.signature.certificates import parse_certificates, to_chain
from modelctl.bundle.signature.keys import CURVES, HOW_TO_MAKE, PublicKey, public_key


@dataclass(frozen=True)
class SigningKey:
    """`path`: for messages."""

    private: ec.EllipticCurvePrivateKey
    path: Path

    @property
    def public(self) -> PublicKey:
        """The half that others trust."""
        return public_key(self.private.public_key())

    def sign(self, content: bytes) -> bytes:
        """The signature in DER."""
        return self.private.sign(content, ec.ECDSA(CURVES[self.private.curve.name]))

    def chain(self, path: Path, now: datetime) -> tuple[bytes, ...]:
        """The certificates of the file in DER. Raises InvalidKey unless the first is this key's, and valid now."""
        try:
            return to_chain(parse_certificates(path.read_bytes()), self.public, now)
        except InvalidKey as error:
            raise InvalidKey(f"{path} {error}") from None


def read_signing_key(path: Path, ask: Callable[[], bytes]) -> SigningKey:
    """`ask`: for the passphrase, called when the key has one. Raises InvalidKey, OSError."""
    text = path.read_bytes()
    try:
        key = _load(text, ask)
    except (ValueError, UnsupportedAlgorithm):
        raise InvalidKey(f"{path} is no private key in PEM, or its passphrase is another") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name not in CURVES:
        raise InvalidKey(f"{path} is no ECDSA key on P-256, P-384 or P-521; {HOW_TO_MAKE}")
    return SigningKey(key, path)


def _load(text: bytes, ask: Callable[[], bytes]) -> object:
    try:
        return serialization.load_pem_private_key(text, None)
    except TypeError:  # it has a passphrase
        return serialization.load_pem_private_key(text, ask())
