"""`approve --sign`: with a key, with one that has a passphrase, and with one that only ssh-agent holds."""

import subprocess
from pathlib import Path

import pytest
import yaml
from kubectl_modelrollout.edits import approve
from kubectl_modelrollout.errors import Problem
from kubectl_modelrollout.signing import signer
from rollout_operator.approvals.approvers import parse_approvers
from rollout_operator.approvals.sshsig import parse_signature
from rollout_operator.documents.spec import parse_spec

from tests.unit.kubectl.rollouts import at_the_gate, body, rollout
from tests.unit.rollout.approvals.test_sshsig import make_key
from tests.unit.rollout.specs import approval

MESSAGE = b"an approval"


def is_signed(name: Path, key: Path) -> bool:
    signature = parse_signature(signer(str(name))(MESSAGE))
    signature.verify(MESSAGE)
    return signature.key.text in key.with_suffix(".pub").read_text()


def test_a_key_signs(tmp_path: Path) -> None:
    key = make_key(tmp_path, ["-t", "ed25519"])
    assert is_signed(key, key)


def test_a_passphrase_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By ssh-keygen, on the terminal; without one by the program that SSH_ASKPASS names."""
    key, asks = make_key(tmp_path, ["-t", "ed25519"]), tmp_path / "asks"
    subprocess.run(["ssh-keygen", "-q", "-p", "-N", "open sesame", "-f", str(key)], check=True, capture_output=True)
    asks.write_text("#!/bin/sh\necho open sesame\n")
    asks.chmod(0o700)
    monkeypatch.setenv("SSH_ASKPASS", str(asks))
    monkeypatch.setenv("SSH_ASKPASS_REQUIRE", "force")
    assert is_signed(key, key)
    asks.write_text("#!/bin/sh\necho wrong\n")
    with pytest.raises(Problem, match=r"ssh-keygen does not sign: .*incorrect passphrase"):
        signer(str(key))(MESSAGE)


def test_ssh_agent_signs_with_a_key_that_is_on_no_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key, socket = make_key(tmp_path, ["-t", "ecdsa"]), tmp_path / "agent"
    command = ["ssh-agent", "-D", "-a", str(socket)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as agent:
        assert agent.stdout and agent.stdout.readline(), "it listens"
        try:
            monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
            subprocess.run(["ssh-add", "-q", str(key)], check=True, capture_output=True)
            key.unlink()
            assert is_signed(key.with_suffix(".pub"), key)
        finally:
            agent.terminate()


def test_what_is_no_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Problem, match=r"--sign .*missing: No such file"):
        signer(str(tmp_path / "missing"))
    (tmp_path / "text").write_text("no key")
    with pytest.raises(Problem, match="ssh-keygen does not sign"):
        signer(str(tmp_path / "text"))(MESSAGE)
    with pytest.raises(Problem, match="has 1024 bits"):
        signer(str(make_key(tmp_path, ["-t", "rsa", "-b", "1024"])))(MESSAGE)


def test_the_signed_line_is_yaml_and_opens_the_gate(tmp_path: Path) -> None:
    """Beside a line that does not open it, too: a name that anybody could write."""
    key = make_key(tmp_path, ["-t", "ed25519"])
    public = key.with_suffix(".pub").read_text().strip()
    made = at_the_gate()
    made.edit(approvals=(approval(2),), name="resnet-medical", namespace="clinic")
    entry = {"name": "jane", "keys": [public], "gates": ["clinical-signoff"]}
    made.approvers = parse_approvers(yaml.safe_dump({"approvers": [entry]}), "ConfigMap trust/approvers")
    made.run(3)
    assert made.phase == "Paused"
    with pytest.raises(Problem, match=r"by Dr\. Roentgen; it does not open the gate: sign one with --sign KEY"):
        approve(rollout(made), "clinical-signoff", "jane", int(made.now))
    edit = approve(rollout(made), "clinical-signoff", "jane", int(made.now), signer(str(key)))
    [line] = yaml.safe_load(edit.lines)["spec"]["approvals"]
    assert line == edit.change["approvals"][1] and line["signature"].startswith("-----BEGIN SSH SIGNATURE-----\n")
    seen = body(made)
    seen["spec"] |= edit.change
    made.edit(approvals=parse_spec(seen).approvals)
    made.run_until("Healthy")
