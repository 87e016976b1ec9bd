"""Signatures of one made-up bundle, to be spoilt."""

import json
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding
from modelctl.bundle.signature import envelope, statement
from modelctl.bundle.signature.envelope import Envelope
from modelctl.bundle.signature.signers import Signer, Signers

from tests.unit.modelctl.signature import pki

DIGEST, OTHER = "sha256:" + "ab" * 32, "sha256:" + "cd" * 32
PAYLOAD = statement.build(DIGEST, "resnet_medical-1.tar")
ROOT = pki.authority("Root")
TRUSTED = Signers(
    (
        Signer("models team", frozenset({"resnet_medical"}), (pki.public("team"), pki.public("team's second"))),
        Signer("vendor", authorities=(ROOT.certificate,), subjects=frozenset({"CN=Release signing"})),
    ),
    place="signers.yaml",
)

Change = Callable[[dict[str, Any]], object]


def by_key(name: str = "team", payload: bytes = PAYLOAD) -> bytes:
    key = pki.signing(name)
    return envelope.to_json(Envelope(payload, key.sign(envelope.signed_bytes(payload)), key.public.fingerprint))


def by_certificate(leaf: pki.Leaf, issuer: pki.Authority = ROOT, *between: pki.Authority) -> bytes:
    key = pki.signing("vendor")
    chain = (issuer.certify(leaf, key.private), *(one.certificate for one in between))
    ders = tuple(one.public_bytes(Encoding.DER) for one in chain)
    return envelope.to_json(Envelope(PAYLOAD, key.sign(envelope.signed_bytes(PAYLOAD)), certificates=ders))


def changed(change: Change, text: bytes | None = None) -> bytes:
    """The file with `change` made to its document; nothing is signed again."""
    document = json.loads(text or by_key())
    change(document)
    return json.dumps(document).encode()


def of_statement(change: Change) -> bytes:
    """A changed statement, well signed by the team."""
    document = json.loads(PAYLOAD)
    change(document)
    return by_key(payload=json.dumps(document).encode())
