"""Public keys as OpenSSH writes them, and what each kind signs with: Ed25519, ECDSA, RSA with SHA-512."""

import base64
import hashlib
from dataclasses import dataclass
from functools import cached_property

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

from rollout_operator.approvals.wire import BadSignature, integer, unpacked

ED25519, RSA_KEY, RSA_SHA512 = "ssh-ed25519", "ssh-rsa", "rsa-sha2-512"
CURVES: dict[str, hashes.HashAlgorithm] = {
    "ecdsa-sha2-nistp256": hashes.SHA256(),
    "ecdsa-sha2-nistp384": hashes.SHA384(),
    "ecdsa-sha2-nistp521": hashes.SHA512(),
}
KINDS = (ED25519, *CURVES, RSA_KEY)
MIN_RSA_BITS = 2048


class BadKey(ValueError):
    """The text is no public key that may sign an approval; the message says what to write."""


@dataclass(frozen=True)
class PublicKey:
    """`blob`: the bytes that OpenSSH writes in base64. Equal blobs are equal keys."""

    kind: str
    blob: bytes

    @property
    def fingerprint(self) -> str:
        """As `ssh-keygen -l` shows it: `SHA256:...`."""
        return "SHA256:" + base64.b64encode(hashlib.sha256(self.blob).digest()).decode().rstrip("=")

    @property
    def text(self) -> str:
        """As a line of authorized_keys, without a comment."""
        return f"{self.kind} {base64.b64encode(self.blob).decode()}"

    @cached_property
    def loaded(self) -> object:
        """The key of `cryptography`; raises BadKey."""
        try:
            return serialization.load_ssh_public_key(self.text.encode())
        except (ValueError, UnsupportedAlgorithm) as error:
            raise BadKey(f"is no usable {self.kind} key: {error}") from None

    def check(self, algorithm: str, raw: bytes, message: bytes) -> None:
        """Raises BadSignature. `algorithm`, `raw`: the two strings of a signature in OpenSSH's form."""
        try:
            key = self.loaded
            if isinstance(key, ed25519.Ed25519PublicKey) and algorithm == ED25519:
                return key.verify(raw, message)
            if isinstance(key, ec.EllipticCurvePublicKey) and algorithm == self.kind:
                return key.verify(_der(raw), message, ec.ECDSA(CURVES[self.kind]))
            if isinstance(key, rsa.RSAPublicKey) and algorithm == RSA_SHA512:
                return key.verify(raw, message, padding.PKCS1v15(), hashes.SHA512())
        except BadKey as error:
            raise BadSignature(f"its key {error}") from None
        except InvalidSignature:
            raise BadSignature("it was made for other bytes, or by another key than it names") from None
        raise BadSignature(f"a key {self.kind} does not sign with {algorithm[:40]!r}")


def parse_key(text: str) -> PublicKey:
    """A line as in authorized_keys, `KIND BASE64 [COMMENT]`; raises BadKey."""
    words = text.split()
    if len(words) < 2 or words[0] not in KINDS:
        raise BadKey(f"must begin with one of {', '.join(KINDS)}, as the file that ends in .pub does")
    try:
        key = PublicKey(words[0], base64.b64decode(words[1], validate=True))
    except ValueError:
        raise BadKey("has no base64 after its kind; copy the whole line of the file that ends in .pub") from None
    loaded = key.loaded
    if isinstance(loaded, rsa.RSAPublicKey) and loaded.key_size < MIN_RSA_BITS:
        raise BadKey(f"has {loaded.key_size} bits; make one of {MIN_RSA_BITS} or more, or an Ed25519 key")
    return key


def _der(raw: bytes) -> bytes:
    r, s = unpacked(raw, 2)
    return utils.encode_dss_signature(integer(r), integer(s))
