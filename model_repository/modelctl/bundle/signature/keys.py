"""Keys that sign bundles: ECDSA on NIST's curves, which is what Model Signing knows, each with its own hash."""

import hashlib
from dataclasses import dataclass
from functools import cached_property

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from modelctl.bundle.errors import BadSignature, InvalidKey

CURVES: dict[str, hashes.HashAlgorithm] = {
    "secp256r1": hashes.SHA256(),
    "secp384r1": hashes.SHA384(),
    "secp521r1": hashes.SHA512(),
}
HOW_TO_MAKE = "make one with `openssl ecparam -name prime256v1 -genkey -noout`"
SHOWN = 16  # hexadecimal digits of a fingerprint, by which people tell keys apart


@dataclass(frozen=True)
class PublicKey:
    """Keys are equal when their fingerprints are."""

    pem: bytes

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the PEM text, in hex: what Model Signing writes as hint of the key."""
        return hashlib.sha256(self.pem).hexdigest()

    def check(self, signature: bytes, signed: bytes) -> None:
        """Raises BadSignature unless this key made the signature over these bytes."""
        key = serialization.load_pem_public_key(self.pem)
        assert isinstance(key, ec.EllipticCurvePublicKey)  # `public_key` takes no other
        try:
            key.verify(signature, signed, ec.ECDSA(CURVES[key.curve.name]))
        except InvalidSignature:
            raise BadSignature(
                f"the signature is not one of the key {self.fingerprint[:SHOWN]}, which it names; sign the bundle again"
            ) from None


def public_key(key: object) -> PublicKey:
    """The key in our form; raises InvalidKey for another kind or curve."""
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name not in CURVES:
        raise InvalidKey(f"is no ECDSA key on P-256, P-384 or P-521; {HOW_TO_MAKE}")
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return PublicKey(key.public_bytes(serialization.Encoding.PEM, form))


def parse_public_key(text: bytes) -> PublicKey:
    """Raises InvalidKey for a text that is no PEM of such a key."""
    try:
        return public_key(serialization.load_pem_public_key(text))
    except (ValueError, UnsupportedAlgorithm):
        raise InvalidKey("is no public key in PEM; write what `openssl ec -pubout` prints") from None
