"""Which signatures show that a trusted signer signed this bundle, and with which words the others are refused."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from modelctl.bundle.errors import BadSignature
from modelctl.bundle.signature import statement
from modelctl.bundle.signature.check import Signed, check
from modelctl.bundle.signature.signers import Signers

from tests.unit.modelctl.signature import pki
from tests.unit.modelctl.signature.pki import DAY, NOW, Leaf
from tests.unit.modelctl.signature.signatures import (
    DIGEST,
    OTHER,
    PAYLOAD,
    ROOT,
    TRUSTED,
    by_certificate,
    by_key,
    changed,
    of_statement,
)

BELOW = ROOT.below("Issuing")
STRANGE = pki.authority("Strange")
NOT_AN_AUTHORITY = pki.Authority(ROOT.certify(Leaf("A signer"), pki.key("a signer")), pki.key("a signer"))


def checked(signature: bytes, signers: Signers = TRUSTED, model: str = "resnet_medical") -> Signed:
    return check(signature, DIGEST, model, signers, NOW)


@pytest.mark.parametrize(
    ("signature", "signer"),
    [
        pytest.param(by_key(), "models team", id="a-key"),
        pytest.param(by_key("team's second"), "models team", id="another-key-of-theirs"),
        pytest.param(by_certificate(Leaf()), "vendor", id="a-certificate"),
        pytest.param(by_certificate(Leaf(), BELOW, BELOW), "vendor", id="an-authority-between"),
        pytest.param(by_certificate(Leaf(code=None)), "vendor", id="no-extended-usage"),
        pytest.param(by_certificate(Leaf(digital=None)), "vendor", id="only-extended-usage"),
        pytest.param(
            of_statement(lambda one: one["predicate"].update(note="of a later version")),
            "models team",
            id="more-fields",
        ),
    ],
)
def test_a_good_signature_says_who_signed(signature: bytes, signer: str) -> None:
    assert checked(signature).signer == signer


def test_a_certificate_says_until_when() -> None:
    assert checked(by_certificate(Leaf())).until == NOW + DAY


def _chain(one: dict[str, Any]) -> list[dict[str, str]]:
    found: list[dict[str, str]] = one["verificationMaterial"]["x509CertificateChain"]["certificates"]
    return found


def _claim_the_teams_key(one: dict[str, Any]) -> None:
    one["verificationMaterial"]["publicKey"]["hint"] = pki.public("team").fingerprint


def _name_another_bundle(one: dict[str, Any]) -> None:
    one.update(json.loads(statement.build(OTHER, "x.tar")))


ENVELOPES = [
    ("nothing", b"", "is not JSON"),
    ("not-json", b"-----BEGIN", "is not JSON"),
    ("deep", b"[" * 100_000, "is not JSON"),
    ("a-list", b"[]", "no JSON object"),
    ("huge", by_key() + b" " * 200_000, "more than 131072 bytes"),
    ("a-name-twice", by_key()[:-1] + b',"dsseEnvelope":{}}', "a name twice"),
    ("media-type", changed(lambda one: one.update(mediaType="x")), "mediaType"),
    ("payload-type", changed(lambda one: one["dsseEnvelope"].update(payloadType="text/plain")), "payloadType"),
    ("no-signature", changed(lambda one: one["dsseEnvelope"].update(signatures=[])), "exactly one entry"),
    ("two-signatures", changed(lambda one: one["dsseEnvelope"]["signatures"].append({})), "exactly one entry"),
    ("no-envelope", changed(lambda one: one.pop("dsseEnvelope")), "dsseEnvelope"),
    (
        "no-base64",
        changed(lambda one: one["dsseEnvelope"].update(payload="%")),
        "payload of the signature is no base64",
    ),
    ("no-material", changed(lambda one: one["verificationMaterial"].pop("publicKey")), "neither a key nor"),
    ("a-numeric-hint", changed(lambda one: one["verificationMaterial"]["publicKey"].update(hint=7)), "hint"),
    ("no-hint", changed(lambda one: one["verificationMaterial"]["publicKey"].pop("hint")), "names no key"),
    ("no-certificates", changed(lambda one: _chain(one).clear(), by_certificate(Leaf())), "a list of 1 to 8"),
    (
        "100-certificates",
        changed(lambda one: _chain(one).extend([{}] * 99), by_certificate(Leaf())),
        "a list of 1 to 8",
    ),
    (
        "bad-certificate",
        changed(lambda one: _chain(one)[0].update(rawBytes="AAAA"), by_certificate(Leaf())),
        "cannot be",
    ),
]
STATEMENTS = [
    ("other-bundle", of_statement(_name_another_bundle), f"for another bundle, with digest {OTHER}"),
    ("a-folder", of_statement(lambda one: one["predicate"]["resources"][0].update(name="x")), "about a folder"),
    ("two-files", of_statement(lambda one: one["predicate"]["resources"].append({})), "about a folder"),
    ("shards", of_statement(lambda one: one["predicate"]["serialization"].update(method="shards")), "in shards"),
    ("blake3", of_statement(lambda one: one["predicate"]["resources"][0].update(algorithm="blake3")), "no sha256"),
    ("short-digest", of_statement(lambda one: one["predicate"]["resources"][0].update(digest="ab")), "no sha256"),
    ("root-digest", of_statement(lambda one: one["subject"][0]["digest"].update(sha256="0" * 64)), "contradict"),
    ("no-subject", of_statement(lambda one: one.update(subject=[])), "contradict"),
    ("old-predicate", of_statement(lambda one: one.update(predicateType="https://x")), "predicateType"),
    ("no-predicate", of_statement(lambda one: one.pop("predicate")), "whole files"),
    ("not-a-statement", by_key(payload=b"{}"), "_type"),
]
KEYS = [
    ("unknown-key", by_key("stranger"), "none of those in signers.yaml"),
    ("hint-of-another", changed(_claim_the_teams_key, by_key("stranger")), "not one of the key"),
    ("altered-payload", changed(lambda one: one["dsseEnvelope"].update(payload="AAAA")), "not one of the key"),
    (
        "altered-signature",
        changed(lambda one: one["dsseEnvelope"]["signatures"][0].update(sig="AAAA")),
        "not one of the",
    ),
]
CERTIFICATES = [
    ("expired", by_certificate(Leaf(until=NOW - timedelta(seconds=1))), "valid from"),
    ("too-early", by_certificate(Leaf(since=NOW + timedelta(seconds=1))), "valid from"),
    ("web-server", by_certificate(Leaf(code=False)), "not for signing"),
    ("cannot-sign", by_certificate(Leaf(digital=False)), "not for signing"),
    ("for-nothing", by_certificate(Leaf(digital=None, code=None)), "not for signing"),
    ("other-subject", by_certificate(Leaf("Web server")), "CN=Web server is none of those"),
    ("other-authority", by_certificate(Leaf(), STRANGE), "no authority of that signer"),
    ("brings-its-authority", by_certificate(Leaf(), STRANGE, STRANGE), "no authority of that signer"),
    ("missing-between", by_certificate(Leaf(), BELOW), "no authority of that signer"),
    ("issued-by-a-signer", by_certificate(Leaf(), NOT_AN_AUTHORITY, NOT_AN_AUTHORITY), "no authority of that signer"),
]


@pytest.mark.parametrize(
    ("signature", "message"),
    [pytest.param(*rest, id=name) for name, *rest in (*ENVELOPES, *STATEMENTS, *KEYS, *CERTIFICATES)],
)
def test_what_is_refused(signature: bytes, message: str) -> None:
    with pytest.raises(BadSignature) as refused:
        checked(signature)
    assert message in str(refused.value) and len(str(refused.value)) < 700


def test_only_for_their_models() -> None:
    assert checked(by_certificate(Leaf()), model="chest")
    with pytest.raises(BadSignature, match="models team may not sign bundles of chest"):
        checked(by_key(), model="chest")


def test_an_unusable_list_trusts_nobody() -> None:
    with pytest.raises(BadSignature, match="nobody is trusted: it burnt"):
        checked(by_key(), replace(TRUSTED, problem="it burnt"))


def test_the_payload_is_canonical() -> None:
    assert json.dumps(json.loads(PAYLOAD), sort_keys=True, separators=(",", ":")).encode() == PAYLOAD
