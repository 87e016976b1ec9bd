"""Whom a hospital trusts: one team signs bundles, one person opens gates, and another releases."""

import json
from dataclasses import dataclass
from pathlib import Path

import yaml
from modelctl.main import main
from rollout_operator.approvals.approvers import KEY

from ci.stack.kubernetes import ROLES, Json, binding
from tests.harness.rollout.guarded import guard
from tests.harness.rollout.namespace import Namespace
from tests.harness.rollout.plugin import done
from tests.harness.rollout.rollouts import GATE, NAME, RolloutStack
from tests.unit.modelctl.signature import pki
from tests.unit.rollout.approvals.test_sshsig import make_key

SIGNER, APPROVER, RELEASER = "models team", "radiology@hospital.example", "rob"
APPROVERS = "gate-approvers"
POLICIES = ("triton.agent.allowedPrefixes={file:/}", f"operator.approvers.configMapName={APPROVERS}")


@dataclass(frozen=True)
class Trusted:
    """`folder` has the keys of these people."""

    namespace: Namespace
    folder: Path

    def sign(self, bundle: Path) -> None:
        """Beside the bundle."""
        signature = bundle.with_name(f"{bundle.name}.sig")
        if not signature.exists():
            assert main(["sign", str(bundle), "--key", str(self.folder / "signer.pem"), "--out", str(signature)]) == 0

    def approval(self, by: str) -> Json:
        """What `kubectl modelrollout approve` prints for git, signed with this person's own key."""
        printed = done(self.namespace, "approve", NAME, "--gate", GATE, "--by", by, "--sign", str(self.folder / by))
        [line] = yaml.safe_load(printed)["spec"]["approvals"]
        return dict(line)


def trust(stack: RolloutStack, folder: Path) -> Trusted:
    """Call it before the stack starts: agents refuse what nobody signed, a gate needs a signature, and the chart's
    policies are in force."""
    folder.mkdir()
    (folder / "signer.pem").write_bytes(pki.private_pem(pki.key(SIGNER)))
    listed = {"name": SIGNER, "models": ["*"], "keys": [pki.public_pem(pki.key(SIGNER))]}
    (folder / "signers.yaml").write_text(json.dumps({"signers": [listed]}))
    stack.agent_environment |= {
        "MEDINFER_AGENT_VERIFICATION": "enforce",
        "MEDINFER_AGENT_SIGNERS_FILE": str(folder / "signers.yaml"),
    }
    stack.operator_environment |= {"APPROVERS_CONFIGMAP": APPROVERS}
    guard(stack.namespace, POLICIES)
    keys = {by: make_key(folder, ["-t", "ed25519"], by).with_name(f"{by}.pub") for by in (APPROVER, RELEASER)}
    _name_the_approver(stack.namespace, keys[APPROVER].read_text())
    return Trusted(stack.namespace, folder)


def _name_the_approver(namespace: Namespace, key: str) -> None:
    entry = {"name": APPROVER, "keys": [key], "gates": [GATE]}
    namespace.set_config_map(APPROVERS, {KEY: yaml.safe_dump({"approvers": [entry]})})
    rbac = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace.name}"
    role = yaml.safe_load((ROLES / "approvers.yaml").read_text())
    namespace.client.create(f"{rbac}/roles", role)
    reader = binding(namespace.users["operator"], role["metadata"]["name"]) | {"metadata": {"name": "list-reader"}}
    namespace.client.create(f"{rbac}/rolebindings", reader)
