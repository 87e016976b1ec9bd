"""Signs an approval with a person's SSH key, as git does with commits."""

import subprocess
from collections.abc import Callable
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_ssh_private_key
from rollout_operator.approvals.keys import BadKey
from rollout_operator.approvals.sshsig import NAMESPACE, PrivateKey, parse_signature, sign
from rollout_operator.approvals.wire import BadSignature

from kubectl_modelrollout.errors import Problem

Sign = Callable[[bytes], str]


def signer(name: str) -> Sign:
    """Signs with the key in this file; raises Problem, and so does what it returns.

    A key with a passphrase, and the public half of one that ssh-agent or a token holds, are left to `ssh-keygen -Y
    sign`, which asks on the terminal.
    """
    path = Path(name).expanduser()
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Problem(f"--sign {name}: {error.strerror or error}") from None
    return lambda message: _checked(name, _sign(path, content, message), message)


def _sign(path: Path, content: bytes, message: bytes) -> str:
    try:
        key = load_ssh_private_key(content, None)
    except (TypeError, ValueError, UnsupportedAlgorithm):  # a passphrase, another form, or the public half
        return _by_openssh(path, message)
    if not isinstance(key, PrivateKey):
        raise Problem(f"--sign {path}: use an Ed25519, ECDSA or RSA key")
    try:
        return sign(key, message)
    except BadKey as error:
        raise Problem(f"--sign {path}: the key {error}") from None


def _by_openssh(path: Path, message: bytes) -> str:
    command = ["ssh-keygen", "-q", "-Y", "sign", "-n", NAMESPACE, "-f", str(path)]
    try:
        done = subprocess.run(command, input=message, capture_output=True, check=False)
    except FileNotFoundError:
        raise Problem(f"--sign {path}: this key needs ssh-keygen; install OpenSSH's client") from None
    if done.returncode:
        raise Problem(f"--sign {path}: ssh-keygen does not sign: {done.stderr.decode(errors='replace')}")
    return done.stdout.decode()


def _checked(name: str, signature: str, message: bytes) -> str:
    """So that a key that the operator cannot use is refused here, not at the gate."""
    try:
        parse_signature(signature).verify(message)
    except BadSignature as error:
        raise Problem(f"--sign {name}: the operator would not take this signature: {error}") from None
    return signature
