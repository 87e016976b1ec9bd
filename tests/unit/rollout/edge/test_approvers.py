"""The list of approvers as the API server has it: followed at each reconcile, and never in the way of anything else."""

import pytest
from rollout_operator.approvals.approvers import KEY
from rollout_operator.documents.codec import dump
from rollout_operator.documents.spec import parse_spec
from rollout_operator.edge.errors import ClusterError, Unavailable

from ci.stack import cluster_objects
from tests.unit.rollout.approvals.signers import GATE, JANE
from tests.unit.rollout.edge.fake_cluster import SETTINGS, FakeCluster
from tests.unit.rollout.specs import digest, uri

NAME = "gate-approvers"
CONFIGURED = SETTINGS.model_copy(update={"approvers_configmap": NAME, "approvers_namespace": "trust"})
LIST = f"approvers: [{{name: jane, keys: ['{JANE.public}'], gates: [{GATE}]}}]"


def write(world: FakeCluster, text: str) -> None:
    world.server.add("ConfigMap", cluster_objects.config_map(NAME, {KEY: text}))


async def at_the_gate() -> FakeCluster:
    world = await FakeCluster(settings=CONFIGURED).run_until("Healthy")
    steps = [{"gate": {"name": GATE}}, {"setWeight": 100}]
    wanted = {"version": 2, "artifact": {"uri": uri(2), "digest": digest(2)}}
    line = {"gate": GATE, "version": 2, "digest": digest(2), "by": "Prof. Nobody"}
    world.server.edit_rollout(**wanted, strategy={"steps": steps}, approvals=[line])
    return await world.run_until("Paused")


async def test_the_list_is_followed_without_a_restart() -> None:
    world = await at_the_gate()
    assert f"ConfigMap trust/{NAME} does not exist, or has no key {KEY}" in world.status["message"]
    write(world, "approvers: [{name: jane}]")
    await world.tick()
    assert f"ConfigMap trust/{NAME}: approvers[0] (jane): keys must be a list" in world.status["message"]
    write(world, LIST)
    await world.tick()
    assert "by one of: jane; spec.approvals[0] (by 'Prof. Nobody') does not open it" in world.status["message"]
    body = world.server.rollout()
    signed = JANE.approves(parse_spec(body), world.clock.now_seconds)
    world.server.edit_rollout(approvals=[*body["spec"]["approvals"], dump(signed)])
    await world.run_until("Healthy")


@pytest.mark.parametrize("error", [Unavailable("silent"), ClusterError("forbidden")])
async def test_a_list_that_cannot_be_read_holds_the_gate_and_nothing_else(error: Exception) -> None:
    world = await at_the_gate()

    def refuse(verb: str, kind: str, name: str) -> None:
        if name == NAME:
            raise error

    world.server.before = refuse
    await world.tick()
    assert f"ConfigMap trust/{NAME} cannot be read: {error}" in world.status["message"]
    world.server.edit_rollout(version=1, artifact={"uri": uri(1), "digest": digest(1)})
    await world.run_until("Healthy")
    assert world.status["stable"]["version"] == 1


async def test_without_a_gate_the_list_is_not_read() -> None:
    world = FakeCluster(settings=CONFIGURED)
    read: list[str] = []
    world.server.before = lambda verb, kind, name: read.append(name)
    await world.run_until("Healthy")
    assert read and NAME not in read
