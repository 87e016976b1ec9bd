"""Signatures of approvals: OpenSSH verifies ours, we verify OpenSSH's, and neither takes anything else."""

import base64
import re
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import load_ssh_private_key
from rollout_operator.approvals.keys import BadKey, parse_key
from rollout_operator.approvals.sshsig import BEGIN, END, NAMESPACE, PrivateKey, Signature, parse_signature, sign
from rollout_operator.approvals.wire import BadSignature, integer, mpint

MESSAGE = b'{"approval":"medinfer-approval","gate":"clinical-signoff"}'
KINDS = [
    pytest.param(["-t", "ed25519"], id="ed25519"),
    pytest.param(["-t", "ecdsa", "-b", "256"], id="ecdsa-256"),
    pytest.param(["-t", "ecdsa", "-b", "384"], id="ecdsa-384"),
    pytest.param(["-t", "ecdsa", "-b", "521"], id="ecdsa-521"),
    pytest.param(["-t", "rsa", "-b", "2048"], id="rsa"),
]


def make_key(folder: Path, kind: list[str], name: str = "key") -> Path:
    path = folder / name
    subprocess.run(["ssh-keygen", "-q", *kind, "-N", "", "-C", "jane", "-f", str(path)], check=True)
    return path


def load(path: Path) -> PrivateKey:
    key = load_ssh_private_key(path.read_bytes(), None)
    assert isinstance(key, PrivateKey)
    return key


def sign_by_openssh(path: Path, message: bytes, namespace: str = NAMESPACE) -> str:
    command = ["ssh-keygen", "-q", "-Y", "sign", "-f", str(path), "-n", namespace]
    return subprocess.run(command, input=message, check=True, capture_output=True).stdout.decode()


def is_good_for_openssh(path: Path, message: bytes, signature: str) -> bool:
    allowed, made = path.with_name("allowed"), path.with_name("made.sig")
    allowed.write_text(f"jane {path.with_suffix('.pub').read_text()}")
    made.write_text(signature)
    command = ["ssh-keygen", "-Y", "verify", "-f", str(allowed), "-I", "jane", "-n", NAMESPACE, "-s", str(made)]
    return subprocess.run(command, input=message, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("kind", KINDS)
def test_openssh_and_we_verify_each_other(tmp_path: Path, kind: list[str]) -> None:
    path = make_key(tmp_path, kind)
    theirs, ours = sign_by_openssh(path, MESSAGE), sign(load(path), MESSAGE)
    assert is_good_for_openssh(path, MESSAGE, ours)
    assert not is_good_for_openssh(path, MESSAGE + b" ", ours)
    public = parse_key(path.with_suffix(".pub").read_text())
    for text in (theirs, ours):
        signature = parse_signature(text)
        signature.verify(MESSAGE)
        assert signature.key == public
        with pytest.raises(BadSignature, match="other bytes"):
            signature.verify(MESSAGE + b" ")
    shown = subprocess.run(["ssh-keygen", "-l", "-f", f"{path}.pub"], check=True, capture_output=True, text=True)
    assert public.fingerprint == shown.stdout.split()[1]


def test_a_signature_for_another_purpose_is_refused(tmp_path: Path) -> None:
    path = make_key(tmp_path, ["-t", "ed25519"])
    signature = parse_signature(sign_by_openssh(path, MESSAGE, "git"))
    with pytest.raises(BadSignature, match="namespace 'git', not for medinfer-approval"):
        signature.verify(MESSAGE)
    renamed = Signature(signature.key, NAMESPACE, b"", signature.hash_name, signature.algorithm, signature.raw)
    with pytest.raises(BadSignature, match="other bytes"):
        renamed.verify(MESSAGE)


def test_each_flipped_byte_is_noticed(tmp_path: Path) -> None:
    text = sign(load(make_key(tmp_path, ["-t", "ed25519"])), MESSAGE)
    content = base64.b64decode("".join(text.splitlines()[1:-1]))
    for index in range(len(content)):
        changed = bytearray(content)
        changed[index] ^= 1
        armoured = "\n".join((BEGIN, base64.b64encode(changed).decode(), END))
        with pytest.raises(BadSignature):
            parse_signature(armoured).verify(MESSAGE)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("", "not the whole text", id="empty"),
        pytest.param("LGTM", "not the whole text", id="prose"),
        pytest.param(f"{BEGIN}\n!!\n{END}", "no base64", id="no-base64"),
        pytest.param(f"{BEGIN}\nAAAA\n{END}", "no SSHSIG", id="other-magic"),
        pytest.param(f"{BEGIN}\nU1NIU0lHAAAAAQAA\n{END}", "ends too early", id="cut"),
        pytest.param(f"{BEGIN}\n{'A' * 9000}\n{END}", "not the whole text", id="too-long"),
    ],
)
def test_what_is_no_signature_says_why(text: str, why: str) -> None:
    with pytest.raises(BadSignature, match=why):
        parse_signature(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("", "must begin with one of ssh-ed25519", id="empty"),
        pytest.param("ssh-dss AAAA", "must begin with one of", id="dsa"),
        pytest.param("ssh-ed25519 ????", "has no base64", id="no-base64"),
        pytest.param("ssh-ed25519 AAAA", "is no usable ssh-ed25519 key", id="cut"),
    ],
)
def test_what_is_no_key_says_why(text: str, why: str) -> None:
    with pytest.raises(BadKey, match=re.escape(why)):
        parse_key(text)


def test_a_short_rsa_key_is_refused(tmp_path: Path) -> None:
    path = make_key(tmp_path, ["-t", "rsa", "-b", "1024"])
    with pytest.raises(BadKey, match="1024 bits"):
        parse_key(path.with_suffix(".pub").read_text())


@pytest.mark.parametrize("value", [0, 1, 127, 128, 255, 256, 2**255, 2**521 - 1])
def test_numbers_are_those_of_openssh(value: int) -> None:
    assert integer(mpint(value)) == value
