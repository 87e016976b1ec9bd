"""The file `<bundle>.tar.sig`: a Sigstore bundle v0.3 in JSON, which holds one DSSE envelope and who signed it.

https://docs.sigstore.dev/about/bundle/ and https://github.com/secure-systems-lab/dsse/blob/v1.0.0/protocol.md.
"""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any

from modelctl.bundle.errors import BadSignature

MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
MAX_BYTES = 128 << 10  # a key's signature has 1 KiB, a certificate of a chain 1 to 2 KiB more
MAX_CERTIFICATES = 8

Json = dict[str, Any]


@dataclass(frozen=True)
class Envelope:
    """`payload`: what was signed. `hint`: of the key, empty where certificates are; those are DER, the signer's first.

    Nothing of it may be believed before `signature` was checked.
    """

    payload: bytes
    signature: bytes
    hint: str = ""
    certificates: tuple[bytes, ...] = ()


def signed_bytes(payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding: the bytes over which the signature is."""
    return b"DSSEv1 %d %s %d %s" % (len(PAYLOAD_TYPE), PAYLOAD_TYPE.encode(), len(payload), payload)


def to_json(envelope: Envelope) -> bytes:
    """The file of an envelope; exactly what Model Signing writes, without white space."""
    if envelope.certificates:
        chain = [{"rawBytes": _to_base64(der)} for der in envelope.certificates]
        signer: Json = {"x509CertificateChain": {"certificates": chain}}
    else:
        signer = {"publicKey": {"hint": envelope.hint}}
    document = {
        "mediaType": MEDIA_TYPE,
        "verificationMaterial": {**signer, "tlogEntries": []},
        "dsseEnvelope": {
            "payload": _to_base64(envelope.payload),
            "payloadType": PAYLOAD_TYPE,
            "signatures": [{"sig": _to_base64(envelope.signature), "keyid": ""}],
        },
    }
    return json.dumps(document, separators=(",", ":")).encode()


def parse(text: bytes) -> Envelope:
    """Reads an untrusted file; raises BadSignature with the field that is wrong."""
    if len(text) > MAX_BYTES:
        raise BadSignature(f"the signature has more than {MAX_BYTES} bytes; sign the bundle again")
    document = read_object(text, "the signature")
    if document.get("mediaType") != MEDIA_TYPE:
        raise BadSignature(
            f"mediaType of the signature is not {MEDIA_TYPE}; sign with modelctl sign or Model Signing 1.x"
        )
    material, dsse = (_an_object(document, name) for name in ("verificationMaterial", "dsseEnvelope"))
    if dsse.get("payloadType") != PAYLOAD_TYPE:
        raise BadSignature(f"payloadType of the signature is not {PAYLOAD_TYPE}; sign the bundle with modelctl sign")
    signatures = dsse.get("signatures")
    if not isinstance(signatures, list) or len(signatures) != 1 or not isinstance(signatures[0], dict):
        raise BadSignature("dsseEnvelope.signatures must have exactly one entry; sign the bundle with one key")
    payload, signature = _bytes(dsse, "payload"), _bytes(signatures[0], "sig")
    if "x509CertificateChain" in material:
        return Envelope(payload, signature, certificates=_certificates(_an_object(material, "x509CertificateChain")))
    if "publicKey" in material:
        hint = _an_object(material, "publicKey").get("hint") or ""
        if not isinstance(hint, str):
            raise BadSignature("publicKey.hint of the signature must be a text; sign the bundle again")
        return Envelope(payload, signature, hint)
    raise BadSignature(
        "the signature names neither a key nor certificates; keyless signatures of Sigstore are not read"
    )


def read_object(text: bytes, what: str) -> Json:
    """A JSON object in which no name is there twice, since two readers could take different ones."""
    try:
        found = json.loads(text, object_pairs_hook=_without_doubles)
    except (ValueError, RecursionError):
        raise BadSignature(f"{what} is not JSON, or has a name twice; sign the bundle again") from None
    if not isinstance(found, dict):
        raise BadSignature(f"{what} is no JSON object; sign the bundle again")
    return found


def _without_doubles(pairs: list[tuple[str, Any]]) -> Json:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError
    return found


def _certificates(chain: Json) -> tuple[bytes, ...]:
    entries = chain.get("certificates")
    if not isinstance(entries, list) or not 1 <= len(entries) <= MAX_CERTIFICATES:
        raise BadSignature(f"x509CertificateChain.certificates must be a list of 1 to {MAX_CERTIFICATES}")
    if not all(isinstance(entry, dict) for entry in entries):
        raise BadSignature("x509CertificateChain.certificates must hold objects with rawBytes")
    return tuple(_bytes(entry, "rawBytes") for entry in entries)


def _an_object(parent: Json, name: str) -> Json:
    found = parent.get(name)
    if not isinstance(found, dict):
        raise BadSignature(f"{name} of the signature is no JSON object; sign the bundle again")
    return found


def _bytes(parent: Json, name: str) -> bytes:
    try:
        return base64.b64decode(parent[name], validate=True)
    except (KeyError, TypeError, ValueError, binascii.Error):
        raise BadSignature(f"{name} of the signature is no base64; sign the bundle again") from None


def _to_base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
