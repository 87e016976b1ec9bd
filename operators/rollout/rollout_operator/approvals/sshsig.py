"""Signatures in the form of `ssh-keygen -Y sign` (OpenSSH's PROTOCOL.sshsig), by which git signs commits, too."""

import base64
import hashlib
import textwrap
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

from rollout_operator.approvals.keys import CURVES, ED25519, KINDS, RSA_SHA512, PublicKey, parse_key
from rollout_operator.approvals.wire import BadSignature, mpint, packed, unpacked

NAMESPACE = "medinfer-approval"  # a signature for anything else, as a commit, is none for an approval
MAGIC, VERSION = b"SSHSIG", b"\x00\x00\x00\x01"
BEGIN, END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"
HASHES = {"sha256": hashlib.sha256, "sha512": hashlib.sha512}
MAX_CHARACTERS = 4096

PrivateKey = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True)
class Signature:
    """`key`: whose it says it is; only `verify` shows that it is true."""

    key: PublicKey
    namespace: str
    reserved: bytes
    hash_name: str
    algorithm: str
    raw: bytes

    def verify(self, message: bytes) -> None:
        """Raises BadSignature unless `key` signed these bytes as an approval."""
        if self.namespace != NAMESPACE:
            raise BadSignature(f"it was made for namespace {self.namespace[:40]!r}, not for {NAMESPACE}")
        self.key.check(self.algorithm, self.raw, _signed(message, self.hash_name, self.reserved))


def parse_signature(text: str) -> Signature:
    """The armoured text that ssh-keygen writes; raises BadSignature."""
    content = _dearmoured(text)
    if content[: len(MAGIC) + len(VERSION)] != MAGIC + VERSION:
        raise BadSignature("it is no SSHSIG of version 1")
    blob, namespace, reserved, hash_name, signature = unpacked(content[len(MAGIC) + len(VERSION) :], 5)
    algorithm, raw = unpacked(signature, 2)
    kind, name = _text(blob[4 : 4 + int.from_bytes(blob[:4], "big")]), _text(hash_name)
    if kind not in KINDS:
        raise BadSignature(f"its key is of kind {kind[:40]!r}; use one of {', '.join(KINDS)}")
    if name not in HASHES:
        raise BadSignature(f"it hashes with {name[:40]!r}; use sha256 or sha512")
    return Signature(PublicKey(kind, blob), _text(namespace), reserved, name, _text(algorithm), raw)


def sign(key: PrivateKey, message: bytes) -> str:
    """The signature of an approval, armoured."""
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    blob, hash_name = parse_key(public.decode()).blob, "sha512"
    signature = packed(*_raw(key, public.split()[0].decode(), _signed(message, hash_name, b"")))
    parts = packed(blob, NAMESPACE.encode(), b"", hash_name.encode(), signature)
    return "\n".join((BEGIN, *textwrap.wrap(base64.b64encode(MAGIC + VERSION + parts).decode(), 70), END, ""))


def _raw(key: PrivateKey, kind: str, message: bytes) -> tuple[bytes, bytes]:
    """(algorithm, signature), as the two strings of OpenSSH."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return ED25519.encode(), key.sign(message)
    if isinstance(key, rsa.RSAPrivateKey):
        return RSA_SHA512.encode(), key.sign(message, padding.PKCS1v15(), hashes.SHA512())
    r, s = utils.decode_dss_signature(key.sign(message, ec.ECDSA(CURVES[kind])))
    return kind.encode(), packed(mpint(r), mpint(s))


def _signed(message: bytes, hash_name: str, reserved: bytes) -> bytes:
    """What the key signs: never the message itself, so that no other protocol takes it for its own."""
    digest = HASHES[hash_name](message).digest()
    return MAGIC + packed(NAMESPACE.encode(), reserved, hash_name.encode(), digest)


def _dearmoured(text: str) -> bytes:
    lines = text.strip().splitlines() if len(text) <= MAX_CHARACTERS else []
    if len(lines) < 3 or lines[0].strip() != BEGIN or lines[-1].strip() != END:
        raise BadSignature(f"it is not the whole text from {BEGIN} to {END}")
    try:
        return base64.b64decode("".join(line.strip() for line in lines[1:-1]), validate=True)
    except ValueError:
        raise BadSignature("it is no base64") from None


def _text(content: bytes) -> str:
    """Only for comparing and for messages."""
    return content.decode("ascii", "backslashreplace")
