"""A release is one commit: git, the real kustomize-controller, and a stack under load.

Agents load only what the models team signed, gates open only for a signature, and the chart's policies are in force.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from ci.stack.cluster_objects import PLAN, ROUTES
from ci.stack.kubernetes import Cluster, Json, binding
from ci.stack.waiting import wait_until
from tests.harness.chart import helm
from tests.harness.chart.admitted import FLUX
from tests.harness.flux import APPLY_SECONDS, Kustomization, KustomizeController
from tests.harness.git_source import GitSource
from tests.harness.rollout.namespace import Namespace
from tests.harness.rollout.rollouts import GATE, NAME, PROMOTE_SECONDS, RolloutStack
from tests.integration.gitops.trusted import APPROVER, RELEASER, SIGNER, Trusted, trust

pytestmark = pytest.mark.integration

SUBNET = 83
UNLOADABLE = 5
POLL_SECONDS = 5  # Flux's
NOTICE_SECONDS = 60
CONTROLLER = "kustomize-controller"
QUICK = {"intervalSeconds": 2, "minSamples": 20}
STRAIGHT = [{"setWeight": 50}, {"setWeight": 100}]
GATED = [{"gate": {"name": GATE}}, {"setWeight": 100}]


@dataclass
class Hospital:
    """A stack whose ModelRollout and whose two ConfigMaps lie in git."""

    stack: RolloutStack
    trusted: Trusted
    git: GitSource
    controller: KustomizeController
    config_maps: Kustomization
    rollout: Kustomization

    def commit(self, version: int, **changes: Any) -> str:
        """The revision of a commit that wants this version, which the models team signed."""
        self.trusted.sign(self.stack.bundle(version))
        spec = self.stack.spec(version, approve=False, **{"steps": STRAIGHT, "analysis": QUICK} | changes)
        body = {"apiVersion": "serving.medinfer.io/v1alpha1", "kind": "ModelRollout", "metadata": {"name": NAME}}
        return self.git.commit(
            f"Version {version}", {"rollout/modelrollout.yaml": yaml.safe_dump(body | {"spec": spec})}
        )


@pytest.fixture(scope="module")
def hospital(cluster: Cluster, bundles: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hospital]:
    """Nothing is wanted yet, and no operator runs."""
    namespace, folder = Namespace(cluster), tmp_path_factory.mktemp("flux")
    stack = RolloutStack(namespace, bundles, folder, subnet=SUBNET)
    with ExitStack() as everything:
        everything.callback(stack.stop)
        trusted = trust(stack, folder / "keys")
        stack.start(operators=0, version=None)
        address = f"127.0.{SUBNET}.250"
        git = everything.enter_context(GitSource(cluster.client, namespace.name, folder, address))
        controller = everything.enter_context(
            KustomizeController(flux_kubeconfig(cluster, namespace.name), folder, address)
        )
        git.commit("The stack's ConfigMaps", {"stack/configmaps.yaml": config_maps()})
        kustomizations = [Kustomization(cluster.client, namespace.name, name) for name in ("stack", "rollout")]
        yield Hospital(stack, trusted, git, controller, *kustomizations)


def flux_kubeconfig(cluster: Cluster, namespace: str) -> Path:
    """With the rights that `flux bootstrap` gives to kustomize-controller."""
    bound = binding(FLUX, "cluster-admin") | {"metadata": {"name": "flux"}}
    bound["roleRef"]["kind"] = "ClusterRole"
    cluster.client.create("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", bound)
    return cluster.kubeconfig(FLUX, namespace)


def config_maps() -> str:
    """Plan and routes as the chart has them."""
    found = helm.of_kind(helm.render(), "ConfigMap")
    for name in (PLAN, ROUTES):
        found[name]["metadata"].pop("namespace", None)
        assert "data" not in found[name]
    return str(yaml.safe_dump_all([found[name] for name in (PLAN, ROUTES)]))


@pytest.fixture
def served(hospital: Hospital) -> Hospital:
    """Version 1 is wanted by git and live."""
    if not hospital.stack.operators:
        hospital.stack.add_operator()
    hospital.rollout.wait_for_live(hospital.commit(1), PROMOTE_SECONDS)
    for api in hospital.stack.apis.values():
        api.wait_until_serving()
    return hospital


def test_a_rollout_that_no_operator_looked_at_is_not_ready(hospital: Hospital) -> None:
    revision = hospital.commit(1)
    wait_until(lambda: hospital.controller.applied(NAME), "it is applied", APPLY_SECONDS)
    with pytest.raises(AssertionError, match="not within"):
        hospital.rollout.wait_for_live(revision, 3 * POLL_SECONDS)
    hospital.stack.add_operator()
    hospital.rollout.wait_for_live(revision, PROMOTE_SECONDS)
    assert hospital.stack.is_ready(1)


def test_a_commit_releases_a_version_and_its_approval_is_another(served: Hospital, images: list[bytes]) -> None:
    stack, trusted = served.stack, served.trusted
    with stack.load(images, stack.expected(images, 1, 2)) as load:
        load.wait_until_answered(150)
        released = served.commit(2, steps=GATED)
        stack.wait_for_phase("Paused")
        assert not served.rollout.is_live(released)

        own = trusted.approval(RELEASER)
        served.commit(2, steps=GATED, approvals=[own, own | {"by": APPROVER}])
        refusal = f"spec.approvals[1] (by '{APPROVER}') does not open it: key SHA256:"
        wait_until(lambda: refusal in stack.status()["message"], "the releaser's key is refused", NOTICE_SECONDS)
        assert f"by one of: {APPROVER};" in stack.status()["message"] and stack.phase() == "Paused"
        assert f"spec.approvals[0] (by '{RELEASER}') does not open it: key SHA256:" in stack.status()["message"]

        load.mark("approved")
        approved = served.commit(2, steps=GATED, approvals=[own, trusted.approval(APPROVER)])
        served.rollout.wait_for_live(approved, PROMOTE_SECONDS)
        assert stack.is_ready(2)
        load.mark("live")
        load.wait_until_answered(150)
        result = load.finish(at_least=500)
    assert result.failed == 0
    assert result.between(end="approved").by_version().keys() == {1}
    assert result.between("live").by_version().keys() == {2}
    gate = stack.status()["history"][-1]["steps"][0]
    assert gate["approvedBy"] == APPROVER and gate["approvedKey"].startswith("SHA256:")
    assert SIGNER in stack.condition("ArtifactVerified")["message"]


def test_a_bad_version_fails_and_the_revert_mends_it(served: Hospital, images: list[bytes]) -> None:
    stack = served.stack
    with stack.load(images, stack.expected(images, 1)) as load:
        load.wait_until_answered(150)
        message = served.rollout.wait_for_failure(served.commit(UNLOADABLE), PROMOTE_SECONDS)
        assert f"ModelRollout/{stack.namespace.name}/{NAME} status: 'Failed'" in message
        assert stack.status()["lastFailure"]["reason"] == "LoadFailed"
        assert stack.status()["stable"] == stack.status()["stable"] | {"version": 1, "weight": 100}
        served.rollout.wait_for_live(served.git.revert(), PROMOTE_SECONDS)
        load.wait_until_answered(150)
        result = load.finish(at_least=500)
    assert result.failed == 0
    assert result.by_version().keys() == {1}


def test_a_revert_in_the_middle_of_a_release_is_applied_at_once(served: Hospital, images: list[bytes]) -> None:
    stack, version = served.stack, served.stack.make_version(31)
    with stack.load(images, stack.expected(images, 1, version)) as load:
        load.wait_until_answered(150)
        served.commit(version, steps=[{"setWeight": 50}, {"pause": {"seconds": 3600}}, {"setWeight": 100}])
        stack.wait_for_weight(50)
        reverted = served.git.revert()
        wait_until(lambda: stack.weight() == 0, "the canary has nothing", NOTICE_SECONDS)
        served.rollout.wait_for_live(reverted, PROMOTE_SECONDS)
        result = load.finish(at_least=300)
    assert result.failed == 0
    assert stack.is_ready(1)


def test_applying_a_commit_again_changes_nothing_while_the_operator_writes(
    served: Hospital, images: list[bytes]
) -> None:
    stack, version, controller = served.stack, served.stack.make_version(32), served.controller
    with stack.load(images, stack.expected(images, 1, version)) as load:
        load.wait_until_answered(150)
        before = len(controller.applied(NAME))
        released = served.commit(version)
        wait_until(lambda: "configured" in controller.applied(NAME)[before:], "the version is wanted", NOTICE_SECONDS)
        first, generation = len(controller.applied(NAME)), stack.namespace.rollout(NAME)["metadata"]["generation"]
        applied, written = applied_to_config_maps(stack), revisions(stack)

        def is_live() -> bool:
            controller.apply_again(served.rollout, NAME)
            controller.apply_again(served.config_maps, PLAN)
            return stack.is_ready(version)

        wait_until(is_live, f"version {version} is live", PROMOTE_SECONDS)
        served.rollout.wait_for_live(released, NOTICE_SECONDS)
        result = load.finish(at_least=500)
    assert result.failed == 0
    assert revisions(stack) > written + 2, "the operator wrote meanwhile"
    assert set(controller.applied(NAME)[first:]) == {"unchanged"}
    # Of a ConfigMap that the operator wrote between its read and its dry run the controller says "configured", too.
    assert len(applied) == 2 and applied_to_config_maps(stack) == applied
    assert stack.namespace.rollout(NAME)["metadata"]["generation"] == generation


def applied_to_config_maps(stack: RolloutStack) -> list[Json]:
    """What kustomize-controller set in plan and routes, and when."""
    found = [stack.namespace.config_map(name) for name in (PLAN, ROUTES)]
    entries = [entry for one in found if one for entry in one["metadata"]["managedFields"]]
    return [entry for entry in entries if entry["manager"] == CONTROLLER]


def revisions(stack: RolloutStack) -> int:
    """How often the operator has written plan and routes."""
    documents = (stack.namespace.plan(), stack.namespace.routes())
    return sum(int((document or {}).get("revision", 0)) for document in documents)
