"""The list of signers: what it may say, and which entry is named when it cannot be used."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from modelctl.bundle.signature.signers import parse_signers

from tests.unit.modelctl.signature import pki

KEY = pki.public_pem(pki.key("team"))
ROOT = pki.pem(pki.authority("Root").certificate)
ENTRY = {"name": "models team", "models": ["*"], "keys": [KEY]}
VENDOR = {"name": "vendor", "models": ["chest"], "authorities": [ROOT], "subjects": ["CN=Release signing"]}


def parsed(*entries: Any) -> Any:
    return parse_signers(json.dumps({"signers": list(entries)}).encode(), "signers.yaml")


def without(entry: dict[str, Any], field: str) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name != field}


def test_what_it_says() -> None:
    found = parsed(ENTRY, VENDOR)
    assert not found.problem
    team, vendor = found.everybody
    assert team.keys == (pki.public("team"),) and team.may_sign("chest")
    assert vendor.authorities == (pki.authority("Root").certificate,) and not vendor.may_sign("resnet_medical")


@pytest.mark.parametrize(
    ("entries", "problem"),
    [
        pytest.param([], "write a list signers", id="empty"),
        pytest.param(["team"], "signers[0]: write {name", id="a-text"),
        pytest.param([ENTRY | {"name": " "}], "signers[0]: name", id="name"),
        pytest.param([ENTRY | {"key": KEY}], "signers[0] (models team): key is no field", id="unknown-field"),
        pytest.param([without(ENTRY, "keys")], "signers[0] (models team): write {name", id="no-key"),
        pytest.param([without(ENTRY, "models")], "signers[0] (models team): models must", id="no-models"),
        pytest.param([ENTRY | {"models": []}], "models must be a list of texts", id="models-empty"),
        pytest.param([ENTRY | {"keys": ["x"]}], "keys[0] is no public key in PEM", id="no-pem"),
        pytest.param([ENTRY | {"keys": KEY}], "keys must be a list", id="keys-no-list"),
        pytest.param(
            [ENTRY | {"keys": [pki.public_pem(ed25519.Ed25519PrivateKey.generate())]}], "no ECDSA key", id="ed25519"
        ),
        pytest.param([ENTRY, VENDOR, ENTRY], "signers[2] (models team): two entries", id="name-twice"),
        pytest.param([ENTRY, ENTRY | {"name": "b"}], "signers[1] (b): the key", id="key-twice"),
        pytest.param([without(VENDOR, "subjects")], "would trust whomever they certify", id="no-subjects"),
        pytest.param([without(VENDOR, "authorities") | {"keys": [KEY]}], "write {name", id="subjects-alone"),
        pytest.param([VENDOR | {"authorities": [KEY]}], "authorities[0] is no certificate", id="no-certificate"),
    ],
)
def test_a_problem_names_the_entry(entries: list[Any], problem: str) -> None:
    found = parsed(*entries)
    assert problem in found.problem and found.problem.startswith("signers.yaml") and not found.everybody


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param(None, "does not exist; create it", id="absent"),
        pytest.param(b"signers: [", "is no YAML", id="no-yaml"),
        pytest.param(b"#" * 600_000, "more than 500000 bytes", id="huge"),
        pytest.param(b"\xff", "is no YAML", id="no-text"),
        pytest.param(b"- 1", "write a list signers", id="a-list"),
    ],
)
def test_a_text_that_is_no_list(text: bytes | None, problem: str) -> None:
    assert problem in parse_signers(text, "signers.yaml").problem
