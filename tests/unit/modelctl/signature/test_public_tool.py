"""The public model_signing tool and modelctl read each other's signatures."""

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from modelctl.bundle.verify import file_digest
from modelctl.main import main

from tests.unit.agent.bundles import bundle
from tests.unit.modelctl.signature import pki

CURVES = {"p256": ec.SECP256R1, "p384": ec.SECP384R1, "p521": ec.SECP521R1}
THEIRS = """
import json, sys
from model_signing import signing, verifying
bundle, jobs = sys.argv[1], json.loads(sys.argv[2])
for kind, trusted, signature in jobs["verify"]:
    config = verifying.Config()
    if kind == "key":
        config.use_elliptic_key_verifier(public_key=trusted)
    else:
        config.use_certificate_verifier(certificate_chain=[trusted])
    try:
        config.verify(bundle, signature)
        print("verified")
    except Exception as error:
        print(type(error).__name__)
for private, certificate, between, signature in jobs["sign"]:
    config = signing.Config()
    if certificate:
        config.use_certificate_signer(
            private_key=private, signing_certificate=certificate, certificate_chain=[between]
        )
    else:
        config.use_elliptic_key_signer(private_key=private)
    config.sign(bundle, signature)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys, certificates, one bundle, our signatures of it, theirs, and what they say of ours."""
    folder = tmp_path_factory.mktemp("signed")
    (folder / "b.tar").write_bytes(bundle(1).read_bytes())
    for name, curve in CURVES.items():
        (folder / f"{name}.pem").write_bytes(pki.private_pem(pki.key(name, curve)))
        (folder / f"{name}.pub").write_text(pki.public_pem(pki.key(name, curve)))
        sign(folder, f"{name}.pem", f"our-{name}.sig")
    _write_certificates(folder)
    sign(folder, "p256.pem", "our-certificate.sig", "--certificates", str(folder / "chain.crt"))
    ours = [["key", f"{folder}/{name}.pub", f"{folder}/our-{name}.sig"] for name in CURVES]
    ours.append(["certificate", f"{folder}/root.crt", f"{folder}/our-certificate.sig"])
    ours.append(["key", f"{folder}/p384.pub", f"{folder}/our-p256.sig"])
    theirs = [[f"{folder}/{name}.pem", "", "", f"{folder}/their-{name}.sig"] for name in CURVES]
    theirs.append([f"{folder}/p256.pem", *(f"{folder}/{one}" for one in ("leaf.crt", "between.crt", "their-cert.sig"))])
    jobs = json.dumps({"verify": ours, "sign": theirs})
    command = [sys.executable, "-c", THEIRS, f"{folder}/b.tar", jobs]
    (folder / "said").write_text(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return folder


def _write_certificates(folder: Path) -> None:
    between = pki.authority("Root").below("Issuing")
    leaf = between.certify(pki.Leaf(until=pki.NOW + timedelta(hours=1)), pki.key("p256", CURVES["p256"]))
    (folder / "root.crt").write_text(pki.pem(pki.authority("Root").certificate))
    (folder / "leaf.crt").write_text(pki.pem(leaf))
    (folder / "between.crt").write_text(pki.pem(between.certificate))
    (folder / "chain.crt").write_text(pki.pem(leaf, between.certificate))


def sign(folder: Path, key: str, out: str, *more: str) -> None:
    assert main(["sign", str(folder / "b.tar"), "--key", str(folder / key), "--out", str(folder / out), *more]) == 0


def test_they_verify_ours_and_refuse_another_key(folder: Path) -> None:
    assert (folder / "said").read_text().split() == ["verified"] * 4 + ["ValueError"]


@pytest.mark.parametrize("name", CURVES)
def test_we_verify_theirs(folder: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    signature = str(folder / f"their-{name}.sig")
    assert main(["verify", f"{folder}/b.tar", "--key", f"{folder}/{name}.pub", "--signature", signature]) == 0
    assert f"signed by {name}.pub, key" in capsys.readouterr().out


def test_we_verify_their_certificate(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = json.dumps([(folder / "root.crt").read_text()])
    listed = f'signers: [{{name: vendor, models: ["*"], subjects: [CN=Release signing], authorities: {root}}}]'
    (folder / "signers.yaml").write_text(listed)
    arguments = ["verify", f"{folder}/b.tar", "--signers", f"{folder}/signers.yaml"]
    assert main([*arguments, "--signature", f"{folder}/their-cert.sig"]) == 0
    assert "signed by vendor, key" in capsys.readouterr().out


def test_we_refuse_theirs_of_another_bundle(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--key", f"{folder}/p256.pub", "--signature", f"{folder}/their-p256.sig"]
    assert main(["verify", str(bundle(2)), *arguments]) == 1
    assert f"for another bundle, with digest {file_digest(folder / 'b.tar')}" in capsys.readouterr().err
