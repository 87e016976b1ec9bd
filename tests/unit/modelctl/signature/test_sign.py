"""modelctl sign and verify: the key's kinds, its passphrase, certificates, and what is refused with which words."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from modelctl.main import main

from tests.unit.agent.bundles import bundle
from tests.unit.modelctl.signature import pki


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "b.tar").write_bytes(bundle(1).read_bytes())
    (tmp_path / "key.pem").write_bytes(pki.private_pem(pki.key("team"), b"open sesame"))
    (tmp_path / "key.pub").write_text(pki.public_pem(pki.key("team")))
    (tmp_path / "passphrase").write_text("open sesame\n")
    return tmp_path


def run(folder: Path, *arguments: str) -> int:
    """`arguments` that begin with @ are files of the folder."""
    return main([str(folder / one[1:]) if one.startswith("@") else one for one in arguments])


def test_the_signature_lies_beside_the_bundle(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(folder, "sign", "@b.tar", "--key", "@key.pem", "--passphrase-file", "@passphrase") == 0
    assert f"signed with key {pki.public('team').fingerprint}" in capsys.readouterr().out
    assert run(folder, "verify", "@b.tar", "--key", "@key.pub") == 0
    assert "signed by key.pub, key" in capsys.readouterr().out
    assert {path.name for path in folder.iterdir()} >= {"b.tar", "b.tar.sig"}


OTHER_KINDS: dict[str, pki.Private] = {
    "ed25519": ed25519.Ed25519PrivateKey.generate(),
    "secp256k1": ec.generate_private_key(ec.SECP256K1()),
    "rsa": rsa.generate_private_key(65537, 2048),
}
SIGN = ("sign", "@b.tar", "--key")
VERIFY = ("verify", "@b.tar")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(
            (*SIGN, "@key.pem", "--passphrase-file", "@key.pub"), "its passphrase is another", id="passphrase"
        ),
        pytest.param((*SIGN, "@key.pub"), "no private key in PEM", id="public-half"),
        pytest.param((*SIGN, "@ed25519.pem"), "no ECDSA key", id="ed25519"),
        pytest.param((*SIGN, "@rsa.pem"), "no ECDSA key", id="rsa"),
        pytest.param((*SIGN, "@secp256k1.pem"), "no ECDSA key", id="another-curve"),
        pytest.param((*VERIFY, "--key", "@secp256k1.pub"), "no ECDSA key", id="verify-another-curve"),
        pytest.param((*SIGN, "@none.pem"), "No such file", id="no-key"),
        pytest.param(("sign", "@key.pub", "--key", "@plain.pem"), "bundle", id="no-bundle"),
        pytest.param(
            (*SIGN, "@plain.pem", "--certificates", "@other.crt"), "of another key", id="certificate-of-another"
        ),
        pytest.param((*SIGN, "@plain.pem", "--certificates", "@expired.crt"), "valid from", id="expired"),
        pytest.param((*SIGN, "@plain.pem", "--certificates", "@server.crt"), "not for signing", id="web-server"),
        pytest.param((*SIGN, "@plain.pem", "--certificates", "@key.pub"), "no certificate in PEM", id="no-certificate"),
        pytest.param((*VERIFY, "--key", "@key.pub"), "does not exist; the bundle is not signed", id="unsigned"),
        pytest.param((*VERIFY, "--key", "@key.pem"), "no public key in PEM", id="private-half"),
        pytest.param((*VERIFY, "--key", "@ed25519.pub"), "no ECDSA key", id="verify-ed25519"),
        pytest.param((*VERIFY, "--signature", "@b.tar"), "--signature needs", id="whom"),
        pytest.param((*VERIFY, "--key", "@key.pub", "--signature", "@b.tar"), "is not JSON", id="no-signature"),
        pytest.param((*VERIFY, "--signers", "@key.pub"), "signers", id="no-list"),
    ],
)
def test_refused(folder: Path, arguments: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    key, root = pki.key("team"), pki.authority("Root")
    (folder / "plain.pem").write_bytes(pki.private_pem(key))
    for name, other in OTHER_KINDS.items():
        (folder / f"{name}.pem").write_bytes(pki.private_pem(other))
        (folder / f"{name}.pub").write_text(pki.public_pem(other))
    (folder / "other.crt").write_text(pki.pem(root.certify(pki.Leaf(), pki.key("other"))))
    (folder / "expired.crt").write_text(pki.pem(root.certify(pki.Leaf(until=pki.NOW - pki.DAY / 2), key)))
    (folder / "server.crt").write_text(pki.pem(root.certify(pki.Leaf(code=False), key)))
    if "--signers" in arguments:
        run(folder, "sign", "@b.tar", "--key", "@plain.pem")
    assert run(folder, *arguments) == 1
    error = capsys.readouterr().err
    assert message in error and error.startswith("modelctl: ") and error.count("\n") == 1
    assert (folder / "b.tar.sig").exists() == ("--signers" in arguments)
